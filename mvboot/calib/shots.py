"""What the cameras of a rig saw of a board: one array for every calibration."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.boards import Board

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Shots:
    """Board points found in the pictures of C cameras at S instants.

    Parameters
    ----------
    board
        The board, with P points.
    cameras
        Names of the cameras.
    sizes
        Width and height in px of each camera's pictures.
    numbers
        Number of each instant (S,), increasing: the frame of the recording.
    pixels
        Positions (C, S, P, 2) in px, NaN where a point was not found.
    """

    board: Board
    cameras: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    numbers: NDArray[np.int64]
    pixels: Floats

    @property
    def seen(self) -> Mask:
        """Which points were found (C, S, P)."""
        return ~np.isnan(self.pixels[..., 0])

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many points each camera found at each instant (C, S)."""
        return np.asarray(self.seen.sum(-1))

    def of(self, cameras: tuple[str, ...] | list[str]) -> "Shots":
        """Return what these cameras saw, in this order."""
        rows = [self.cameras.index(name) for name in cameras]
        sizes = tuple(self.sizes[row] for row in rows)
        return replace(self, cameras=tuple(cameras), sizes=sizes, pixels=self.pixels[rows])

    def at(self, instants: NDArray[np.int64] | Mask) -> "Shots":
        """Return some of the instants, by position or by a mask (S,)."""
        return replace(self, numbers=self.numbers[instants], pixels=self.pixels[:, instants])

    def where(self, kept: Mask) -> "Shots":
        """Return the shots with only the points of a mask (C, S, P)."""
        return replace(self, pixels=np.where(kept[..., None], self.pixels, np.nan))

    def without_poor(self, min_points: int) -> "Shots":
        """Return the shots without a camera's views of too little, and without empty instants.

        Too little are fewer points, or points on one line: they leave the board's pose open.
        """
        good = (self.counts >= min_points) & ~self._on_a_line
        return self.where(self.seen & good[..., None]).at(np.asarray(good.any(0)))

    @property
    def _on_a_line(self) -> Mask:
        """Which views (C, S) show points of one row, column or diagonal only."""
        weight = self.seen[..., None].astype(np.float64)
        xy = self.board.grid
        middle = (weight * xy).sum(-2) / np.maximum(weight.sum(-2), 1)
        around = weight * (xy - middle[..., None, :])
        return np.asarray(np.linalg.matrix_rank(around, tol=1e-6) < 2)
