"""``mvboot rig locate``: poses from landmarks, for cameras whose lenses are known."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.options import listed, pairs, resolved
from mvboot.commands.output import Output
from mvboot.units import UNIT_WORDS

Words = list[str] | None


def locate(
    intrinsics: Annotated[
        str | None, Argument(help="intrinsics.yaml, or a rig whose poses do not matter.")
    ] = None,
    overrides: Annotated[
        Words, Argument(metavar="[KEY=VALUE]...", help="Settings by name.")
    ] = None,
    keypoints: Annotated[
        str | None, Option(help="Landmarks: a path with {camera}, or one file with all cameras.")
    ] = None,
    out: Annotated[Path | None, Option(help="Folder to write to.")] = None,
    distance: Annotated[
        Words,
        Option(
            metavar="A:B=LENGTH",
            help="Measured length between two landmarks or two cameras, as a:b=0.5m; repeatable.",
        ),
    ] = None,
    points: Annotated[
        Path | None, Option(help="Table of landmarks with known positions: point, X, Y, Z.")
    ] = None,
    points_units: Annotated[str | None, Option(help=f"Unit of X, Y, Z: {UNIT_WORDS}.")] = None,
    max_error: Annotated[
        float | None,
        Option(help="Largest residual of a known position. [default: 2 % of their extent]"),
    ] = None,
    units: Annotated[
        str | None, Option(help=f"Unit of the rig: {UNIT_WORDS}. [default: m]")
    ] = None,
    keypoints_format: Annotated[
        str | None, Option(help="Format of the keypoints, if not recognised.")
    ] = None,
    cameras: Annotated[str | None, Option(help="Use only these cameras, comma-separated.")] = None,
    camera_map: Annotated[
        Words, Option(metavar="KEYPOINTS=INTRINSICS", help="Pair camera names that differ.")
    ] = None,
    subject: Annotated[
        str | None, Option(help="Individual in the detections: its name, or largest.")
    ] = None,
    min_confidence: Annotated[
        float | None, Option(help="Ignore detections below this confidence. [default: 0]")
    ] = None,
    threshold_px: Annotated[
        float | None, Option(help="Largest error of a detection that is believed. [default: 8]")
    ] = None,
    seed: Annotated[int | None, Option(help="Seed of all that is drawn. [default: 0]")] = None,
    config: Annotated[Path | None, Option(help="YAML file with any of these settings.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace an earlier result.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Find the poses of cameras from landmarks that they share; lenses must be known."""
    from mvboot.commands.location import LocateConfig, run

    if intrinsics is not None and "=" in intrinsics and not Path(intrinsics).exists():
        overrides, intrinsics = [intrinsics, *(overrides or [])], None
    given: dict[str, Any] = {
        "intrinsics": intrinsics,
        "keypoints": keypoints,
        "out": out,
        "distance": pairs(distance, "--distance", "A:B=LENGTH"),
        "points": points,
        "points_units": points_units,
        "max_error": max_error,
        "units": units,
        "keypoints_format": keypoints_format,
        "cameras": None if cameras is None else listed(cameras, "--cameras"),
        "camera_map": pairs(camera_map, "--camera-map", "KEYPOINTS=INTRINSICS"),
        "subject": subject,
        "min_confidence": min_confidence,
        "threshold_px": threshold_px,
        "seed": seed,
    }
    settings = resolved(LocateConfig, given, config, overrides, "mvboot rig locate", ["intrinsics"])
    say = Output(as_json)
    say.result(run(settings, overwrite, say))
