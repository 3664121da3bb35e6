"""Calibration boards on paper, at true scale: SVG and PDF for printing, PNG for screens and tests.

Lengths are millimetres, x runs right and y down from the page's upper left corner.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from numpy.typing import ArrayLike, NDArray

from mvboot.calib.boards import Board, Charuco
from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.rig import UNITS_IN_M

Floats = NDArray[np.float64]

MM_PER_INCH = 25.4
PAPERS = {
    "a4": (210.0, 297.0),
    "letter": (215.9, 279.4),
    "a3": (297.0, 420.0),
    "a2": (420.0, 594.0),
    "a1": (594.0, 841.0),
    "a0": (841.0, 1189.0),
}
"""Width and height of upright sheets, small ones first."""

FOOTER, FOOTER_GAP, EDGE = 15.0, 3.0, 5.0
"""Height of the strip below the margin, its distance from it, and the edge printers leave out."""

RULER_HEIGHT, TEXT_SIZE = 2.5, 2.5
MAX_PAGE, MAX_PIXELS = 5080.0, 250e6
"""Longest side that PDF viewers take (200 inches), and the most that fits in memory easily."""

METADATA = {
    "pdf": {"Creator": "mvboot", "Producer": None, "CreationDate": None},
    "svg": {"Creator": "mvboot", "Date": None},
    "png": {"Software": "mvboot"},
}
"""Neither dates nor versions: the same board is the same file."""


@dataclass(frozen=True)
class Sheet:
    """A board laid out on a page.

    Parameters
    ----------
    board
        What to print.
    margin
        Quiet border around the print in mm: white, or black where the print is inverted.
    paper
        Name in `PAPERS`, upright or lying as it fits; None for a page as small as possible.
    inverted
        Print the pattern white on black.

    Raises
    ------
    InputError
        An unknown paper or one that is too small, a negative margin, a page beyond 5 m.
    """

    board: Board
    margin: float = 10.0
    paper: str | None = None
    inverted: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.margin < MAX_PAGE:
            raise InputError(f"the margin must be 0 mm or more, got {self.margin:g}")
        if self.paper is not None and self.paper not in PAPERS:
            raise InputError(f"unknown paper {self.paper!r}; known are {', '.join(PAPERS)}")
        if self.paper is not None and not _fits(self.needed, self.paper):
            raise InputError(self._too_large())
        if max(self.size) > MAX_PAGE:
            raise InputError(
                f"the page would be {_by(self.size)}; a PDF page ends at {MAX_PAGE:g} mm"
            )

    @property
    def print_size(self) -> tuple[float, float]:
        """Width and height of the print without margin."""
        width, height = self.board.size
        return width * self._mm, height * self._mm

    @property
    def needed(self) -> tuple[float, float]:
        """Width and height of the smallest page that holds print, margin and footer."""
        width, height = self.print_size
        return (
            max(width + 2 * self.margin, self._footer_width + 2 * EDGE),
            height + 2 * self.margin + FOOTER,
        )

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page."""
        if self.paper is None:
            return self.needed
        short, long = PAPERS[self.paper]
        return (short, long) if self.needed[0] <= self.needed[1] else (long, short)

    @property
    def corner(self) -> tuple[float, float]:
        """Upper left corner of the print: in the middle, or above it as far as the footer asks."""
        width, height = self.print_size
        lowest = self.size[1] - FOOTER - self.margin - height
        return (self.size[0] - width) / 2, min((self.size[1] - height) / 2, lowest)

    @property
    def ruler(self) -> int:
        """Length of the ruler below the print."""
        return 100 if self.print_size[0] >= 100 else 50

    @property
    def captions(self) -> tuple[str, str]:
        """The words beside the ruler, and the line below it."""
        legacy = ", legacy" if isinstance(self.board, Charuco) and self.board.legacy else ""
        inverted = ", inverted" if self.inverted else ""
        return f"measure me: {self.ruler} mm", f"{self.board.spec}{legacy}{inverted}"

    @property
    def pattern(self) -> Path:
        """The ink of the board as one path, so that neighbouring modules show no seam."""
        return _rectangles(_joined(self.board.ink * self._mm) + [*self.corner, 0, 0])

    @property
    def frame(self) -> Path:
        """Print and margin, which an inverted print fills with ink."""
        (left, top), (width, height) = self.corner, self.print_size
        around = 2 * self.margin
        return _rectangles(
            [(left - self.margin, top - self.margin, width + around, height + around)]
        )

    @property
    def footer(self) -> Path:
        """Ruler and words below the margin."""
        left = (self.size[0] - self._footer_width) / 2
        top = self.corner[1] + self.print_size[1] + self.margin + FOOTER_GAP
        beside, below = self.captions
        return Path.make_compound_path(
            _ruler(left, top, self.ruler),
            _words(beside, left + self.ruler + 2, top + 0.9 * RULER_HEIGHT),
            _words(below, left, top + RULER_HEIGHT + 1.6 * TEXT_SIZE),
        )

    @property
    def _mm(self) -> float:
        """Millimetres per unit of the board."""
        return 1000 * UNITS_IN_M[self.board.units]

    @cached_property
    def _footer_width(self) -> float:
        beside, below = (_words(text, 0, 0).get_extents().x1 for text in self.captions)
        return float(max(self.ruler + 2 + beside, below))

    def _too_large(self) -> str:
        fitting = [name for name in PAPERS if _fits(self.needed, name)]
        advice = (
            f"the smallest paper that fits is {fitting[0]}"
            if fitting
            else "no known paper fits; leave out --paper for a page as large as needed"
        )
        return (
            f"the board is {_by(self.print_size)} and needs {_by(self.needed)} with margin and "
            f"ruler, but {self.paper} is {_by(PAPERS[str(self.paper)])}; {advice}"
        )


