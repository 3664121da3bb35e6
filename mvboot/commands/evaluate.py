"""``mvboot evaluate``: how right and how consistent dense fields or 2D keypoints are."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.options import listed, pairs, resolved, stated
from mvboot.stages.output import Output

Overrides = Annotated[
    list[str] | None,
    Argument(metavar="[KEY=VALUE]...", help="Any setting, as points=500; see config.yaml."),
]
Data = Annotated[Path | None, Option(help="Capture folder whose pictures the fields are of.")]
Fields = Annotated[
    Path | None, Option(help="Folder of fields, <camera>/<frame>.npz, or with these in fields/.")
]
Keypoints = Annotated[
    str | None,
    Option(help="2D keypoints instead of fields: a table, or a path with {camera}."),
]
Subject = Annotated[str | None, Option(help="Whose keypoints, where there are several.")]
Out = Annotated[Path | None, Option(help="Folder to write to.")]
Against = Annotated[
    Path | None, Option(help="Folder of earlier fields, as a teacher's: measure the drift.")
]
Template = Annotated[
    str | None, Option(help="body, quadruped, or a template file. [default: the capture's]")
]
Cameras = Annotated[str | None, Option(help="Only these cameras, comma-separated.")]
SplitOption = Annotated[
    str | None,
    Option(
        "--split",
        metavar="validation|train|all",
        help="Which frames. [default: validation, or all where none validate]",
    ),
]
Kappa = Annotated[
    str | None,
    Option(metavar="METRES|parts", help="Scale of GPS, or one for each part. [default: 0.255]"),
]
Points3d = Annotated[
    Path | None,
    Option("--points3d", help="points3d of mvboot triangulate, to compare landmarks with."),
]
Landmark = Annotated[
    list[str] | None,
    Option(metavar="KEYPOINT=LANDMARK", help="Pair names that differ; repeatable."),
]
FailAbove = Annotated[
    list[str] | None,
    Option(
        metavar="SCORE=LIMIT",
        help="Exit with 1 if it is larger, as epipolar.mean_px=2; repeatable.",
    ),
]
Surface = Annotated[
    Path | None,
    Option(help="Result of mvboot surface to measure, instead of the fields themselves."),
]
Seed = Annotated[int | None, Option(help="Seed of every random draw. [default: 0]")]
Config = Annotated[
    Path | None, Option(help="YAML file with any of these settings (see config.yaml).")
]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier result.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be read and written, and stop.")]
AsJson = Annotated[bool, Option("--json", help="Print the summary as JSON.")]


def evaluate(
    overrides: Overrides = None,
    data: Data = None,
    fields: Fields = None,
    keypoints: Keypoints = None,
    subject: Subject = None,
    out: Out = None,
    against: Against = None,
    template: Template = None,
    cameras: Cameras = None,
    split: SplitOption = None,
    kappa: Kappa = None,
    points3d: Points3d = None,
    surface: Surface = None,
    landmark: Landmark = None,
    seed: Seed = None,
    config: Config = None,
    fail_above: FailAbove = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Measure dense fields (surface, epipolar, 3D, landmarks, drift), surfaces or 2D keypoints."""
    from mvboot.stages.evaluate_fields import EvaluateFields
    from mvboot.stages.evaluate_keypoints import EvaluateKeypoints
    from mvboot.stages.evaluate_surfaces import EvaluateSurfaces

    given: dict[str, Any] = {
        "data": data,
        "fields": fields,
        "keypoints": keypoints,
        "subject": subject,
        "out": out,
        "against": against,
        "template": template,
        "cameras": None if cameras is None else listed(cameras, "--cameras"),
        "split": split,
        "kappa": kappa,
        "points3d": points3d,
        "landmarks": pairs(landmark, "--landmark", "KEYPOINT=LANDMARK"),
        "seed": seed,
    }
    say = Output(as_json)
    limits = pairs(fail_above, "--fail-above", "SCORE=LIMIT") or {}
    stage: Any
    if surface is not None or stated(config, "surface") is not None:
        stage = EvaluateSurfaces(limits)
        given = _of_surface({**given, "surface": surface})
    elif keypoints is not None or stated(config, "keypoints") is not None:
        stage = EvaluateKeypoints(limits)
    else:
        stage = EvaluateFields(limits)
    settings = resolved(stage.config, given, config, overrides, "mvboot evaluate")
    work = stage.dry_run if dry_run else stage.run
    say.result(work(settings, overwrite, say))


def _of_surface(given: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of surfaces; InputError for an option that says nothing of them."""
    from mvboot.errors import InputError
    from mvboot.stages.evaluate_surfaces import SurfaceEvaluateConfig

    alien = given.keys() - SurfaceEvaluateConfig.model_fields.keys()
    wrong = sorted(key for key in alien if given[key] is not None)
    if wrong:
        option = "landmark" if wrong[0] == "landmarks" else wrong[0]
        raise InputError(f"--{option} does not go with --surface")
    return {key: value for key, value in given.items() if key not in alien}
