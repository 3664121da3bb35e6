"""The shape a board really has: prints stretch, and boards of paper bend.

Its points are estimated together with the cameras (Strobl and Hirzinger, More accurate camera and
hand-eye calibrations with unknown grid pattern dimensions, 2008) and kept where they predict shots
that were held out better than the flat print does.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.calib.boards import Board
from mvboot.calib.bundle import GROUPS, Bundle, Held, Observations, adjust
from mvboot.calib.rounds import Adjusted, adjust_in_rounds

Floats = NDArray[np.float64]

MIN_SIGHTINGS = 12
"""Least number of times each point must have been seen for the board's shape to be estimated."""

MIN_INSTANTS, MAX_INSTANTS = 8, 60
HELD_OUT_EVERY = 3
BETTER = 0.97
LOSS_SIGMAS, CLIP = 2.0, 3.0


@dataclass(frozen=True)
class BoardShape:
    """A board's measured shape against its print.

    Parameters
    ----------
    points
        Measured points (P, 3) in units, laid over the print; NaN where a point was never seen.
    bend
        Largest distance of a point from the plane of the print, in units.
    stretch
        Largest distance within the plane from where the print has it, in units.
    held_out_px
        Error per axis on held-out shots with the flat print and with the measured shape.
    """

    points: Floats
    bend: float
    stretch: float
    held_out_px: tuple[float, float]

    def longer_down(self, board: Board) -> float:
        """Return how much longer the board is down than across, against its print: 1 is right."""
        fit, *_ = np.linalg.lstsq(
            board.points[:, :2] - board.points[:, :2].mean(0),
            self.points[:, :2] - self.points[:, :2].mean(0),
        )
        return float(fit[1, 1] / fit[0, 0])

    @property
    def is_better(self) -> bool:
        """Whether it predicts held-out shots better than the flat print."""
        flat, measured = self.held_out_px
        return measured < BETTER * flat


def measured_shape(
    board: Board, start: Adjusted, observations: Observations, held: Held
) -> BoardShape | None:
    """Return the shape that the shots give the board, or None where they are too few."""
    sightings = np.bincount(observations.point, minlength=len(board.points))
    if (sightings < MIN_SIGHTINGS).any() or len(np.unique(observations.instant)) < MIN_INSTANTS:
        return None
    first, second, third = three_corners(board)
    numbers = np.arange(len(board.points))
    free = replace(held, points=np.isin(numbers, (first, second)), level=numbers == third)
    bundle, some = _part(start.bundle, _spread(observations, MAX_INSTANTS))
    out = some.instant % HELD_OUT_EVERY == 1
    loss_px = LOSS_SIGMAS * start.rms_px
    errors = []
    for freedom in (held, free):
        trained = adjust(*_part(bundle, some.where(~out)), freedom, loss_px)
        if trained is None:
            return None
        errors.append(_error(bundle, trained, some.where(out), loss_px))
    whole = adjust(bundle, some, free, loss_px)
    if whole is None:
        return None
    points = laid_over(whole.points, board.points)
    off = points - board.points
    bend, stretch = np.abs(off[:, 2]).max(), np.linalg.norm(off[:, :2], axis=1).max()
    return BoardShape(points, float(bend), float(stretch), (errors[0], errors[1]))


def with_shape(
    shape: BoardShape, start: Adjusted, observations: Observations, held: Held
) -> Adjusted:
    """Adjust again with the measured points in place of the print's."""
    return adjust_in_rounds(replace(start.bundle, points=shape.points), observations, held)


def three_corners(board: Board) -> tuple[int, int, int]:
    """Return outer points: the first corner, the one across and the one down from it.

    The first two and the height of the third hold the board's place and size, and nothing else.
    """
    grid = board.grid
    last = grid.max(0)
    wanted = [(0, 0), (last[0], 0), (0, last[1])]
    first, second, third = (int(np.flatnonzero((grid == at).all(1))[0]) for at in wanted)
    return first, second, third


def laid_over(points: Floats, onto: Floats) -> Floats:
    """Return points (P, 3) moved, turned and scaled to lie over others by least squares."""
    import roma  # loads torch's compiler

    a, b = torch.from_numpy(points), torch.from_numpy(onto)
    R, t, scale = roma.rigid_points_registration(a, b, compute_scaling=True)
    return np.asarray((scale * a @ R.mT + t).numpy())


def _spread(observations: Observations, most: int) -> Observations:
    """Return the observations of at most this many instants, spread over all of them."""
    instants = np.unique(observations.instant)
    places = np.linspace(0, len(instants) - 1, min(most, len(instants))).astype(int)
    return observations.where(np.isin(observations.instant, instants[places]))


def _part(bundle: Bundle, observations: Observations) -> tuple[Bundle, Observations]:
    """Return the instants that are observed, renumbered."""
    instants, place = np.unique(observations.instant, return_inverse=True)
    motion = bundle.rig_from_points[torch.from_numpy(instants)]
    return replace(bundle, rig_from_points=motion), replace(observations, instant=place)


def _error(start: Bundle, trained: Bundle, observations: Observations, loss_px: float) -> float:
    """Return the error in px per axis on instants of which only the board's pose is fitted.

    Clipped, for what a flat board calls an outlier may be where the board bends.
    """
    bundle, part = _part(start, observations)
    held = Held({name: frozenset(GROUPS) for name in start.rig.names})
    test = replace(bundle, rig=trained.rig, points=trained.points)
    posed = adjust(test, part, held, loss_px) or test
    clip = CLIP * loss_px
    return float(np.sqrt(np.nanmean(np.clip(posed.residuals(part), -clip, clip) ** 2)))
