"""``mvboot predict``: fields or keypoints of a capture's pictures by a trained network."""

from pathlib import Path
from typing import Annotated, Any

from typer import Option

from mvboot.commands.options import listed
from mvboot.stages.output import Output

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
CropsFrom = Annotated[
    Path | None,
    Option(help="Where to look for keypoints: a table of boxes, or of 2D or 3D keypoints."),
]
Individual = Annotated[
    str | None, Option(help="Whose keypoints, where the capture or --crops-from has several.")
]
Format = Annotated[
    list[str] | None,
    Option(help="Also write keypoints as deeplabcut, sleap, coco, openpose, ...; repeatable."),
]
Overlay = Annotated[
    bool, Option("--overlay", help="Also write a video of each camera with the result on it.")
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
    crops_from: CropsFrom = None,
    individual: Individual = None,
    format: Format = None,
    overlay: Overlay = False,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Say which point of the template pixels show, or where keypoints are: as the model learned."""
    from mvboot.stages import predict_fields, predict_keypoints

    how: dict[str, Any] = {
        "model": model,
        "data": data,
        "rig": rig,
        "cameras": None if cameras is None else listed(cameras, "--cameras"),
        "split": split,
        "size": size,
        "margin": margin,
    }
    sparse: dict[str, Any] = {
        "crops_from": crops_from,
        "individual": individual,
        "formats": format or (),
    }
    say = Output(as_json)
    if predict_fields.kind_of(model) == "keypoints":
        keypoints = predict_keypoints.KeypointPrediction.of(**how, **sparse)
        if dry_run:
            say.result(predict_keypoints.plan(keypoints, out, overwrite, say))
        else:
            say.result(predict_keypoints.run(keypoints, out, overwrite, overlay, say))
        return
    predict_fields.require_dense(sparse)
    fields = predict_fields.Prediction.of(**how)
    if dry_run:
        say.result(predict_fields.plan(fields, out, overwrite, say))
    else:
        say.result(predict_fields.run(fields, out, overwrite, overlay, say))
