"""``mvboot bootstrap``: a detector teaches itself from frames in which its views agree."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from mvboot.commands.options import frame_words, listed, pairs, resolved
from mvboot.errors import InputError
from mvboot.stages.output import Output

if TYPE_CHECKING:
    from mvboot.stages.bootstrap import How
    from mvboot.training.dense.settings import TrainConfig

Words = list[str] | None
Overrides = Annotated[
    Words,
    Argument(
        metavar="[KEY=VALUE]...",
        help="Settings by name, as window=30 or heuristics.velocity=null; docs/bootstrap.md.",
    ),
]
Data = Annotated[Path | None, Option(help="Capture folder.")]
Labels = Annotated[
    str | None,
    Option(help="Labels of people: keypoint files, a path with {camera} or one file."),
]
Out = Annotated[Path | None, Option(help="Folder of the run.")]
Rig = Annotated[Path | None, Option(help="Rig that takes the place of the capture's rig.yaml.")]
Rounds = Annotated[int | None, Option(help="Times that footage is labelled anew. [default: 3]")]
DetectorCmd = Annotated[
    str | None,
    Option(
        help="Command in the network's place: 'python my.py --labels {labels} --pictures "
        "{pictures} --out {out}'."
    ),
]
Teacher = Annotated[
    Path | None,
    Option(help="Model to begin with. A dense one is bootstrapped by its own rounds."),
]
LabelFrames = Annotated[
    str | None, Option(help="Frames whose labels are used, as 0..9,40. [default: all that train]")
]
LabelCameras = Annotated[
    str | None, Option(help="Cameras whose labels are used. [default: all that train]")
]
CameraMap = Annotated[
    Words, Option(metavar="LABELS=RIG", help="Pair camera names that differ; repeatable.")
]
Subject = Annotated[str | None, Option(help="Individual in the labels.")]
Groups = Annotated[
    Path | None, Option(help="YAML file of keypoints to judge together: `name: [a, b]`.")
]
Bones = Annotated[Path | None, Option(help="YAML file of bones: `name: [a, b]`.")]
ReviewFile = Annotated[
    list[Path] | None, Option("--review", help="Ticks of a review sheet to obey; repeatable.")
]
Pause = Annotated[
    bool, Option("--pause", help="Stop before a round learns, until its sheet was reviewed.")
]
Seed = Annotated[int | None, Option(help="Of everything random. [default: 0]")]
Config = Annotated[Path | None, Option(help="YAML file with any of these settings.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier run.")]
Resume = Annotated[bool, Option("--resume", help="Go on with the run in --out.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be done, and stop.")]
AsJson = Annotated[bool, Option("--json", help="Print the summary as JSON.")]


def bootstrap(
    overrides: Overrides = None,
    data: Data = None,
    labels: Labels = None,
    out: Out = None,
    rig: Rig = None,
    rounds: Rounds = None,
    detector_cmd: DetectorCmd = None,
    teacher: Teacher = None,
    label_frames: LabelFrames = None,
    label_cameras: LabelCameras = None,
    camera_map: CameraMap = None,
    subject: Subject = None,
    groups: Groups = None,
    bones: Bones = None,
    review: ReviewFile = None,
    pause: Pause = False,
    seed: Seed = None,
    config: Config = None,
    overwrite: Overwrite = False,
    resume: Resume = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Label the frames of a rig in which the views agree, learn from them, and go round again."""
    from mvboot.stages.bootstrap import BootstrapConfig, How, is_dense, plan, run
    from mvboot.stages.train import plan as plan_training
    from mvboot.stages.train import run as run_training

    given: dict[str, Any] = {
        "data": data,
        "labels": labels,
        "out": out,
        "rig": rig,
        "rounds": rounds,
        "detector_cmd": detector_cmd,
        "teacher": teacher,
        "label_frames": frame_words(label_frames),
        "label_cameras": None
        if label_cameras is None
        else listed(label_cameras, "--label-cameras"),
        "camera_map": pairs(camera_map, "--camera-map", "LABELS=RIG"),
        "subject": subject,
        "groups": groups,
        "bones": bones,
        "seed": seed,
    }
    say = Output(as_json)
    how = How(overwrite, resume, dry_run, pause, tuple(review or ()))
    if is_dense(teacher):
        dense = _dense_settings(given, config, overrides, how)
        work = plan_training if dry_run else run_training
        say.result(work(dense, overwrite, resume, say))
        return
    settings = resolved(BootstrapConfig, given, config, overrides, "mvboot bootstrap")
    say.result(plan(settings, how, say) if dry_run else run(settings, how, say))


def _dense_settings(
    given: Mapping[str, Any], config: Path | None, overrides: Sequence[str] | None, how: "How"
) -> "TrainConfig":
    """Return the settings of ``mvboot train --method bootstrap``, which this is by another name."""
    from mvboot.training.dense.settings import TrainConfig

    for name in (
        "labels",
        "detector_cmd",
        "label_frames",
        "camera_map",
        "subject",
        "groups",
        "bones",
    ):
        if given[name] is not None:
            option = name.replace("_", "-")
            raise InputError(
                f"--{option} belongs to keypoints, but --teacher is a dense model, whose labels "
                "are fields of the capture; leave it out, or see mvboot train"
            )
    if how.reviews or how.pause:
        raise InputError("--review and --pause belong to keypoints, but --teacher is a dense model")
    taken = {
        name: given[name] for name in ("data", "out", "rig", "teacher", "label_cameras", "seed")
    }
    words = [] if given["rounds"] is None else [f"bootstrapping.rounds={given['rounds']}"]
    return resolved(
        TrainConfig,
        {**taken, "method": "bootstrap"},
        config,
        [*words, *(overrides or ())],
        "mvboot bootstrap",
    )
