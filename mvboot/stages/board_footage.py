"""Board footage: open what the cameras filmed, and look for the board in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.board_spec import load_board
from mvboot.calib.boards import Board, Charuco
from mvboot.calib.calibrate import CalibrationFailed, CalibrationOptions
from mvboot.calib.detect import detector_of
from mvboot.calib.faults import not_found, other_dictionary, wrong_proportions
from mvboot.calib.find import CameraFinds, chosen_instants, find_board
from mvboot.calib.intrinsics import MIN_VIEWS
from mvboot.calib.other_boards import other_counts
from mvboot.errors import InputError
from mvboot.files import hash_file
from mvboot.formats.footage import Footage, frame_notes, in_step, open_pictures, open_videos
from mvboot.rig import Rig
from mvboot.stages.calibration_options import options_of, world_of
from mvboot.stages.output import Output
from mvboot.stages.settings.calibrate import CalibrateSettings
from mvboot.stages.stage import Summary, provenance
from mvboot.units import Unit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BoardFootage:
    """A board, what the cameras filmed of it, where to look, and what to calibrate."""

    out: Path
    board: Board
    footages: dict[str, Footage]
    instants: NDArray[np.int64]
    options: CalibrationOptions
    world: tuple[str, str]
    units: Unit | None
    poses: Rig | None = None

    @staticmethod
    def read(config: CalibrateSettings) -> "BoardFootage":
        """Open everything; InputError for what is not there, or does not go together."""
        board = load_board(config.board)
        footages = open_footage(config)
        cameras = tuple(footages)
        options = options_of(config, board, cameras)
        instants = chosen_instants(footages, config.max_pictures)
        world = world_of(config, cameras)
        return BoardFootage(config.out, board, footages, instants, options, world, config.units)

    def plan(self, files: Sequence[str], say: Output) -> Summary:
        """Say which pictures would be looked at, and what would be written."""
        rows = [("camera", "size", "pictures", "looked at")]
        for name, footage in self.footages.items():
            looked = len(np.intersect1d(self.instants, footage.numbers))
            size = f"{footage.size[0]}x{footage.size[1]}"
            rows.append((name, size, str(len(footage.numbers)), str(looked)))
        say.say(f"board: {self.board.spec}, {len(self.board.points)} points")
        say.table(rows)
        for note in frame_notes(self.footages):
            say.warn(note)
        say.say(f"would write to {self.out}: {', '.join(files)}")
        return {"cameras": {row[0]: row[1:] for row in rows[1:]}, "files": list(files)}


def open_footage(config: CalibrateSettings) -> dict[str, Footage]:
    """Return the footage of each camera that was asked for; InputError where one is not there."""
    if (config.images is None) == (config.videos is None):
        raise InputError("give either --images or --videos, a path with {camera}")
    if config.images is not None and config.timestamps is not None:
        raise InputError("--timestamps belongs to --videos; pictures are matched by their numbers")
    if config.images is not None:
        found = open_pictures(config.images)
    else:
        found = open_videos(str(config.videos), config.timestamps)
    found = in_step(found, config.offset)
    if not config.cameras:
        return found
    unknown = sorted(set(config.cameras) - set(found))
    if unknown:
        raise InputError(f"there is no camera {', '.join(unknown)}; there are {', '.join(found)}")
    return {name: found[name] for name in config.cameras}


def look_for_board(footage: BoardFootage, say: Output) -> dict[str, CameraFinds]:
    """Return what each camera's pictures show of the board, and say it.

    CalibrationFailed where a camera shows too little of it, or another board is seen.
    """
    board, footages = footage.board, footage.footages
    for note in frame_notes(footages):
        say.warn(note)
    say.say(f"board: {board.spec}, {len(board.points)} points")
    other = other_counts(board, footages)
    if other:
        raise CalibrationFailed(other)
    detector = detector_of(board)
    finds = {}
    with say.progress(footages.items(), len(footages), "looking for the board") as cameras:
        for name, pictures in cameras:
            finds[name] = find_board(pictures, detector, footage.instants)
            say.say(_found(finds[name]))
    missing = not_found(finds, MIN_VIEWS)
    if len(missing) == len(finds) and isinstance(board, Charuco):
        missing = other_dictionary(board, footages) or missing
    missing = wrong_proportions(board, finds) or missing
    if missing:
        for finding in missing[1:]:
            say.warn(str(finding))
        raise CalibrationFailed(missing)
    return finds


def edge_widths(finds: Mapping[str, CameraFinds], numbers: NDArray[np.int64]) -> Floats:
    """Return the width of edges in px in each camera's picture at each instant (C, S)."""
    widths = np.full((len(finds), len(numbers)), np.nan)
    for c, f in enumerate(finds.values()):
        widths[c, np.searchsorted(numbers, f.numbers)] = f.edge_px
    return widths


def filmed(footages: Mapping[str, Footage]) -> Summary:
    """Return the version of the program, a hash of each camera's files and its picture's size."""
    return {
        **provenance({name: hash_file(*footage.files) for name, footage in footages.items()}),
        "camera_sizes": {name: list(footage.size) for name, footage in footages.items()},
    }


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
