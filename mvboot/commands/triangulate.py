"""``mvboot triangulate``: 2D keypoints of a calibrated rig to 3D keypoints."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.meant import hinted
from mvboot.commands.options import crops, each, listed, offsets, pairs, resolved
from mvboot.commands.output import Output
from mvboot.errors import InputError
from mvboot.units import UNIT_WORDS

COMMAND = "mvboot triangulate"
Overrides = Annotated[
    list[str] | None, Argument(metavar="[KEY=VALUE]...", help="Settings by name.")
]
RigPath = Annotated[Path | None, Option(help="Rig file or folder, any known format.")]
Pattern = Annotated[
    str | None, Option(help="Keypoint files: a path with {camera}, or one file with all cameras.")
]
Out = Annotated[Path | None, Option(help="Folder to write to.")]
Units = Annotated[
    str | None, Option(help=f"Unit of the rig's lengths: {UNIT_WORDS}, if its file has none.")
]
RigFormat = Annotated[str | None, Option(help="Format of the rig, if not recognised.")]
KeypointsFormat = Annotated[str | None, Option(help="Format of the keypoints, if not recognised.")]
Cameras = Annotated[str | None, Option(help="Use only these cameras of the rig, comma-separated.")]
CameraMap = Annotated[
    list[str] | None,
    Option(metavar="KEYPOINTS=RIG", help="Pair camera names that differ; repeatable."),
]
Timestamps = Annotated[
    Path | None, Option(help="Table that says which frames of the cameras belong together.")
]
Offset = Annotated[
    list[str] | None,
    Option(
        metavar="CAMERA=FRAMES",
        help="The camera is late: at 1 its frame n shows what the others show at n - 1; "
        "repeatable.",
    ),
]
Crop = Annotated[
    list[str] | None,
    Option(
        metavar="CAMERA=X,Y,W,H",
        help="Detections are in px of this part of the calibrated picture; repeatable.",
    ),
]
Subject = Annotated[str | None, Option(help="Individual to triangulate: its name, or largest.")]
MinConfidence = Annotated[
    float | None, Option(help="Ignore detections below this confidence. [default: 0]")
]
MinViews = Annotated[
    int | None,
    Option(help="Views that must agree. [default: 3, or 40 % of the detections if more]"),
]
ThresholdPx = Annotated[
    float | None, Option(help="How far from its detection a point may fall. [default: 8]")
]
Groups = Annotated[
    Path | None, Option(help="YAML file of keypoints to judge together: `name: [a, b]`.")
]
Fps = Annotated[float | None, Option(help="Frame rate in Hz, for TRC, C3D, netCDF.")]
Export = Annotated[
    list[str] | None,
    Option(help="Also write anipose, deeplabcut, trc, c3d, movement, ...; repeatable."),
]
Csv = Annotated[bool, Option("--csv", help="Also write the table as CSV.")]
Seed = Annotated[int | None, Option(help="Seed of every random draw. [default: 0]")]
Config = Annotated[
    Path | None, Option(help="YAML file with any of these settings (see config.yaml).")
]
FailAbove = Annotated[
    float | None,
    Option(metavar="PX", help="Exit with 1 if the median reprojection error is larger."),
]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace an earlier result.")]
DryRun = Annotated[bool, Option("--dry-run", help="Say what would be read and written, and stop.")]
AsJson = Annotated[bool, Option("--json", help="Print the summary as JSON.")]


def triangulate(
    overrides: Overrides = None,
    rig: RigPath = None,
    keypoints: Pattern = None,
    out: Out = None,
    units: Units = None,
    rig_format: RigFormat = None,
    keypoints_format: KeypointsFormat = None,
    cameras: Cameras = None,
    camera_map: CameraMap = None,
    timestamps: Timestamps = None,
    offset: Offset = None,
    crop: Crop = None,
    subject: Subject = None,
    min_confidence: MinConfidence = None,
    min_views: MinViews = None,
    threshold_px: ThresholdPx = None,
    groups: Groups = None,
    fps: Fps = None,
    export: Export = None,
    csv: Csv = False,
    seed: Seed = None,
    config: Config = None,
    fail_above: FailAbove = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Triangulate 2D keypoints robustly into metric 3D keypoints."""
    from mvboot.commands.triangulation import TriangulateConfig, plan, run

    given: dict[str, Any] = {
        "rig": rig,
        "keypoints": keypoints,
        "out": out,
        "units": units,
        "rig_format": rig_format,
        "keypoints_format": keypoints_format,
        "cameras": None if cameras is None else listed(cameras, "--cameras"),
        "camera_map": pairs(camera_map, "--camera-map", "KEYPOINTS=RIG"),
        "timestamps": timestamps,
        "offset": offsets(offset),
        "crop": crops(crop),
        "subject": subject,
        "min_confidence": min_confidence,
        "min_views": min_views,
        "threshold_px": threshold_px,
        "groups": groups,
        "fps": fps,
        "export": each(export, "--export"),
        "csv": csv or None,
        "seed": seed,
    }
    say = Output(as_json)
    try:
        settings = resolved(TriangulateConfig, given, config, overrides, COMMAND)
        result = plan(settings, say) if dry_run else run(settings, overwrite, fail_above, say)
    except InputError as error:
        better = error if config else hinted(error, COMMAND, given, overrides or [])
        if better is error:
            raise
        raise better from error
    say.result(result)
