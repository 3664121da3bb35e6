"""Named places on or in a mesh, as weighted sums of its vertices."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Place = tuple[IntArray, FloatArray]


def at_vertex(vertex: int) -> Place:
    """Return the place of one vertex."""
    return np.array([vertex]), np.ones(1)


def inside(vertices: FloatArray, point: FloatArray, candidates: IntArray, count: int = 24) -> Place:
    """Return a place inside the body, such as a joint, that moves with the skin around it.

    The ``count`` of the ``candidates`` nearest to the ``point`` (3,) get weights that sum to one,
    put the weighted mean at the point, and differ as little as possible.
    """
    order = np.argsort(np.linalg.norm(vertices[candidates] - point, axis=1), kind="stable")
    near = candidates[order[:count]]
    rows = np.column_stack([vertices[near] - point, np.ones(len(near))]).T
    even = np.full(len(near), 1.0 / len(near))
    return near, even + np.linalg.pinv(rows) @ (np.array([0.0, 0.0, 0.0, 1.0]) - rows @ even)
