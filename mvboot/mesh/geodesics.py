"""Distances along a surface: shortest paths in a graph of edges and unfolded straight lines.

Edges alone overestimate by up to ten percent, because a path must follow them. Across an edge
two triangles unfold into the plane, and the straight line between their far corners is a path on
the surface: the diagonal that flipping the edge would give. Unfolding `DEPTH` triangles in a row
adds the straight lines through longer strips too, each visible from its start through every edge
of the strip, so that every line is exactly as long as a path on the surface.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DEPTH = 3
"""Edges a straight line may cross. Median error on the body: none 4.1 %, one 1.3, three 0.4."""


def surface_graph(vertices: FloatArray, faces: IntArray, depth: int = DEPTH) -> csr_array:
    """Return the symmetric graph (V, V) whose weights are lengths of straight lines on a mesh.

    ``vertices`` (V, 3) in any unit, ``faces`` (F, 3) of a manifold, consistently oriented mesh,
    open or closed. Every edge is there, and every line that crosses at most ``depth`` edges.
    """
    corners = np.concatenate([faces, np.roll(faces, -1, axis=1), np.roll(faces, -2, axis=1)])
    start, end = corners[:, 0], corners[:, 1]
    lines = [(start, end, np.linalg.norm(vertices[end] - vertices[start], axis=1))]
    strips = _first_triangles(vertices, corners)
    beyond = _Neighbours(faces, len(vertices))
    for _ in range(depth):
        strips, line = strips.unfold(vertices, beyond)
        lines.append(line)
    a, b, lengths = (np.concatenate(column) for column in zip(*lines, strict=True))
    return _shortest(a, b, lengths, len(vertices))


def geodesic_distances(graph: csr_array, sources: IntArray) -> FloatArray:
    """Return distances (S, V) from each source vertex (S,) to every vertex, inf if out of reach."""
    return np.asarray(dijkstra(graph, directed=False, indices=sources))


def farthest_points(graph: csr_array, count: int) -> tuple[IntArray, FloatArray]:
    """Return ``count`` vertices (K,) spread over the surface, and their distances (K, V).

    Each is the vertex farthest from all before it; the first is the one farthest from vertex 0,
    so that the choice is the same on every run.
    """
    chosen: list[int] = []
    rows: list[FloatArray] = []
    nearest = geodesic_distances(graph, np.array([0]))[0]
    for _ in range(min(count, graph.shape[0])):
        chosen.append(int(np.argmax(nearest)))
        rows.append(geodesic_distances(graph, np.array([chosen[-1]]))[0])
        nearest = rows[0] if len(rows) == 1 else np.minimum(nearest, rows[-1])
    return np.array(chosen), np.stack(rows)


class _Neighbours:
    """Looks up the corner beyond a directed edge."""

    def __init__(self, faces: IntArray, vertices: int) -> None:
        a, b, far = (np.roll(faces, -i, axis=1).ravel() for i in range(3))
        self.vertices = vertices
        keys = a * vertices + b
        order = np.argsort(keys)
        self.keys, self.far = keys[order], far[order]

    def corner(self, a: IntArray, b: IntArray) -> IntArray:
        """Return the third corner of the face that has the edge from a to b, -1 at a border."""
        keys = a * self.vertices + b
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[at] == keys, self.far[at], -1)


@dataclass(frozen=True)
class _Strips:
    """Strips of triangles unfolded into the plane, all with their source at the origin.

    Each ends at the directed edge from ``p`` to ``q`` (counterclockwise around the source) at
    ``at_p``, ``at_q`` (N, 2); what the source sees lies between the rays ``right`` and ``left``.
    """

    source: IntArray
    p: IntArray
    q: IntArray
    at_p: FloatArray
    at_q: FloatArray
    right: FloatArray
    left: FloatArray

    def unfold(
        self, vertices: FloatArray, beyond: _Neighbours
    ) -> tuple["_Strips", tuple[IntArray, IntArray, FloatArray]]:
        """Return the strips that are one triangle longer, and the lines to its new corners."""
        apex = beyond.corner(self.q, self.p)
        strips = self._where(apex >= 0)
        apex = apex[apex >= 0]
        at = strips._place(vertices, apex)
        seen = (_cross(strips.right, at) > 0) & (_cross(at, strips.left) > 0)
        line = (strips.source[seen], apex[seen], np.linalg.norm(at[seen], axis=1))
        left = np.where((_cross(at, strips.left) > 0)[:, None], at, strips.left)
        right = np.where((_cross(strips.right, at) > 0)[:, None], at, strips.right)
        first = _Strips(strips.source, strips.p, apex, strips.at_p, at, strips.right, left)
        second = _Strips(strips.source, apex, strips.q, at, strips.at_q, right, strips.left)
        return first._visible()._with(second._visible()), line

    def _place(self, vertices: FloatArray, apex: IntArray) -> FloatArray:
        """Return where the corners beyond the edges lie when their faces turn into the plane."""
        edge, side = vertices[self.q] - vertices[self.p], vertices[apex] - vertices[self.p]
        length = np.linalg.norm(edge, axis=1)
        along = (side * edge).sum(axis=1) / length**2
        height = np.linalg.norm(np.cross(edge, side), axis=1) / length**2
        flat = self.at_q - self.at_p
        outward = np.stack([flat[:, 1], -flat[:, 0]], axis=1)
        return np.asarray(self.at_p + along[:, None] * flat + height[:, None] * outward)

    def _where(self, keep: NDArray[np.bool_]) -> "_Strips":
        return _Strips(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))

    def _visible(self) -> "_Strips":
        return self._where(_cross(self.right, self.left) > 0)

    def _with(self, other: "_Strips") -> "_Strips":
        names = self.__dataclass_fields__
        return _Strips(*(np.concatenate([getattr(s, n) for s in (self, other)]) for n in names))


def _first_triangles(vertices: FloatArray, corners: IntArray) -> _Strips:
    source, p, q = corners.T
    to_p, to_q = vertices[p] - vertices[source], vertices[q] - vertices[source]
    length = np.linalg.norm(to_p, axis=1)
    at_p = np.stack([length, np.zeros_like(length)], axis=1)
    along = (to_p * to_q).sum(axis=1) / length
    height = np.linalg.norm(np.cross(to_p, to_q), axis=1) / length
    at_q = np.stack([along, height], axis=1)
    return _Strips(source, p, q, at_p, at_q, at_p, at_q)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _shortest(a: IntArray, b: IntArray, lengths: FloatArray, size: int) -> csr_array:
    """Return the graph with the shortest of the lines between each pair, in both directions."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((lengths, high, low))
    low, high, lengths = low[order], high[order], lengths[order]
    first = np.append(True, (np.diff(low) != 0) | (np.diff(high) != 0)) & (low != high)
    low, high, lengths = low[first], high[first], lengths[first]
    pairs = (np.concatenate([low, high]), np.concatenate([high, low]))
    return csr_array((np.concatenate([lengths, lengths]), pairs), shape=(size, size))
