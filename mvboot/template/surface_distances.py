"""Distances along the surface between any two of its points, not only between vertices.

In a plane, the squared distance of two points is the weighted mean of the squared distances
between the corners of their triangles, less what either triangle's corners scatter about its
point. On a surface with geodesic distances between the corners that is exact where it is flat
or unfolds flat, and off by little elsewhere, near pairs included, for which the mean of the
distances themselves would be useless.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mvboot.errors import InputError
from mvboot.mesh.geodesics import geodesic_distances
from mvboot.mesh.nearest import Located

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

KEPT = 16_384
"""Vertices of the largest mesh whose distances are kept (1 GiB); others are computed again."""
BATCH = 256


class PointDistances:
    """Distances between surface points of a mesh: vertices (V, 3), faces (F, 3), its graph (V, V).

    The distances from a vertex to all others are computed when they are first asked for and then
    kept in single precision, 4 V^2 bytes when all are (167 MB for the body).
    """

    def __init__(self, vertices: FloatArray, faces: IntArray, graph: csr_array) -> None:
        self._mesh = vertices, faces, graph
        size = len(vertices) if len(vertices) <= KEPT else 0
        self._rows = np.empty((size, size), dtype=np.float32)
        self._there = np.zeros(size, dtype=np.bool_)

    def __reduce__(self) -> tuple[type["PointDistances"], tuple[FloatArray, IntArray, csr_array]]:
        """Travel between processes without the distances kept so far."""
        return PointDistances, self._mesh

    def between(self, a: Located, b: Located) -> FloatArray:
        """Return the distances (...) of pairs of points (...), NaN where either is none."""
        if a.faces.shape != b.faces.shape:
            raise InputError(
                f"pairs of surface points need as many of either, got {a.faces.shape} and "
                f"{b.faces.shape}"
            )
        vertices, faces, _ = self._mesh
        pair = a.known & b.known
        corners_a, corners_b = faces[a.faces[pair]], faces[b.faces[pair]]
        weights_a, weights_b = a.barycentric[pair], b.barycentric[pair]
        place_a, scatter_a = _moments(vertices[corners_a], weights_a)
        place_b, scatter_b = _moments(vertices[corners_b], weights_b)
        squared = self._vertices(corners_a[:, :, None], corners_b[:, None, :]) ** 2
        mean = np.einsum("ni,nij,nj->n", weights_a, squared, weights_b)
        straight = np.linalg.norm(place_a - place_b, axis=1)
        curved = np.sqrt(np.maximum(mean - scatter_a - scatter_b, straight**2))
        distances = np.full(pair.shape, np.nan)
        distances[pair] = np.where(a.faces[pair] == b.faces[pair], straight, curved)
        return distances

    def _vertices(self, a: IntArray, b: IntArray) -> FloatArray:
        """Return the distances of pairs of vertices, which broadcast."""
        sources = np.unique(a)
        if not len(self._there):
            return self._afresh(sources, *np.broadcast_arrays(a, b))
        missing = sources[~self._there[sources]]
        for batch in _batches(missing):
            self._rows[batch] = geodesic_distances(self._mesh[2], batch)
        self._there[missing] = True
        return self._rows[a, b].astype(np.float64)

    def _afresh(self, sources: IntArray, a: IntArray, b: IntArray) -> FloatArray:
        found = np.empty(a.shape)
        for batch in _batches(sources):
            here = (a >= batch[0]) & (a <= batch[-1])
            rows = geodesic_distances(self._mesh[2], batch)
            found[here] = rows[np.searchsorted(batch, a[here]), b[here]]
        return found


def _batches(vertices: IntArray) -> list[IntArray]:
    """Return sorted vertices (N,) in stretches of at most `BATCH`."""
    return [vertices[i : i + BATCH] for i in range(0, len(vertices), BATCH)]


def _moments(corners: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the weighted mean (N, 3) of corners (N, 3, 3), and their mean square about it (N,)."""
    place = np.einsum("nij,ni->nj", corners, weights)
    squared = ((corners - place[:, None]) ** 2).sum(axis=2)
    return place, np.einsum("ni,ni->n", weights, squared)
