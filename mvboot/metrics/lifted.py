"""Lifted points (`surface.lift`) compared with the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.metrics.distribution import distribution
from mvboot.rig import UNITS_IN_M
from mvboot.surfaces import Lifted
from mvboot.template import Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

POINTS = 1000


@dataclass(frozen=True, eq=False)
class LiftedErrors:
    """Errors of n surface points in one frame.

    Parameters
    ----------
    error_mm
        (n,) distance from the true place; NaN where the point was not lifted.
    views
        (n,) how many fields show it.
    """

    error_mm: Floats
    views: IntArray


def chosen_vertices(template: Template, points: int = POINTS, seed: int = 0) -> IntArray:
    """Return which vertices are lifted: all, or so many drawn evenly from them, in order."""
    count = len(template.vertices)
    if count <= points:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, points, replace=False))


def lifted_errors(lifted: Lifted, true: Floats) -> LiftedErrors:
    """Compare lifted points with their true places (n, 3), which are in their units."""
    error = 1000 * UNITS_IN_M[lifted.units] * np.linalg.norm(lifted.points - true, axis=1)
    return LiftedErrors(error, lifted.shown)


def lifted_summary(frames: Sequence[LiftedErrors]) -> dict[str, Any]:
    """Return mean, median and 90th percentile in mm of the points that were lifted.

    ``lifted`` is their share of all that were sought, hidden ones included, and ``views`` in how
    many views a point was found on average.
    """
    error = np.concatenate([np.zeros(0), *(frame.error_mm for frame in frames)])
    views = np.concatenate([np.zeros(0), *(frame.views for frame in frames)])
    return {
        "points": len(error),
        "lifted": float(np.isfinite(error).mean()) if len(error) else None,
        "views": float(views.mean()) if len(views) else None,
        **distribution(error, "mm"),
    }
