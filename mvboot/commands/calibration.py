"""The work of ``mvboot calibrate``: from footage of a board to a rig."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mvboot import __version__
from mvboot.calib.board_spec import load_board
from mvboot.calib.boards import Board, Charuco
from mvboot.calib.calibrate import (
    Calibration,
    CalibrationFailed,
    CalibrationOptions,
    calibrate_rig,
)
from mvboot.calib.detect import detector_of
from mvboot.calib.faults import not_found, other_dictionary, wrong_proportions
from mvboot.calib.find import CameraFinds, chosen_instants, find_board, together
from mvboot.calib.finding import Finding
from mvboot.calib.intrinsics import MIN_VIEWS
from mvboot.calib.quality import cautions
from mvboot.calib.shots import Shots
from mvboot.calib.world import WorldFrame, from_board, from_camera, moved
from mvboot.commands.output import Output
from mvboot.config import dump_yaml
from mvboot.errors import InputError, QualityMissed
from mvboot.files import atomic_folder, hash_file
from mvboot.formats.footage import Footage, frame_notes, open_pictures, open_videos
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.formats.rigs import load_rig, save_rig
from mvboot.keypoints import Keypoints2D
from mvboot.report.calibration import camera_rows, draw_coverage, link_rows, summary
from mvboot.report.triangulation import write_json
from mvboot.rig import UNITS_IN_M, Rig

FILES = ("rig.yaml", "summary.json", "coverage.png", "board_points.parquet", "config.yaml")


class CalibrateConfig(BaseModel):
    """Everything ``mvboot calibrate`` can be told, by option, config file or KEY=VALUE."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    board: str
    images: str | None = None
    videos: str | None = None
    timestamps: Path | None = None
    out: Path
    cameras: list[str] = Field(default=[], description="use only these cameras")
    lens: dict[str, list[str]] = Field(default={}, description="camera, or all: lenses to try")
    intrinsics: Path | None = Field(None, description="rig whose intrinsics are kept")
    hold: dict[str, list[str]] = Field(default={}, description="camera, or all: what stays")
    distance: dict[str, str] = Field(default={}, description="a:b: measured length as 788mm")
    units: Literal["m", "cm", "mm"] | None = Field(None, description="unit of the rig")
    world: str | None = Field(None, description="board:NUMBER or camera:NAME")
    max_shots: int = Field(150, ge=3)
    max_pictures: int = Field(300, ge=3)
    allow_partial: bool = False

    def options(self, board: Board, cameras: tuple[str, ...]) -> CalibrationOptions:
        """Return the options of the calibration; InputError for what cannot be meant."""
        lenses = {name: tuple(names) for name, names in self._each(self.lens, cameras).items()}
        held = {name: frozenset(words) for name, words in self._each(self.hold, cameras).items()}
        known = load_rig(self.intrinsics) if self.intrinsics else None
        distances = dict(_distance(key, text, board) for key, text in self.distance.items())
        return CalibrationOptions(
            lenses=lenses,
            known=known,
            held=held,
            distances=distances,
            max_shots=self.max_shots,
            allow_partial=self.allow_partial,
        )

    @staticmethod
    def _each(words: Mapping[str, list[str]], cameras: tuple[str, ...]) -> dict[str, list[str]]:
        """Spread what is said of all cameras over those that are not named."""
        common = {name: words["all"] for name in cameras} if "all" in words else {}
        return common | {name: value for name, value in words.items() if name != "all"}


def run(config: CalibrateConfig, overwrite: bool, fail_above: float | None, say: Output) -> Any:
    """Calibrate a rig into a folder and return its summary.

    InputError for bad input, CalibrationFailed (nothing usable) where the recording has a fault;
    then nothing is written. QualityMissed after writing where the error exceeds ``fail_above``.
    """
    board = load_board(config.board)
    with atomic_folder(config.out, overwrite) as folder:
        footages = _open(config)
        finds = _look(config, board, footages, say)
        shots = together(board, finds)
        try:
            calibration = _calibrate(config, board, footages, finds, shots)
        except CalibrationFailed as failed:
            for finding in failed.findings[1:]:
                say.warn(str(finding))
            raise
        edges = {name: float(np.median(f.edge_px)) for name, f in finds.items()}
        used = {name: edges[name] for name in calibration.rig.names}
        diagonal = float(np.hypot(*board.size))
        warnings = _warnings(calibration, used, diagonal)
        for warning in warnings:
            say.warn(str(warning))
        said = summary(calibration, warnings) | _provenance(config, footages)
        said["looks"] = {name: vars(f.look) for name, f in finds.items()}
        rig = _finished(config, calibration, said)
        save_rig(rig, folder / "rig.yaml")
        write_json(said, folder / "summary.json")
        draw_coverage(calibration, folder / "coverage.png")
        write_keypoints2d(board_keypoints(shots), folder / "board_points.parquet")
        dump_yaml(config.model_dump(mode="json", exclude_none=True), folder / "config.yaml")
    _say_result(calibration, rig, config, say)
    if fail_above is not None and calibration.adjusted.rms_px > fail_above:
        raise QualityMissed(
            f"the error is {calibration.adjusted.rms_px:.3g} px, more than the {fail_above:g} px "
            "asked for"
        )
    return said


def plan(config: CalibrateConfig, say: Output) -> dict[str, Any]:
    """Say what a run would read and write (``--dry-run``)."""
    board = load_board(config.board)
    footages = _open(config)
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
    say.say(f"would write to {config.out}: {', '.join(FILES)}")
    return {"cameras": {row[0]: row[1:] for row in rows[1:]}, "files": list(FILES)}


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


