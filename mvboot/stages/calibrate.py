"""Footage of a board to a rig."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.calib.calibrate import Calibration, CalibrationFailed, calibrate_rig
from mvboot.calib.find import CameraFinds, together
from mvboot.calib.finding import Finding
from mvboot.calib.quality import cautions
from mvboot.calib.shots import Shots
from mvboot.calib.stretch import of_shape
from mvboot.calib.world import WorldFrame, from_board, from_camera, moved
from mvboot.errors import InputError, QualityMissed
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.formats.rigs import load_rig, save_rig
from mvboot.keypoints import Keypoints2D
from mvboot.report.calibration import camera_rows, draw_coverage, link_rows, summary
from mvboot.rig import Rig
from mvboot.stages.board_footage import BoardFootage, edge_widths, filmed, look_for_board
from mvboot.stages.output import Output
from mvboot.stages.settings.calibrate import CalibrateSettings
from mvboot.stages.stage import CONFIG, SUMMARY, LimitedStage, Summary, called

FILES = ("rig.yaml", SUMMARY, "coverage.png", "board_points.parquet", CONFIG)


@dataclass(frozen=True)
class Calibrated:
    """A calibration, the rig in the world and the unit asked for, and what was said of it."""

    calibration: Calibration
    rig: Rig
    said: Summary


class Calibrate(LimitedStage[CalibrateSettings, BoardFootage, Calibrated]):
    """Footage of a board to a rig; the limit is of the error per axis."""

    config = CalibrateSettings

    def read(self, config: CalibrateSettings, say: Output) -> BoardFootage:
        """Open the footage."""
        return BoardFootage.read(config)

    def plan(self, inputs: BoardFootage, say: Output) -> Summary:
        """Say which pictures would be looked at."""
        return inputs.plan(FILES, say)

    def compute(self, inputs: BoardFootage, say: Output) -> Calibrated:
        """Look for the board and calibrate; CalibrationFailed where the recording has a fault."""
        finds = look_for_board(inputs, say)
        shots = together(inputs.board, finds)
        with every_finding_said(say):
            found = calibrate_rig(shots, inputs.options, edge_widths(finds, shots.numbers))
        warnings = warnings_of(found, finds)
        for warning in warnings:
            say.warn(str(warning))
        said = summary(found, warnings) | filmed(inputs.footages)
        said["looks"] = {name: vars(one.look) for name, one in finds.items()}
        return Calibrated(found, _finished(inputs, found, said), said)

    def write(self, results: Calibrated, folder: Path) -> Summary:
        """Write the rig, a picture of the coverage, and the points that were found."""
        save_rig(results.rig, folder / "rig.yaml")
        draw_coverage([results.calibration], folder / "coverage.png")
        points = board_keypoints(results.calibration.shots)
        write_keypoints2d(points, folder / "board_points.parquet")
        return results.said

    def describe(self, results: Calibrated, summary: Summary, say: Output) -> None:
        """Say how good the calibration is, and what to check it with."""
        _say_result(results.calibration, results.rig, say)

    def judge(self, results: Calibrated, summary: Summary) -> None:
        """Raise QualityMissed for too large an error."""
        require_error(results.calibration.adjusted.rms_px, self.fail_above)


def calibrate(
    config: CalibrateSettings | None = None,
    *,
    overwrite: bool = False,
    fail_above: float | None = None,
    **settings: Any,
) -> Rig:
    """Calibrate a rig from synchronous footage of a board, as ``mvboot calibrate`` does.

    Parameters
    ----------
    config
        All settings; or give them by name, as in ``calibrate(board="charuco:...",
        images="{camera}/*.jpg")``. Files are written only where ``out`` is given.
    overwrite
        Replace an earlier result in ``out``.
    fail_above
        Largest error in px per axis.

    Raises
    ------
    InputError
        Bad input; nothing is written.
    CalibrationFailed
        The recording has a fault, which is named; nothing is written.
    QualityMissed
        The error is larger than ``fail_above``; all is written.
    """
    with called(Calibrate(fail_above), config, settings, overwrite) as folder:
        return load_rig(folder / "rig.yaml")


def require_error(rms_px: float, fail_above: float | None) -> None:
    """Raise QualityMissed where the error is larger than what was asked for."""
    if fail_above is not None and rms_px > fail_above:
        raise QualityMissed(
            f"the error is {rms_px:.3g} px per axis, more than the {fail_above:g} px asked for"
        )


def board_keypoints(shots: Shots) -> Keypoints2D:
    """Return the board's points as keypoints of an individual called board."""
    pixels = shots.pixels[:, :, None]
    return Keypoints2D(
        cameras=shots.cameras,
        frames=shots.numbers,
        individuals=("board",),
        keypoints=tuple(f"point_{p}" for p in range(len(shots.board.points))),
        xy=pixels,
        confidence=np.where(np.isnan(pixels[..., 0]), np.nan, 1.0),
        source={"title": f"board {shots.board.spec}"},
    )


