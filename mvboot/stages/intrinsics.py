"""The work of ``mvboot calibrate --intrinsics-only``: each camera alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mvboot.calib.calibrate import Calibration, calibrate_rig, options_of
from mvboot.calib.find import together
from mvboot.errors import InputError
from mvboot.formats.detections import match_cameras
from mvboot.formats.intrinsics_yaml import save_intrinsics
from mvboot.formats.rigs import load_rig, save_rig
from mvboot.geometry import Camera
from mvboot.report.calibration import camera_rows, draw_coverage, summary
from mvboot.rig import Rig
from mvboot.stages.board_footage import BoardFootage, edge_widths, filmed, look_for_board
from mvboot.stages.calibrate import every_finding_said, require_error, warnings_of
from mvboot.stages.output import Output
from mvboot.stages.settings.calibrate import CalibrateSettings
from mvboot.stages.stage import CONFIG, SUMMARY, LimitedStage, Summary


@dataclass(frozen=True)
class CalibratedAlone:
    """The calibration of each camera, the rig whose poses they join (or None), and the summary."""

    parts: dict[str, Calibration]
    poses: Rig | None
    said: Summary


class CalibrateAlone(LimitedStage[CalibrateSettings, BoardFootage, CalibratedAlone]):
    """Each camera from its own pictures, which need not be simultaneous.

    The limit is of the error per axis.
    """

    config = CalibrateSettings

    def read(self, config: CalibrateSettings, say: Output) -> BoardFootage:
        """Open the footage, and the rig whose poses are kept."""
        footage = BoardFootage.read(config)
        return replace(footage, poses=_poses(config, tuple(footage.footages)))

    def plan(self, inputs: BoardFootage, say: Output) -> Summary:
        """Say which pictures would be looked at."""
        first = "intrinsics.yaml" if inputs.poses is None else "rig.yaml"
        return inputs.plan([first, "coverage.png", SUMMARY, CONFIG], say)

    def compute(self, inputs: BoardFootage, say: Output) -> CalibratedAlone:
        """Calibrate camera by camera; CalibrationFailed where a recording has a fault."""
        finds = look_for_board(inputs, say)
        shots = together(inputs.board, finds)
        edges = edge_widths(finds, shots.numbers)
        parts = {}
        with every_finding_said(say):
            for c, name in enumerate(shots.cameras):
                own = options_of(name, inputs.options)
                parts[name] = calibrate_rig(shots.of([name]), own, edges[c : c + 1])
        for name, part in parts.items():
            for warning in warnings_of(part, {name: finds[name]}):
                say.warn(str(warning))
        said = _summary(parts, finds) | filmed(inputs.footages)
        return CalibratedAlone(parts, inputs.poses, said)

    def write(self, results: CalibratedAlone, folder: Path) -> Summary:
        """Write ``intrinsics.yaml``, or with poses to join a ``rig.yaml``."""
        said = results.said
        cameras = {name: part.rig[name] for name, part in results.parts.items()}
        how = {"calibration": {key: said[key] for key in ("version", "board", "rms_px", "inputs")}}
        if results.poses is None:
            save_intrinsics(cameras, folder / "intrinsics.yaml", how)
        else:
            save_rig(_joined(results.poses, cameras, how), folder / "rig.yaml")
        draw_coverage(list(results.parts.values()), folder / "coverage.png")
        return said

    def describe(self, results: CalibratedAlone, summary: Summary, say: Output) -> None:
        """Say how good each camera is."""
        rows = [camera_rows(part) for part in results.parts.values()]
        say.say()
        say.table([rows[0][0], *(row for table in rows for row in table[1:])])

    def judge(self, results: CalibratedAlone, summary: Summary) -> None:
        """Raise QualityMissed for too large an error."""
        require_error(summary["rms_px"], self.fail_above)


def _poses(config: CalibrateSettings, cameras: tuple[str, ...]) -> Rig | None:
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
