"""Which vertex is the mirror image of which."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TOLERANCE = 0.01
"""Largest distance of a mirrored vertex from its partner, as a share of the mesh's diagonal."""


def mirror_vertices(
    vertices: FloatArray, axis: int = 0, tolerance: float = TOLERANCE
) -> IntArray | None:
    """Return the index of the mirror image of every vertex (V,), or None where there is no mirror.

    The mirror is the plane through the middle of the bounding box, across ``axis``. There is a
    symmetry if the nearest vertex of every mirrored vertex lies within ``tolerance`` of the
    diagonal, and being nearest is mutual for all: the result is its own inverse.
    """
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    mirrored = vertices.copy()
    mirrored[:, axis] = low[axis] + high[axis] - vertices[:, axis]
    distance, partner = cKDTree(vertices).query(mirrored)
    partner = np.asarray(partner, dtype=np.int64)
    mutual = (partner[partner] == np.arange(len(vertices))).all()
    if not mutual or np.max(distance) > tolerance * np.linalg.norm(high - low):
        return None
    return partner