@contextmanager
def every_finding_said(say: Output) -> Iterator[None]:
    """Print what the error of a failed calibration leaves out: all findings but the first."""
    try:
        yield
    except CalibrationFailed as failed:
        for finding in failed.findings[1:]:
            say.warn(str(finding))
        raise


def warnings_of(calibration: Calibration, finds: Mapping[str, CameraFinds]) -> list[Finding]:
    """Return everything about a calibration that its error does not tell."""
    edges = {name: float(np.median(finds[name].edge_px)) for name in calibration.rig.names}
    found = cautions(
        calibration.rig,
        calibration.qualities,
        calibration.shape,
        edges,
        float(np.hypot(*calibration.shots.board.size)),
    )
    found += of_shape(calibration.shots.board, calibration.shape)
    if calibration.left_out:
        names = ", ".join(calibration.left_out)
        text = f"camera {names} shares no picture with the others and is not in the rig"
        found.insert(0, Finding("partial", calibration.left_out, text))
    if calibration.adjusted.trouble:
        text = f"the adjustment stopped early: {calibration.adjusted.trouble}"
        found.append(Finding("stopped", (), text))
    return found


def _finished(asked: BoardFootage, calibration: Calibration, said: Summary) -> Rig:
    """Return the rig in the world and the units asked for, with its provenance."""
    keys = ("version", "board", "rms_px", "board_scale_ratio", "warnings", "inputs")
    rig = replace(calibration.rig, provenance={"calibration": {k: said[k] for k in keys}})
    rig = moved(rig, _world(asked.world, calibration))
    return rig.in_units(asked.units) if asked.units else rig


def _world(world: tuple[str, str], calibration: Calibration) -> WorldFrame:
    kind, value = world
    if kind == "camera":
        return from_camera(calibration.rig, value)
    place = np.flatnonzero(calibration.shots.numbers == int(value))
    if len(place) == 0:
        numbers = calibration.shots.numbers
        raise InputError(
            f"--world {kind}:{value}: the board is not placed in picture {value}; it is in "
            f"{', '.join(str(n) for n in numbers[:12])}{' ...' if len(numbers) > 12 else ''}"
        )
    return from_board(calibration.adjusted.bundle.rig_from_points[int(place[0])])


def _say_result(calibration: Calibration, rig: Rig, say: Output) -> None:
    if len(calibration.rig) > 1:
        say.say()
        say.table(link_rows(calibration))
    say.say()
    say.table(camera_rows(calibration))
    ruler = calibration.ruler.summary()
    ratio: Any = ruler["board_scale_ratio"]
    error: Any = ruler["error_in_units"]
    say.say(
        f"\nerror {calibration.adjusted.rms_px:.3g} px per axis "
        f"({calibration.adjusted.rms_px * 2**0.5:.3g} px as a length, OpenCV's figure)"
    )
    if ratio["median"] is not None:
        volume = " x ".join(f"{side:.3g}" for side in calibration.ruler.volume)
        say.say(
            f"the board measures {100 * ratio['median']:.2f} % of its print; points are right to "
            f"{error['median']:.2g} {calibration.rig.units} (95 % within {error['p95']:.2g}) in a "
            f"volume of {volume} {calibration.rig.units}"
        )
    pairs = [(k.a, k.b) for k in calibration.tree]
    for a, b in pairs:
        apart = float((rig[a].center - rig[b].center).norm())
        say.say(f"{a} and {b} are {apart:.4g} {rig.units} apart: check one with a tape")