def _open(config: CalibrateConfig) -> dict[str, Footage]:
    if (config.images is None) == (config.videos is None):
        raise InputError("give either --images or --videos, a path with {camera}")
    if config.images is not None and config.timestamps is not None:
        raise InputError("--timestamps belongs to --videos; pictures are matched by their numbers")
    if config.images is not None:
        found = open_pictures(config.images)
    else:
        found = open_videos(str(config.videos), config.timestamps)
    if not config.cameras:
        return found
    unknown = sorted(set(config.cameras) - set(found))
    if unknown:
        raise InputError(f"there is no camera {', '.join(unknown)}; there are {', '.join(found)}")
    return {name: found[name] for name in config.cameras}


def _look(
    config: CalibrateConfig, board: Board, footages: Mapping[str, Footage], say: Output
) -> dict[str, CameraFinds]:
    for note in frame_notes(footages):
        say.warn(note)
    say.say(f"board: {board.spec}, {len(board.points)} points")
    detector = detector_of(board)
    instants = chosen_instants(footages, config.max_pictures)
    finds = {}
    with say.progress(footages.items(), len(footages), "looking for the board") as cameras:
        for name, footage in cameras:
            finds[name] = find_board(footage, detector, instants)
            say.say(_found(finds[name]))
    missing = not_found(finds, MIN_VIEWS)
    if len(missing) == len(finds) and isinstance(board, Charuco):
        missing = other_dictionary(board, footages) or missing
    missing = missing or wrong_proportions(board, finds)
    if missing:
        for finding in missing[1:]:
            say.warn(str(finding))
        raise CalibrationFailed(missing)
    return finds


def _calibrate(
    config: CalibrateConfig,
    board: Board,
    footages: Mapping[str, Footage],
    finds: Mapping[str, CameraFinds],
    shots: Shots,
) -> Calibration:
    edge_px = np.full((len(finds), len(shots.numbers)), np.nan)
    for c, f in enumerate(finds.values()):
        edge_px[c, np.searchsorted(shots.numbers, f.numbers)] = f.edge_px
    return calibrate_rig(shots, config.options(board, tuple(footages)), edge_px)


def _warnings(
    calibration: Calibration, edges: Mapping[str, float], diagonal: float
) -> list[Finding]:
    found = cautions(calibration.rig, calibration.qualities, calibration.shape, edges, diagonal)
    if calibration.left_out:
        names = ", ".join(calibration.left_out)
        text = f"camera {names} shares no picture with the others and is not in the rig"
        found.insert(0, Finding("partial", calibration.left_out, text))
    if calibration.adjusted.trouble:
        found.append(
            Finding("stopped", (), f"the adjustment stopped: {calibration.adjusted.trouble}")
        )
    return found


def _finished(config: CalibrateConfig, calibration: Calibration, said: dict[str, Any]) -> Rig:
    """Return the rig in the world and the units asked for, with its provenance."""
    keys = ("version", "board", "rms_px", "board_scale_ratio", "warnings", "inputs")
    provenance = {"calibration": {key: said[key] for key in keys}}
    rig = replace(calibration.rig, provenance=provenance)
    rig = moved(rig, _world(config, calibration))
    return rig.in_units(config.units) if config.units else rig


def _world(config: CalibrateConfig, calibration: Calibration) -> WorldFrame:
    kind, _, value = (config.world or f"camera:{calibration.rig.names[0]}").partition(":")
    if kind == "camera":
        return from_camera(calibration.rig, value)
    if kind != "board" or not value.lstrip("-").isdigit():
        raise InputError(f"--world {config.world!r} is neither board:NUMBER nor camera:NAME")
    place = np.flatnonzero(calibration.shots.numbers == int(value))
    if len(place) == 0:
        numbers = calibration.shots.numbers
        raise InputError(
            f"--world {config.world}: the board is not placed in picture {value}; it is in "
            f"{', '.join(str(n) for n in numbers[:12])}{' ...' if len(numbers) > 12 else ''}"
        )
    return from_board(calibration.adjusted.bundle.rig_from_points[int(place[0])])


def _provenance(config: CalibrateConfig, footages: Mapping[str, Footage]) -> dict[str, Any]:
    return {
        "version": __version__,
        "inputs": {name: hash_file(*footage.files) for name, footage in footages.items()},
        "camera_sizes": {name: list(footage.size) for name, footage in footages.items()},
    }


def _distance(key: str, text: str, board: Board) -> tuple[tuple[str, str], float]:
    names = key.split(":")
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)(mm|cm|m)", text)
    if len(names) != 2 or match is None:
        raise InputError(f"distance {key}={text} is not of the form CAMERA:CAMERA:788mm")
    metres = float(match[1]) * UNITS_IN_M[match[2]]
    return (names[0], names[1]), metres / UNITS_IN_M[board.units]


def _found(f: CameraFinds) -> str:
    words = [
        word
        for word, holds in (
            ("white on black", f.look.inverted),
            ("seen as in a mirror (its back, or a mirrored picture)", f.look.mirrored),
            ("old ChArUco layout", f.look.legacy),
        )
        if holds
    ]
    how = f"; {', '.join(words)}" if words and f.found else ""
    return f"  {f.camera}: board in {f.found} of {len(f.numbers)} pictures{how}"


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
