"""``mvboot rig refine``: a better rig from detections of its subject."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from mvboot.commands.meant import hinted
from mvboot.commands.options import by_camera, crops, listed, offsets, pairs, resolved
from mvboot.commands.output import Output
from mvboot.commands.triangulate import Crop, Offset, Timestamps
from mvboot.errors import InputError
from mvboot.units import UNIT_WORDS

COMMAND = "mvboot rig refine"
Words = list[str] | None


def refine(
    rig: Annotated[str | None, Argument(help="Rig file or folder, any known format.")] = None,
    overrides: Annotated[
        Words, Argument(metavar="[KEY=VALUE]...", help="Settings by name.")
    ] = None,
    keypoints: Annotated[
        str | None, Option(help="Detections: a path with {camera}, or one file with all cameras.")
    ] = None,
    out: Annotated[Path | None, Option(help="Folder to write to.")] = None,
    units: Annotated[
        str | None, Option(help=f"Unit of the rig's lengths: {UNIT_WORDS}, if its file has none.")
    ] = None,
    rig_format: Annotated[str | None, Option(help="Format of the rig, if not recognised.")] = None,
    keypoints_format: Annotated[
        str | None, Option(help="Format of the keypoints, if not recognised.")
    ] = None,
    cameras: Annotated[
        str | None, Option(help="Use only these cameras of the rig, comma-separated.")
    ] = None,
    camera_map: Annotated[
        Words, Option(metavar="KEYPOINTS=RIG", help="Pair camera names that differ; repeatable.")
    ] = None,
    timestamps: Timestamps = None,
    offset: Offset = None,
    crop: Crop = None,
    subject: Annotated[
        str | None, Option(help="Individual in the detections: its name, or largest.")
    ] = None,
    min_confidence: Annotated[
        float | None, Option(help="Ignore detections below this confidence. [default: 0]")
    ] = None,
    threshold_px: Annotated[
        float | None, Option(help="Threshold of the triangulation that judges. [default: 8]")
    ] = None,
    free: Annotated[
        Words,
        Option(
            metavar="[CAMERA=]WHAT",
            help="Also refine focal, principal_point or distortion; repeatable. [default: pose]",
        ),
    ] = None,
    hold: Annotated[
        Words, Option(metavar="[CAMERA=]WHAT", help="Keep as it is, as cam1=pose; repeatable.")
    ] = None,
    held_out: Annotated[
        float | None, Option(help="Share of the frames, the last ones, that judge. [default: 0.25]")
    ] = None,
    max_turn: Annotated[
        float | None,
        Option(help="Largest change of a camera, in degrees, that is believed. [default: 10]"),
    ] = None,
    seed: Annotated[int | None, Option(help="Seed of the choice of points. [default: 0]")] = None,
    config: Annotated[Path | None, Option(help="YAML file with any of these settings.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace an earlier result.")] = False,
    as_json: Annotated[bool, Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Refine poses from the subject's detections; refused where held-out frames get no better."""
    from mvboot.commands.refinement import RefineConfig, run

    if rig is not None and "=" in rig and not Path(rig).exists():  # the config names the rig
        overrides, rig = [rig, *(overrides or [])], None
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
        "threshold_px": threshold_px,
        "free": by_camera(free, "--free"),
        "hold": by_camera(hold, "--hold"),
        "held_out": held_out,
        "max_turn_deg": max_turn,
        "seed": seed,
    }
    say = Output(as_json)
    try:
        settings = resolved(RefineConfig, given, config, overrides, COMMAND, ["rig"])
        result = run(settings, overwrite, say)
    except InputError as error:
        better = error if config else hinted(error, COMMAND, given, overrides or [])
        if better is error:
            raise
        raise better from error
    say.result(result)
