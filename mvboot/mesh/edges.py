"""Edges of triangle meshes."""

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def edges_of(faces: IntArray) -> IntArray:
    """Return the edges (E, 2) of faces (F, 3), each once."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    return np.unique(np.sort(pairs, axis=1), axis=0)
