"""Oriented points: a surface as places and the directions in which they look.

The normal of a point is that of the plane through its neighbours in the fields' coordinates, not
in space: the two sides of an ear, or an arm on a hip, do not mix. It looks to the camera that shows
the point.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mvboot.mesh.normals import unit
from mvboot.surfaces.dense import DensePoints

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEIGHBOURS = 32
"""Points that a plane is laid through."""
OUTLYING = 3.0
"""Neighbours so many median distances away do not count; a point so far off its plane goes."""
ROUNDS = 2
THINNEST = 0.6
"""A plane's spread across it, as a share of that along it, at most: beyond it there is none."""


@dataclass(frozen=True, eq=False)
class OrientedPoints:
    """Points (n, 3) with unit normals (n, 3), and what is known of each.

    ``sigma`` (n,) standard deviation along one axis in ``units``; ``views`` and ``error_px`` as in
    `Lifted`.
    """

    units: str
    points: Floats
    normals: Floats
    sigma: Floats
    views: IntArray
    error_px: Floats

    def of(self, rows: IntArray | Bools) -> "OrientedPoints":
        """Return some of the points."""
        return OrientedPoints(
            self.units,
            self.points[rows],
            self.normals[rows],
            self.sigma[rows],
            self.views[rows],
            self.error_px[rows],
        )


def oriented_points(dense: DensePoints) -> OrientedPoints:
    """Return the points that lie on a plane with their neighbours, each with its normal."""
    count = min(NEIGHBOURS, len(dense.points))
    normals = np.zeros_like(dense.points)
    flat = np.zeros(len(dense.points), dtype=np.bool_)
    if count > 3:
        near = np.asarray(cKDTree(dense.values).query(dense.values, k=count)[1])
        normals, flat = _planes(dense.points, dense.points[near])
    towards = ((dense.centers - dense.points) * normals).sum(1)
    sigma = np.sqrt(np.trace(dense.covariance, axis1=1, axis2=2) / 3)
    normals = np.where(towards[:, None] < 0, -normals, normals)
    found = OrientedPoints(dense.units, dense.points, normals, sigma, dense.views, dense.error_px)
    return found.of(flat)


def _planes(points: Floats, around: Floats) -> tuple[Floats, Bools]:
    """Return normals (n, 3) of planes through neighbours (n, k, 3), and which points lie there."""
    weight = np.ones(around.shape[:2])
    middle = np.median(around, axis=1)
    for _ in range(ROUNDS):
        gap = np.linalg.norm(around - middle[:, None], axis=2)
        weight = (gap <= OUTLYING * np.median(gap, axis=1, keepdims=True)).astype(np.float64)
        middle = (weight[..., None] * around).sum(1) / weight.sum(1, keepdims=True)
    offset = weight[..., None] * (around - middle[:, None])
    spread, axes = np.linalg.eigh(offset.mT @ offset / weight.sum(1)[:, None, None])
    deviation = np.sqrt(np.maximum(spread, 0))
    normals = unit(axes[..., 0])
    off = np.abs(((points - middle) * normals).sum(1))
    reach = np.linalg.norm(points - middle, axis=1)
    flat = (deviation[:, 0] <= THINNEST * deviation[:, 1]) & (deviation[:, 1] > 0)
    flat &= off <= OUTLYING * deviation[:, 0] + 1e-3 * deviation[:, 2]
    flat &= reach <= 2 * OUTLYING * deviation[:, 2]
    return normals, flat
