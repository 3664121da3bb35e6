"""``mvboot calibrate``: a rig from pictures or videos of a board."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.options import by_camera, listed, offsets, pairs, resolved
from mvboot.commands.output import Output
from mvboot.errors import InputError

Overrides = Annotated[
    list[str] | None, Argument(metavar="[KEY=VALUE]...", help="Settings by name.")
]
Board = Annotated[
    str | None,
    Option(help="charuco:8x11:24mm:18mm:DICT_5X5_100, checkerboard:9x6:25mm, ... or a YAML file."),
]
Images = Annotated[str | None, Option(help="Pictures: a path with {camera}, as '{camera}/*.jpg'.")]
Videos = Annotated[str | None, Option(help="Videos: a path with {camera}.")]
Timestamps = Annotated[
    Path | None, Option(help="CSV that says which frames of the videos belong together.")
]
Offset = Annotated[
    list[str] | None,
    Option(
        metavar="CAMERA=FRAMES",
        help="A camera that is late: with cam=1 its frame n shows what the others show at n - 1.",
    ),
]
Out = Annotated[Path | None, Option(help="Folder to write to.")]
Cameras = Annotated[str | None, Option(help="Use only these cameras, comma-separated.")]
Lens = Annotated[
    list[str] | None,
    Option(
        metavar="[CAMERA=]LENS",
        help="Lens, or several with commas: pinhole, brown1 ... brown5, rational, fisheye; "
        "repeatable. [default: the one with the least held-out error]",
    ),
]
Intrinsics = Annotated[
    Path | None, Option(help="Rig whose intrinsics are kept; only the poses are found.")
]
Hold = Annotated[
    list[str] | None,
    Option(
        metavar="[CAMERA=]WHAT",
        help="Keep as each camera alone gives it: focal, principal_point, distortion, k1, ...",
    ),
]
Distance = Annotated[
    list[str] | None,
    Option(metavar="A:B=LENGTH", help="Measured distance of two cameras, as a:b=788mm."),
]
Units = Annotated[str | None, Option(help="Unit of the rig. [default: the board's]")]
World = Annotated[
    str | None,
    Option(help="board:NUMBER (it lies on the floor there) or camera:NAME. [default: first]"),
]
MaxShots = Annotated[int | None, Option(help="Most instants to calibrate with. [default: 150]")]
MaxPictures = Annotated[
    int | None, Option(help="Most pictures of a camera to look at. [default: 300]")
]
AllowPartial = Annotated[
    bool, Option("--allow-partial", help="Leave out cameras that share no picture with the rest.")
]
Upright = Annotated[
    bool,
    Option(
        "--upright",
        help="The board was upright in every picture: for checkerboards without a top.",
    ),
]
IntrinsicsOnly = Annotated[
    bool,
    Option("--intrinsics-only", help="Each camera alone, from pictures that need not match."),
]
Poses = Annotated[
    Path | None,
    Option(help="With --intrinsics-only: a rig whose poses the new intrinsics join."),
]
Config = Annotated[Path | None, Option(help="YAML file with any of these settings.")]
FailAbove = Annotated[
    float | None, Option(metavar="PX", help="Exit with 1 if the error per axis is larger.")
]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier result.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be read and written, and stop.")]
AsJson = Annotated[bool, Option("--json", help="Print the summary as JSON.")]


def calibrate(
    overrides: Overrides = None,
    board: Board = None,
    images: Images = None,
    videos: Videos = None,
    timestamps: Timestamps = None,
    offset: Offset = None,
    out: Out = None,
    cameras: Cameras = None,
    lens: Lens = None,
    intrinsics: Intrinsics = None,
    hold: Hold = None,
    distance: Distance = None,
    units: Units = None,
    world: World = None,
    max_shots: MaxShots = None,
    max_pictures: MaxPictures = None,
    allow_partial: AllowPartial = False,
    upright: Upright = False,
    intrinsics_only: IntrinsicsOnly = False,
    poses: Poses = None,
    config: Config = None,
    fail_above: FailAbove = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Calibrate a rig from synchronous footage of a board."""
    from mvboot.commands.calibrate_config import CalibrateConfig
    from mvboot.commands.calibration import plan, run
    from mvboot.commands.intrinsics import run_alone

    given: dict[str, Any] = {
        "board": board,
        "images": images,
        "videos": videos,
        "timestamps": timestamps,
        "offset": offsets(offset),
        "out": out,
        "cameras": None if cameras is None else listed(cameras, "--cameras"),
        "lens": by_camera(lens, "--lens"),
        "intrinsics": intrinsics,
        "hold": by_camera(hold, "--hold"),
        "distance": pairs(distance, "--distance", "A:B=LENGTH"),
        "units": units,
        "world": world,
        "max_shots": max_shots,
        "max_pictures": max_pictures,
        "allow_partial": allow_partial or None,
        "upright": upright or None,
        "intrinsics_only": intrinsics_only or None,
        "poses": poses,
    }
    settings = resolved(CalibrateConfig, given, config, overrides, "mvboot calibrate")
    if settings.poses and not settings.intrinsics_only:
        raise InputError("--poses belongs to --intrinsics-only")
    if fail_above is not None and not fail_above > 0:
        raise InputError(f"--fail-above must be positive, got {fail_above}")
    say = Output(as_json)
    work = run_alone if settings.intrinsics_only else run
    say.result(plan(settings, say) if dry_run else work(settings, overwrite, fail_above, say))
