"""``mvboot triangulate``: 2D keypoints of a calibrated rig to 3D keypoints."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.output import Output
from mvboot.errors import InputError


def triangulate(
    overrides: Annotated[
        list[str] | None, Argument(metavar="[KEY=VALUE]...", help="Settings by name.")
    ] = None,
    rig: Annotated[Path | None, Option(help="Rig file or folder, any known format.")] = None,
    keypoints: Annotated[
        str | None,
        Option(help="Keypoint files: a path with {camera}, or one file with all cameras."),
    ] = None,
    out: Annotated[Path | None, Option(help="Folder to write to.")] = None,
    units: Annotated[
        str | None, Option(help="Unit of the rig's lengths: m, cm or mm, if its file has none.")
    ] = None,
    rig_format: Annotated[str | None, Option(help="Format of the rig, if not recognised.")] = None,
    keypoints_format: Annotated[
        str | None, Option(help="Format of the keypoints, if not recognised.")
    ] = None,
    cameras: Annotated[
        str | None, Option(help="Use only these cameras of the rig, comma-separated.")
    ] = None,
    camera_map: Annotated[
        list[str] | None,
        Option(metavar="KEYPOINTS=RIG", help="Pair camera names that differ; repeatable."),
    ] = None,
    subject: Annotated[
        str | None, Option(help="Individual to triangulate: its name, or largest.")
    ] = None,
    min_confidence: Annotated[
        float | None, Option(help="Ignore detections below this confidence. [default: 0]")
    ] = None,
    min_views: Annotated[
        int | None,
        Option(help="Views that must agree. [default: 3, or 40 % of the detections if more]"),
    ] = None,
    threshold_px: Annotated[
        float | None, Option(help="How far from its detection a point may fall. [default: 8]")
    ] = None,
    groups: Annotated[
        Path | None, Option(help="YAML file of keypoints to judge together: `name: [a, b]`.")
    ] = None,
    fps: Annotated[float | None, Option(help="Frame rate in Hz, for TRC, C3D, netCDF.")] = None,
    export: Annotated[
        list[str] | None,
        Option(help="Also write anipose, deeplabcut, trc, c3d, movement, ...; repeatable."),
    ] = None,
    csv: Annotated[bool, Option("--csv", help="Also write the table as CSV.")] = False,
    seed: Annotated[int | None, Option(help="Seed of every random draw. [default: 0]")] = None,
    config: Annotated[
        Path | None, Option(help="YAML file with any of these settings (see config.yaml).")
    ] = None,
    fail_above: Annotated[
        float | None,
        Option(metavar="PX", help="Exit with 1 if the median reprojection error is larger."),
    ] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace an earlier result.")] = False,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Say what would be read and written, and stop.")
    ] = False,
    as_json: Annotated[bool, Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Triangulate 2D keypoints robustly into metric 3D keypoints."""
    from mvboot.commands.triangulation import TriangulateConfig, plan, run
    from mvboot.config import apply_overrides, from_options, load_mapping

    given: dict[str, Any] = {
        "rig": rig,
        "keypoints": keypoints,
        "out": out,
        "units": units,
        "rig_format": rig_format,
        "keypoints_format": keypoints_format,
        "cameras": cameras.split(",") if cameras else None,
        "camera_map": _pairs(camera_map or []) or None,
        "subject": subject,
        "min_confidence": min_confidence,
        "min_views": min_views,
        "threshold_px": threshold_px,
        "groups": groups,
        "fps": fps,
        "export": export,
        "csv": csv or None,
        "seed": seed,
    }
    settings = load_mapping(config, TriangulateConfig) if config else {}
    settings |= {key: value for key, value in given.items() if value is not None}
    settings = apply_overrides(settings, overrides or [])
    resolved = from_options(settings, TriangulateConfig)
    say = Output(as_json)
    say.result(plan(resolved, say) if dry_run else run(resolved, overwrite, fail_above, say))


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        left, equals, right = text.partition("=")
        if not (left and equals and right):
            raise InputError(f"--camera-map {text!r} is not of the form KEYPOINTS=RIG")
        pairs[left] = right
    return pairs
