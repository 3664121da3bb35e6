"""Closed smooth curves on the floor that a subject follows."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Floats = NDArray[np.float64]

POINTS = 400
TRIES = 60
WAVES = np.array([1.0, 0.45, 0.25])
"""How large the harmonics of a curve are, before chance."""
WIDE = 0.5
"""Radius of curvature, metres, that is never too sharp."""


class Path:
    """A closed curve by its length from a starting point; it may be walked any number of times.

    Parameters
    ----------
    points
        (N, 2) places in metres along the curve, evenly in any smooth parameter; the last is not
        the first again.
    """

    def __init__(self, points: Floats) -> None:
        closed = np.concatenate([points, points[:1]])
        raw = CubicSpline(np.arange(len(closed)), closed, bc_type="periodic")
        fine = np.linspace(0, len(points), 8 * len(points) + 1)
        speed = np.linalg.norm(raw(fine, 1), axis=1)
        steps = (speed[1:] + speed[:-1]) / 2 * np.diff(fine)
        self._along = np.concatenate([[0.0], np.cumsum(steps)])
        self._curve = CubicSpline(self._along, _closed(raw(fine)), bc_type="periodic")
        way = self._curve(self._along, 1)
        self._heading = np.unwrap(np.arctan2(way[:, 0], -way[:, 1]))

    @property
    def length(self) -> float:
        """Length of one round, metres."""
        return float(self._along[-1])

    def at(self, along: Floats) -> Floats:
        """Return the places (..., 2) after walking ``along`` (...) metres."""
        return np.asarray(self._curve(along))

    def heading(self, along: Floats) -> Floats:
        """Return the continuous angle (...) about z by which -y is turned to look ahead."""
        rounds, rest = np.divmod(along, self.length)
        turn = self._heading[-1] - self._heading[0]
        return np.asarray(np.interp(rest, self._along, self._heading) + rounds * turn)

    @cached_property
    def tightest(self) -> float:
        """Least radius of curvature, metres."""
        (x, y), (u, v) = self._curve(self._along, 1).T, self._curve(self._along, 2).T
        return float(1 / np.abs(x * v - y * u).max())


def roaming_path(radius: float, rng: np.random.Generator) -> Path:
    """Return a curve within ``radius`` of the origin, walked either way round.

    It is a Fourier curve of a few random harmonics, drawn again until nowhere too sharp; after
    many vain tries an ellipse.
    """
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    for _ in range(TRIES):
        path = Path(_drawn(angle, radius, rng))
        if path.tightest > max(0.22 * radius, min(WIDE, 0.4 * radius)):
            return path
    ellipse = np.stack([np.cos(angle), 0.8 * np.sin(angle)], axis=1)
    return Path(0.85 * radius * ellipse)


def _drawn(angle: Floats, radius: float, rng: np.random.Generator) -> Floats:
    waves = np.outer(angle, np.arange(1, len(WAVES) + 1))
    phases = rng.uniform(0, 2 * np.pi, (2, len(WAVES)))
    sizes = WAVES * rng.uniform(0.4, 1.0, (2, len(WAVES)))
    points = np.stack([np.cos(waves + p) @ a for p, a in zip(phases, sizes, strict=True)], axis=1)
    points -= (points.max(axis=0) + points.min(axis=0)) / 2
    share = rng.uniform(0.75, 0.95) / np.linalg.norm(points, axis=1).max()
    return np.asarray(points * radius * share)


def _closed(points: Floats) -> Floats:
    points[-1] = points[0]
    return points
