"""Lifted points: surface points found in several fields, triangulated, compared with the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.metrics.distribution import distribution
from mvboot.metrics.seen import Seen
from mvboot.rig import UNITS_IN_M, Rig
from mvboot.template import Template
from mvboot.triangulation import TriangulationOptions, triangulate_points

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


def lift(
    seen: Mapping[str, Seen],
    rig: Rig,
    template: Template,
    vertices: IntArray,
    options: TriangulationOptions | None = None,
) -> tuple[Floats, IntArray]:
    """Return where vertices (n,) of the template lie in the world (n, 3), and in how many views.

    Each is sought in every camera's field (`Seen.where`) and triangulated robustly from where it
    is found; NaN where too few views show it or agree (`triangulate_points`).

    Parameters
    ----------
    seen
        What the fields of one instant see.
    rig
        At least these cameras, at their poses in the frame; the result is in its units.
    options
        Thresholds of the triangulation; none: three agreeing views where there are three cameras.

    Raises
    ------
    InputError
        Fewer than two cameras, or one that the rig does not have.
    """
    if template.embedding is None:
        raise InputError(f"the template {template.name!r} has no embedding to look points up in")
    pixels = np.stack([seen[name].where(template.embedding[vertices]) for name in seen])
    result = triangulate_points(rig.subset(seen), pixels, options=options)
    return np.asarray(result.points), np.isfinite(pixels[..., 0]).sum(axis=0)


def lifted_errors(lifted: Floats, views: IntArray, true: Floats, units: str) -> LiftedErrors:
    """Compare points (n, 3) with their true places (n, 3); both are in ``units``."""
    error = 1000 * UNITS_IN_M[units] * np.linalg.norm(lifted - true, axis=1)
    return LiftedErrors(error, views)


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
