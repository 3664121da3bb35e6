"""Normals of triangle meshes."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]


def unit(vectors: Floats) -> Floats:
    """Return vectors (..., 3) of length one; those of no length stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12))


def face_normals(vertices: Floats, faces: IntArray) -> Floats:
    """Return unit normals (F, 3) of faces over vertices (V, 3); 0 for a face without area."""
    return unit(_across(vertices, faces))


def vertex_normals(vertices: Floats, faces: IntArray) -> Floats:
    """Return unit normals (V, 3): the mean of the faces around, by their area."""
    across = np.repeat(_across(vertices, faces), 3, axis=0)
    total = [np.bincount(faces.ravel(), across[:, axis], len(vertices)) for axis in range(3)]
    return unit(np.stack(total, -1))


def _across(vertices: Floats, faces: IntArray) -> Floats:
    """Return normals (F, 3) as long as twice the area of their faces."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)
