"""The work of ``mvboot calibrate --intrinsics-only``: each camera alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mvboot.calib.board_spec import load_board
from mvboot.calib.calibrate import Calibration, calibrate_rig, options_of
from mvboot.calib.find import together
from mvboot.commands.board_footage import edge_widths, look_for_board, open_footage, provenance
from mvboot.commands.calibrate_config import CalibrateConfig
from mvboot.commands.calibration import every_finding_said, require_error, warnings_of
from mvboot.commands.output import Output
from mvboot.config import dump_yaml
from mvboot.errors import InputError
from mvboot.files import atomic_folder, write_json
from mvboot.formats.detections import match_cameras
from mvboot.formats.intrinsics_yaml import save_intrinsics
from mvboot.formats.rigs import load_rig, save_rig
from mvboot.geometry import Camera
from mvboot.report.calibration import camera_rows, draw_coverage, summary
from mvboot.rig import Rig


def run_alone(
    config: CalibrateConfig, overwrite: bool, fail_above: float | None, say: Output
) -> dict[str, Any]:
    """Calibrate each camera from its own pictures, which need not be simultaneous.

    Writes ``intrinsics.yaml``, or with poses to join a ``rig.yaml``. Errors as for a whole rig.
    """
    board = load_board(config.board)
    with atomic_folder(config.out, overwrite) as folder:
        footages = open_footage(config)
        options = config.options(board, tuple(footages))
        poses = _poses(config, tuple(footages))
        finds = look_for_board(config, board, footages, say)
        shots = together(board, finds)
        edges = edge_widths(finds, shots.numbers)
        parts = {}
        with every_finding_said(say):
            for c, name in enumerate(shots.cameras):
                own = options_of(name, options)
                parts[name] = calibrate_rig(shots.of([name]), own, edges[c : c + 1])
        for name, part in parts.items():
            for warning in warnings_of(part, {name: finds[name]}):
                say.warn(str(warning))
        said = _summary(parts, finds) | provenance(footages)
        cameras = {name: part.rig[name] for name, part in parts.items()}
        how = {"calibration": {key: said[key] for key in ("version", "board", "rms_px", "inputs")}}
        if poses is None:
            save_intrinsics(cameras, folder / "intrinsics.yaml", how)
        else:
            save_rig(_joined(poses, cameras, how), folder / "rig.yaml")
        write_json(said, folder / "summary.json")
        draw_coverage(list(parts.values()), folder / "coverage.png")
        dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / "config.yaml")
        files = sorted(path.name for path in folder.iterdir())
    rows = [camera_rows(part) for part in parts.values()]
    say.say()
    say.table([rows[0][0], *(row for table in rows for row in table[1:])])
    say.say(f"\nwrote {config.out}: {', '.join(files)}")
    require_error(said["rms_px"], fail_above)
    return said


def _poses(config: CalibrateConfig, cameras: tuple[str, ...]) -> Rig | None:
    """Return the rig whose poses are to be kept; its cameras must be those of the footage."""
    if config.poses is None:
        return None
    rig = load_rig(config.poses, units=config.units)
    try:
        match_cameras(rig.names, cameras)
    except InputError:
        raise InputError(
            f"has the cameras {', '.join(rig.names)}, but the pictures are of "
            f"{', '.join(cameras)}; every camera of a rig needs its intrinsics, and --cameras "
            "leaves pictures out",
            where=config.poses,
        ) from None
    return rig


def _joined(rig: Rig, cameras: Mapping[str, Camera], how: Mapping[str, Any]) -> Rig:
    """Return the rig with these intrinsics at its own poses; names are the rig's."""
    pairs = match_cameras(rig.names, tuple(cameras))
    joined = {
        there: replace(
            cameras[here], cam_from_world=rig[there].cam_from_world, frames=rig[there].frames
        )
        for here, there in pairs.items()
    }
    ordered = {name: joined[name] for name in rig.names}
    return replace(rig, cameras=ordered, provenance={**rig.provenance, **how})


def _summary(parts: Mapping[str, Calibration], finds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the summary of several cameras: the figures of each, and the worst error."""
    each = {
        name: summary(part, warnings_of(part, {name: finds[name]})) for name, part in parts.items()
    }
    first = next(iter(each.values()))
    return {
        "rms_px": max(one["rms_px"] for one in each.values()),
        "board": first["board"],
        "per_camera": {name: one["per_camera"][name] for name, one in each.items()},
        "board_shape": {name: one["board_shape"] for name, one in each.items()},
        "warnings": [warning for one in each.values() for warning in one["warnings"]],
    }
