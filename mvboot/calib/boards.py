"""Calibration boards: what is printed, and where its points lie.

One frame for every kind: the origin is the print's upper left corner, x runs right, y down and z
into the paper, in the board's units. A camera that looks at the board straight on therefore has
``cam_from_board`` close to the identity rotation.
"""

import difflib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.rig import UNITS_IN_M
from mvboot.units import UNIT_WORDS

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

APRILTAGS = "DICT_APRILTAG_36h11"
APRILTAG_BORDER = 2
"""Black modules around the bits of Kalibr's tags, for OpenCV's ``markerBorderBits`` (default 1)."""


MAX_PARTS = 10_000
"""Squares, corners or tags of a board: more can be told apart in no picture."""


@dataclass(frozen=True)
class Board(ABC):
    """A flat calibration target.

    Parameters
    ----------
    columns, rows
        How many units it repeats across and down; of what, the kind of board says.
    units
        Unit of every length of the board: "m", "cm", "mm" or "um".
    """

    columns: int
    rows: int
    units: str

    def __post_init__(self) -> None:
        if self.units not in UNITS_IN_M:
            raise InputError(f"board units must be {UNIT_WORDS}, got {self.units!r}")
        _require(self.columns * self.rows <= MAX_PARTS, f"a board has at most {MAX_PARTS} parts")

    @property
    @abstractmethod
    def spec(self) -> str:
        """The board in one word, as the command line takes it."""

    @property
    @abstractmethod
    def size(self) -> tuple[float, float]:
        """Width and height of the print without margin, in units."""

    @property
    @abstractmethod
    def points(self) -> Floats:
        """Positions (P, 3) of the points that detection measures, z = 0; the row is the id."""

    @property
    @abstractmethod
    def ink(self) -> Floats:
        """Black rectangles (n, 4) of the print: left, top, width, height in units."""

    @property
    def grid(self) -> NDArray[np.int64]:
        """Column and row (P, 2) of each point in the lattice of all points."""
        x, y = (np.unique(np.round(self.points[:, i], 9), return_inverse=True)[1] for i in (0, 1))
        return np.stack([x, y], -1)

    def _word(self, length: float) -> str:
        """Write a length with its unit so that it reads back as the same number."""
        return f"{np.format_float_positional(length, trim='-')}{self.units}"


@dataclass(frozen=True)
class Checkerboard(Board):
    """A plain checkerboard; ``columns`` x ``rows`` counts inner corners, as OpenCV does.

    Parameters
    ----------
    square
        Side of a square in units.
    down
        Its other side, down the board, where a print came out stretched; None: the same.
    """

    square: float
    down: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(min(self.columns, self.rows) >= 3, "a checkerboard needs 3x3 inner corners")
        _require(min(self._sides) > 0, "the square must have a positive side")

    @property
    def spec(self) -> str:
        """See `Board.spec`."""
        across = (
            "" if self.down is None else f"{np.format_float_positional(self.square, trim='-')}x"
        )
        side = self._word(self._sides[1])
        return f"checkerboard:{self.columns}x{self.rows}:{across}{side}"

    @property
    def size(self) -> tuple[float, float]:
        """See `Board.size`."""
        across, down = self._sides
        return (self.columns + 1) * across, (self.rows + 1) * down

    @property
    def points(self) -> Floats:
        """Inner corners, row by row; see `Board.points`."""
        return _lattice(self.columns, self.rows) * [*self._sides, 0.0]

    @property
    def ink(self) -> Floats:
        """See `Board.ink`."""
        return _black_squares(self.columns + 1, self.rows + 1, 1.0, first=0) * (2 * self._sides)

    @property
    def _sides(self) -> tuple[float, float]:
        """Side of a square across and down the board."""
        return self.square, self.square if self.down is None else self.down

    @property
    def looks_alike_upside_down(self) -> bool:
        """Whether half a turn maps the print onto itself: then it has no top."""
        return (self.columns + self.rows) % 2 == 0