def draw_board(sheet: Sheet, path: str | FilePath, dpi: int = 300) -> None:
    """Write a sheet as .svg, .pdf or .png; the same sheet gives the same bytes.

    ``dpi`` is the resolution of a PNG, whose page is widened to whole pixels: point (x, y) of the
    sheet lies at ``(x, y) * dpi / 25.4 - 0.5`` px. InputError for another suffix or a PNG beyond
    250 megapixels.
    """
    kind = FilePath(path).suffix.lower().removeprefix(".")
    if kind not in METADATA:
        raise InputError("a board is drawn as .svg, .pdf or .png", where=path)
    inches = np.array(sheet.size) / MM_PER_INCH
    if kind == "png":
        pixels = np.ceil(inches * dpi - 1e-6)
        if pixels.prod() > MAX_PIXELS:
            shape = "x".join(f"{side:.0f}" for side in pixels)
            raise InputError(f"{shape} px are too many; choose a smaller --dpi", where=path)
        inches = (pixels + 1e-6) / dpi  # the hair keeps the last pixel: matplotlib rounds down
    figure = _figure(sheet, *inches.tolist())
    whole_page = rc_context({"savefig.bbox": None, "svg.hashsalt": "mvboot"})
    with whole_page, atomic_file(path) as partial:
        figure.savefig(partial, format=kind, dpi=dpi, facecolor="white", metadata=METADATA[kind])


def _figure(sheet: Sheet, width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height))
    place = Affine2D().scale(1 / MM_PER_INCH, -1 / MM_PER_INCH).translate(0, height)
    layers = [(sheet.footer, "black")]
    if sheet.inverted:
        layers += [(sheet.frame, "black"), (sheet.pattern, "white")]
    else:
        layers += [(sheet.pattern, "black")]
    for path, color in layers:
        patch = PathPatch(path, facecolor=color, linewidth=0, snap=False)
        figure.add_artist(patch)
        patch.set_transform(place + figure.dpi_scale_trans)
        patch.set_clip_on(False)
    return figure


def _fits(needed: tuple[float, float], paper: str) -> bool:
    """Whether a page fits on a sheet of paper, upright or lying."""
    pairs = zip(sorted(needed), PAPERS[paper], strict=True)
    return all(side <= there or math.isclose(side, there) for side, there in pairs)


def _by(size: Iterable[float]) -> str:
    return " x ".join(f"{round(side, 1):g}" for side in size) + " mm"


def _joined(ink: Floats) -> Floats:
    """Return the same ink with boxes that follow one another in a row made one: smaller files."""
    left, top, width, height = ink[np.lexsort((ink[:, 0], *np.round(ink[:, [3, 1]].T, 6)))].T
    right = left + width
    follows = np.isclose(left[1:], right[:-1]) & np.isclose(top[1:], top[:-1])
    first = np.concatenate([[True], ~(follows & np.isclose(height[1:], height[:-1]))])
    last = np.roll(first, -1)
    return np.stack([left[first], top[first], right[last] - left[first], height[first]], -1)


def _rectangles(boxes: ArrayLike) -> Path:
    """Return one path around boxes (n, 4): left, top, width, height."""
    left, top, width, height = np.asarray(boxes, dtype=float).T
    right, bottom = left + width, top + height
    x = np.stack([left, right, right, left, left], -1)
    y = np.stack([top, top, bottom, bottom, top], -1)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(np.stack([x, y], -1).reshape(-1, 2), codes * len(left))


def _ruler(left: float, top: float, length: int) -> Path:
    """Return a bar of black and white centimetres, exactly as long as it says."""
    line, bottom = 0.2, top + RULER_HEIGHT
    blocks = [(left + x, top, 10, RULER_HEIGHT) for x in range(0, length, 20)]
    lines = [(left, top, length, line), (left, bottom - line, length, line)]
    return _rectangles([*blocks, *lines, (left + length - line, top, line, RULER_HEIGHT)])


def _words(text: str, left: float, baseline: float) -> Path:
    """Return text as outlines, which look alike everywhere and need no font in the file."""
    upright = TextPath((0, 0), text, size=TEXT_SIZE, prop=FontProperties(family="DejaVu Sans"))
    return Affine2D().scale(1, -1).translate(left, baseline).transform_path(upright)
