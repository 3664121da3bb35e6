"""The work of ``mvboot calibrate``: from footage of a board to a rig."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from mvboot.calib.board_spec import load_board
from mvboot.calib.calibrate import Calibration, CalibrationFailed, calibrate_rig
from mvboot.calib.find import CameraFinds, chosen_instants, together
from mvboot.calib.finding import Finding
from mvboot.calib.quality import cautions
from mvboot.calib.shots import Shots
from mvboot.calib.stretch import of_shape
from mvboot.calib.world import WorldFrame, from_board, from_camera, moved
from mvboot.commands.board_footage import edge_widths, look_for_board, open_footage, provenance
from mvboot.commands.calibrate_config import CalibrateConfig
from mvboot.commands.output import Output
from mvboot.config import dump_yaml
from mvboot.errors import InputError, QualityMissed
from mvboot.files import atomic_folder, write_json
from mvboot.formats.footage import frame_notes
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.formats.rigs import save_rig
from mvboot.keypoints import Keypoints2D
from mvboot.report.calibration import camera_rows, draw_coverage, link_rows, summary
from mvboot.rig import Rig

FILES = ("rig.yaml", "summary.json", "coverage.png", "board_points.parquet", "config.yaml")


def run(config: CalibrateConfig, overwrite: bool, fail_above: float | None, say: Output) -> Any:
    """Calibrate a rig into a folder and return its summary.

    InputError for bad input, CalibrationFailed (nothing usable) where the recording has a fault;
    then nothing is written. QualityMissed after writing where the error exceeds ``fail_above``.
    """
    board = load_board(config.board)
    with atomic_folder(config.out, overwrite) as folder:
        footages = open_footage(config)
        options = config.options(board, tuple(footages))
        finds = look_for_board(config, board, footages, say)
        shots = together(board, finds)
        with every_finding_said(say):
            calibration = calibrate_rig(shots, options, edge_widths(finds, shots.numbers))
        warnings = warnings_of(calibration, finds)
        for warning in warnings:
            say.warn(str(warning))
        said = summary(calibration, warnings) | provenance(footages)
        said["looks"] = {name: vars(f.look) for name, f in finds.items()}
        rig = _finished(config, calibration, said)
        save_rig(rig, folder / "rig.yaml")
        write_json(said, folder / "summary.json")
        draw_coverage([calibration], folder / "coverage.png")
        write_keypoints2d(board_keypoints(shots), folder / "board_points.parquet")
        dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / "config.yaml")
    _say_result(calibration, rig, config, say)
    require_error(calibration.adjusted.rms_px, fail_above)
    return said


def require_error(rms_px: float, fail_above: float | None) -> None:
    """Raise QualityMissed where the error is larger than what was asked for."""
    if fail_above is not None and rms_px > fail_above:
        raise QualityMissed(
            f"the error is {rms_px:.3g} px per axis, more than the {fail_above:g} px asked for"
        )


def plan(config: CalibrateConfig, say: Output) -> dict[str, Any]:
    """Say what a run would read and write (``--dry-run``)."""
    board = load_board(config.board)
    footages = open_footage(config)
    config.options(board, tuple(footages))
    instants = chosen_instants(footages, config.max_pictures)
    rows = [("camera", "size", "pictures", "looked at")]
    for name, footage in footages.items():
        looked = len(np.intersect1d(instants, footage.numbers))
        size = f"{footage.size[0]}x{footage.size[1]}"
        rows.append((name, size, str(len(footage.numbers)), str(looked)))
    say.say(f"board: {board.spec}, {len(board.points)} points")
    say.table(rows)
    for note in frame_notes(footages):
        say.warn(note)
    files = list(FILES)
    if config.intrinsics_only:
        files = ["rig.yaml" if config.poses else "intrinsics.yaml", *FILES[1:3], FILES[4]]
    say.say(f"would write to {config.out}: {', '.join(files)}")
    return {"cameras": {row[0]: row[1:] for row in rows[1:]}, "files": files}


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


def _finished(config: CalibrateConfig, calibration: Calibration, said: dict[str, Any]) -> Rig:
    """Return the rig in the world and the units asked for, with its provenance."""
    keys = ("version", "board", "rms_px", "board_scale_ratio", "warnings", "inputs")
    rig = replace(calibration.rig, provenance={"calibration": {k: said[k] for k in keys}})
    rig = moved(rig, _world(config, calibration))
    return rig.in_units(config.units) if config.units else rig


def _world(config: CalibrateConfig, calibration: Calibration) -> WorldFrame:
    kind, value = config.world_of(calibration.rig.names)
    if kind == "camera":
        return from_camera(calibration.rig, value)
    place = np.flatnonzero(calibration.shots.numbers == int(value))
    if len(place) == 0:
        numbers = calibration.shots.numbers
        raise InputError(
            f"--world {config.world}: the board is not placed in picture {value}; it is in "
            f"{', '.join(str(n) for n in numbers[:12])}{' ...' if len(numbers) > 12 else ''}"
        )
    return from_board(calibration.adjusted.bundle.rig_from_points[int(place[0])])


def _say_result(calibration: Calibration, rig: Rig, config: CalibrateConfig, say: Output) -> None:
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
    say.say(f"\nwrote {config.out}: {', '.join(FILES)}")