@dataclass(frozen=True)
class Charuco(Board):
    """A checkerboard with markers in its white squares; ``columns`` x ``rows`` counts squares.

    Parameters
    ----------
    square, marker
        Sides of a square and of a marker in units.
    dictionary
        Name of OpenCV's dictionary of markers, as ``DICT_4X4_1000``.
    legacy
        Whether the upper left square is white where OpenCV before 4.6 made it so (boards with an
        even number of rows); None where detection is to find out.
    """

    square: float
    marker: float
    dictionary: str
    legacy: bool | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(min(self.columns, self.rows) >= 2, "a ChArUco board needs 2x2 squares or more")
        _require(self.columns * self.rows >= 6, "a ChArUco board needs 6 squares or more")
        _require(0 < self.marker < self.square, "a marker must be smaller than its square")
        _require_markers(self.dictionary, self.columns * self.rows // 2)

    @property
    def spec(self) -> str:
        """See `Board.spec`."""
        return (
            f"charuco:{self.columns}x{self.rows}:{self._word(self.square)}:"
            f"{self._word(self.marker)}:{self.dictionary}"
        )

    @property
    def size(self) -> tuple[float, float]:
        """See `Board.size`."""
        return self.columns * self.square, self.rows * self.square

    @property
    def points(self) -> Floats:
        """Inner corners, row by row; see `Board.points`."""
        return _lattice(self.columns - 1, self.rows - 1) * self.square

    @property
    def ink(self) -> Floats:
        """See `Board.ink`."""
        white_first = bool(self.legacy) and self.rows % 2 == 0
        squares = _black_squares(self.columns, self.rows, self.square, first=int(white_first))
        board = self.opencv(white_first)
        corners = [np.asarray(c, dtype=np.float64)[0, :2] for c in board.getObjPoints()]
        markers = [
            _module_ink(_modules(self.dictionary, int(number)), corner, self.marker)
            for number, corner in zip(np.asarray(board.getIds()).ravel(), corners, strict=True)
        ]
        return np.concatenate([squares, *markers])

    def opencv(self, legacy: bool) -> cv2.aruco.CharucoBoard:
        """Return OpenCV's object of this board."""
        board = cv2.aruco.CharucoBoard(
            (self.columns, self.rows), self.square, self.marker, marker_dictionary(self.dictionary)
        )
        board.setLegacyPattern(legacy)
        return board


@dataclass(frozen=True)
class AprilGrid(Board):
    """Kalibr's grid of 36h11 tags; ``columns`` x ``rows`` counts tags, numbered from the bottom.

    Kalibr prints tags with a border of `APRILTAG_BORDER` modules, and half a turn from what OpenCV
    takes for upright (kalibr_create_target_pdf, ``borderBits=2``; AprilTag's codes read from the
    upper left).

    Parameters
    ----------
    tag
        Side of a tag's black border in units.
    gap
        Distance between neighbouring tags in units; a black square of that side joins their
        corners.
    """

    tag: float
    gap: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _require(min(self.columns, self.rows) >= 1, "an AprilGrid needs at least one tag")
        _require(self.tag > 0 and self.gap > 0, "tag and gap must be positive")
        _require_markers(APRILTAGS, self.columns * self.rows)

    @property
    def spec(self) -> str:
        """See `Board.spec`."""
        tag, gap = self._word(self.tag), self._word(self.gap)
        return f"aprilgrid:{self.columns}x{self.rows}:{tag}:{gap}"

    @property
    def size(self) -> tuple[float, float]:
        """See `Board.size`."""
        pitch = self.tag + self.gap
        return self.columns * pitch + self.gap, self.rows * pitch + self.gap

    @property
    def points(self) -> Floats:
        """Corners of each tag in OpenCV's order: lower right, lower left, upper left, upper right.

        See `Board.points`.
        """
        around = self.tag * np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]])
        return np.concatenate([around + [*corner, 0] for corner in self._tag_corners])

    @property
    def ink(self) -> Floats:
        """See `Board.ink`."""
        pitch, gap = self.tag + self.gap, self.gap
        joints = [
            (c * pitch, r * pitch, gap, gap)
            for r in range(self.rows + 1)
            for c in range(self.columns + 1)
        ]
        tags = [
            _module_ink(_modules(APRILTAGS, number, APRILTAG_BORDER)[::-1, ::-1], corner, self.tag)
            for number, corner in enumerate(self._tag_corners)
        ]
        return np.concatenate([np.array(joints), *tags])

    @cached_property
    def _tag_corners(self) -> Floats:
        """Upper left corner (n, 2) of every tag by number; number 0 is the lower left tag."""
        pitch = self.tag + self.gap
        return np.array(
            [
                (self.gap + c * pitch, self.gap + (self.rows - 1 - r) * pitch)
                for r in range(self.rows)
                for c in range(self.columns)
            ]
        )


def marker_dictionary(name: str) -> cv2.aruco.Dictionary:
    """Return OpenCV's dictionary of markers; InputError with the known names for another."""
    known = [key for key in dir(cv2.aruco) if key.startswith("DICT_")]
    if name not in known:
        near = difflib.get_close_matches(name, known, n=4, cutoff=0.3)
        raise InputError(
            f"unknown marker dictionary {name!r:.60}; OpenCV's are called as "
            f"{', '.join(near or known[:3])}"
        )
    return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name))


def _lattice(columns: int, rows: int) -> Floats:
    """Return points (columns * rows, 3) at 1, 2, ... across and down, row by row."""
    y, x = (axis.ravel() + 1.0 for axis in np.indices((rows, columns)))
    return np.stack([x, y, np.zeros_like(x)], -1)


def _black_squares(columns: int, rows: int, side: float, first: int) -> Floats:
    """Return every second square; ``first`` is 1 where the upper left one is white."""
    y, x = (axis.ravel() for axis in np.indices((rows, columns)))
    black = (x + y) % 2 == first
    one = np.ones(int(black.sum()))
    return np.stack([x[black], y[black], one, one], -1) * side


def _modules(dictionary: str, number: int, border: int = 1) -> Mask:
    """Return which modules (n, n) of a marker are black, upright as OpenCV has it."""
    markers = marker_dictionary(dictionary)
    side = markers.markerSize + 2 * border
    return np.asarray(markers.generateImageMarker(number, side, None, border) == 0)


def _module_ink(black: Mask, corner: Floats, side: float) -> Floats:
    """Return a marker's black modules as rectangles; ``corner`` (2,) is its upper left one."""
    row, column = np.nonzero(black)
    module = np.full(2, side / len(black))
    place = corner + np.stack([column, row], -1) * module
    return np.concatenate([place, np.broadcast_to(module, place.shape)], 1)


def _require_markers(dictionary: str, wanted: int) -> None:
    there = len(marker_dictionary(dictionary).bytesList)
    _require(wanted <= there, f"the board has {wanted} markers but {dictionary} only {there}")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)
