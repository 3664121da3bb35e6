"""Which point of many triangles is nearest to a value, in a space of any dimension.

A tree of boxes answers it exactly, by branch and bound. SciPy's trees know points alone, and
embree's know three dimensions; embeddings have more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from mvboot.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Function = Callable[..., Any]

LEAF = 4
"""Triangles in a leaf of the tree, at most."""
DEEPEST = 64
"""Boxes that wait on the way down a tree, at most: its depth and one."""
NARROW = 1e-12
"""Squared sine of the angle below which two sides of a triangle are one line."""


@dataclass(frozen=True, eq=False)
class Located:
    """Points of a surface of triangles.

    Parameters
    ----------
    faces
        (...) face of each, -1 where there is none.
    barycentric
        (..., 3) weights of the face's corners, NaN where there is none.
    distance
        (...) how far a value that was looked up lies from the coordinates of this point, in their
        unit: 0 for the coordinates of a surface point, NaN where there is none. None for points
        that were not looked up.

    Raises
    ------
    InputError
        Shapes that do not fit together.
    """

    faces: IntArray
    barycentric: FloatArray
    distance: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.barycentric.shape != (*self.faces.shape, 3):
            raise InputError(
                f"surface points have faces {self.faces.shape}, but weights "
                f"{self.barycentric.shape}; each point needs three weights"
            )

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which of them (...) are surface points."""
        return np.asarray(self.faces >= 0)


