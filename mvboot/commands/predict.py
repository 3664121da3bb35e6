"""``mvboot predict``: dense fields of a capture's pictures by a trained network."""

from pathlib import Path
from typing import Annotated

from typer import Option

from mvboot.commands.options import listed
from mvboot.commands.output import Output

Model = Annotated[Path, Option(help="Model, or a run's folder.")]
Data = Annotated[Path, Option(help="Capture folder: pictures or videos, and a rig.")]
Out = Annotated[Path, Option(help="Folder to write to.")]
Rig = Annotated[Path | None, Option(help="Rig that takes the place of the capture's rig.yaml.")]
Cameras = Annotated[str | None, Option(help="Cameras, comma-separated. [default: all]")]
Split = Annotated[str, Option(help="train, validation or all frames.")]
Size = Annotated[
    int | None, Option(help="Side of the crops in px. [default: as the model was trained]")
]
Margin = Annotated[
    float | None, Option(help="Room about the subject. [default: as the model was trained]")
]
Overlay = Annotated[
    bool, Option("--overlay", help="Also write a video of each camera with the fields on it.")
]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier result.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be written, and stop.")]
AsJson = Annotated[bool, Option("--json", help="Print the summary as JSON.")]


def predict(
    model: Model,
    data: Data,
    out: Out,
    rig: Rig = None,
    cameras: Cameras = None,
    split: Split = "all",
    size: Size = None,
    margin: Margin = None,
    overlay: Overlay = False,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Say for every pixel of a capture which point of the template it shows."""
    from mvboot.commands.prediction import Prediction, plan, run

    asked = Prediction.of(
        model=model,
        data=data,
        rig=rig,
        cameras=None if cameras is None else listed(cameras, "--cameras"),
        split=split,
        size=size,
        margin=margin,
    )
    say = Output(as_json)
    if dry_run:
        say.result(plan(asked, out, overwrite, say))
        return
    say.result(run(asked, out, overwrite, overlay, say))
