"""``mvboot train``: a network from labels, or from views of one instant."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.options import listed, resolved, stated
from mvboot.stages.output import Output

Overrides = Annotated[
    list[str] | None,
    Argument(
        metavar="[KEY=VALUE]...",
        help="Settings by name, as size=112 or matching.weight=0.2; docs/training.md lists them.",
    ),
]
TaskName = Annotated[
    str | None,
    Option(
        "--task",
        help="dense (fields of a template's surface), keypoints (those of the labels), or latent "
        "(keypoints that nobody labelled). [default: dense]",
    ),
]
Data = Annotated[Path | None, Option(help="Capture folder.")]
Out = Annotated[Path | None, Option(help="Folder to write to.")]
Rig = Annotated[Path | None, Option(help="Rig that takes the place of the capture's rig.yaml.")]
Method = Annotated[
    str | None,
    Option(
        help="supervised (labels only), epipolar (views of a rig), bootstrap (the same views by "
        "triangulated predictions), or combined (both). [default: epipolar]"
    ),
]
Teacher = Annotated[
    Path | None, Option(help="Model, or a run's folder, to start from and keep near.")
]
Labels = Annotated[
    list[Path] | None,
    Option(help="Capture whose labels are used, if not those of --data; repeatable."),
]
CropsFrom = Annotated[
    Path | None,
    Option(help="Where the subject is in --data: a table of boxes, or of 2D or 3D keypoints."),
]
LabelCameras = Annotated[
    str | None, Option(help="Cameras whose labels are used. [default: all that train]")
]
Steps = Annotated[int | None, Option(help="Length of the run. [default: 1000]")]
Seed = Annotated[int | None, Option(help="Of weights, order and changes. [default: 0]")]
Config = Annotated[Path | None, Option(help="YAML file with any of these settings.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier run.")]
Resume = Annotated[bool, Option("--resume", help="Go on where the run in --out stopped.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be trained, and stop.")]
AsJson = Annotated[bool, Option("--json", help="Print the summary as JSON.")]


def train(
    overrides: Overrides = None,
    task: TaskName = None,
    data: Data = None,
    out: Out = None,
    rig: Rig = None,
    method: Method = None,
    teacher: Teacher = None,
    labels: Labels = None,
    label_cameras: LabelCameras = None,
    crops_from: CropsFrom = None,
    steps: Steps = None,
    seed: Seed = None,
    config: Config = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Train a network: from few labels first, then from unlabelled views of a rig."""
    from mvboot.stages.train import plan, run
    from mvboot.training.tasks import named_task

    given: dict[str, Any] = {
        "task": task,
        "data": data,
        "out": out,
        "rig": rig,
        "method": method,
        "teacher": teacher,
        "labels": labels,
        "label_cameras": None
        if label_cameras is None
        else listed(label_cameras, "--label-cameras"),
        "crops_from": crops_from,
        "steps": steps,
        "seed": seed,
    }
    model = named_task(task or stated(config, "task") or "dense").config
    settings = resolved(model, given, config, overrides, "mvboot train")
    say = Output(as_json)
    if dry_run:
        say.result(plan(settings, overwrite, resume, say))
        return
    say.result(run(settings, overwrite, resume, say))