class TriangleTree:
    """Triangles in a space of any dimension, to be asked which of their points is nearest.

    The tree is implicit: box i holds boxes 2i and 2i + 1, and the leaves hold equal shares of the
    triangles in the order of a k-d tree.

    Parameters
    ----------
    corners
        (F, 3, D).
    """

    def __init__(self, corners: FloatArray) -> None:
        count = len(corners)
        leaves = 1 << ((count - 1) // LEAF).bit_length()
        self._starts = np.arange(leaves + 1) * count // leaves
        tree = cKDTree(corners.mean(axis=1), leafsize=LEAF)
        self._order = np.asarray(tree.indices, dtype=np.int64)
        corners = corners[self._order]
        self._boxes = _boxes(corners, self._starts[:-1])
        self._triangles = corners.copy()
        self._triangles[:, 1:] -= corners[:, :1]

    def nearest(self, points: ArrayLike) -> Located:
        """Return the points of the triangles nearest to points (..., D); NaN gives none."""
        given = np.ascontiguousarray(points, dtype=np.float64)
        dimensions = self._triangles.shape[2]
        if given.ndim < 1 or given.shape[-1] != dimensions:
            raise InputError(
                f"values of the embedding have shape {given.shape}, this template needs "
                f"(..., {dimensions})"
            )
        shape = given.shape[:-1]
        faces = np.full(shape, -1)
        barycentric, distance = np.full((*shape, 3), np.nan), np.full(shape, np.nan)
        _search(
            given.reshape(-1, dimensions),
            self._boxes,
            self._starts,
            self._triangles,
            faces.reshape(-1),
            barycentric.reshape(-1, 3),
            distance.reshape(-1),
        )
        return Located(np.where(faces >= 0, self._order[faces], -1), barycentric, distance)


def _boxes(corners: FloatArray, starts: IntArray) -> FloatArray:
    """Return lower and upper corners (2 L, 2, D) of the boxes of a tree with L leaves."""
    leaves = len(starts)
    boxes = np.empty((2 * leaves, 2, corners.shape[2]))
    boxes[leaves:, 0] = np.minimum.reduceat(corners.min(axis=1), starts)
    boxes[leaves:, 1] = np.maximum.reduceat(corners.max(axis=1), starts)
    while leaves > 1:
        leaves //= 2
        below = boxes[2 * leaves : 4 * leaves].reshape(leaves, 2, 2, -1)
        boxes[leaves : 2 * leaves, 0] = below[:, :, 0].min(axis=1)
        boxes[leaves : 2 * leaves, 1] = below[:, :, 1].max(axis=1)
    return boxes


def _compiled(function: Function) -> Function:
    return cast(Function, njit(cache=True, error_model="numpy")(function))


@_compiled
def _search(  # type: ignore[no-untyped-def]  # numba infers them
    points, boxes, starts, triangles, faces, barycentric, distance
):
    """Fill in the nearest triangle, weights and distance of each point: branch and bound."""
    leaves = len(starts) - 1
    waiting, gaps = np.empty(DEEPEST, np.int64), np.empty(DEEPEST)
    for row in range(len(points)):
        point = points[row]
        if not np.isfinite(point).all():
            continue
        best = np.inf
        waiting[0], gaps[0], size = 1, 0.0, 1
        while size > 0:
            size -= 1
            if gaps[size] >= best:
                continue
            box = waiting[size]
            while box < leaves:
                near, far = 2 * box, 2 * box + 1
                near_gap, far_gap = _gap(point, boxes[near]), _gap(point, boxes[far])
                if far_gap < near_gap:
                    near, far, near_gap, far_gap = far, near, far_gap, near_gap
                if far_gap < best:
                    waiting[size], gaps[size] = far, far_gap
                    size += 1
                if near_gap >= best:
                    break
                box = near
            else:
                for face in range(starts[box - leaves], starts[box - leaves + 1]):
                    squared, s, t = _closest(point, triangles[face])
                    if squared < best:
                        best, faces[row] = squared, face
                        barycentric[row, 0] = max(0.0, 1.0 - s - t)
                        barycentric[row, 1], barycentric[row, 2] = s, t
        distance[row] = np.sqrt(best)


@_compiled
def _gap(point, box):  # type: ignore[no-untyped-def]  # numba infers them
    """Return the squared distance of a point (D,) from a box (2, D)."""
    total = 0.0
    for k in range(len(point)):
        beyond = max(box[0, k] - point[k], point[k] - box[1, k], 0.0)
        total += beyond * beyond
    return total


@_compiled
def _closest(point, triangle):  # type: ignore[no-untyped-def]  # numba infers them
    """Return the squared distance of a point (D,) from a triangle, and where it is nearest.

    ``triangle`` (3, D) is a corner and the sides from it to the others; the nearest point is
    the corner plus s and t times the sides.
    """
    aa, ab, bb, ap, bp = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(len(point)):
        offset, a, b = point[k] - triangle[0, k], triangle[1, k], triangle[2, k]
        aa, ab, bb = aa + a * a, ab + a * b, bb + b * b
        ap, bp = ap + a * offset, bp + b * offset
    s, t = _weights(aa, ab, bb, ap, bp)
    total = 0.0
    for k in range(len(point)):
        rest = point[k] - triangle[0, k] - s * triangle[1, k] - t * triangle[2, k]
        total += rest * rest
    return total, s, t


@_compiled
def _weights(aa, ab, bb, ap, bp):  # type: ignore[no-untyped-def]  # numba infers them
    """Return s, t >= 0 with s + t <= 1 of the nearest point, from products of sides and offset."""
    squared_area = aa * bb - ab * ab
    if squared_area > NARROW * aa * bb:
        s, t = (bb * ap - ab * bp) / squared_area, (aa * bp - ab * ap) / squared_area
        if s >= 0 and t >= 0 and s + t <= 1:
            return s, t
    best, best_s, best_t = np.inf, 0.0, 0.0
    across = max(aa - 2 * ab + bb, 1e-300)
    for side in range(3):
        if side == 0:
            s, t = min(max(ap / max(aa, 1e-300), 0.0), 1.0), 0.0
        elif side == 1:
            s, t = 0.0, min(max(bp / max(bb, 1e-300), 0.0), 1.0)
        else:
            t = min(max((aa - ab - ap + bp) / across, 0.0), 1.0)
            s = 1.0 - t
        excess = s * (s * aa - 2 * ap) + t * (t * bb - 2 * bp) + 2 * s * t * ab
        if excess < best:
            best, best_s, best_t = excess, s, t
    return best_s, best_t
