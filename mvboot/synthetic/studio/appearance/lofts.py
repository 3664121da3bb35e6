"""Things worn that are not cut from the body's surface: rings around it, joined to a mesh."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from mvboot.synthetic.studio.appearance.garment import Cloth, Mannequin, sparse_rows

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

NEIGHBOURS = 8
TUBE_SIDES = 14


@dataclass(frozen=True)
class Followed:
    """The N nearest places of a body to points beside it, as a mean of vertices (N, V)."""

    mannequin: Mannequin
    source: csr_array

    @staticmethod
    def of(mannequin: Mannequin, points: Floats, among: NDArray[np.bool_]) -> "Followed":
        """Look for them among some of the vertices (V,)."""
        rows = np.flatnonzero(among)
        distance, near = cKDTree(mannequin.rest[rows]).query(points, k=NEIGHBOURS)
        share = 1 / (distance + 0.2 * np.mean(distance) + 1e-9)
        share /= share.sum(axis=1, keepdims=True)
        starts = np.arange(len(points) + 1) * NEIGHBOURS
        shape = (len(points), len(mannequin.rest))
        return Followed(mannequin, csr_array((share.ravel(), rows[near].ravel(), starts), shape))

    def cloth(self, vertices: Floats, faces: IntArray) -> Cloth:
        """Return a mesh that moves and lies as those places of the body do."""
        weights = sparse_rows(self.source @ self.mannequin.weights)
        shift = self.source @ (self.mannequin.rest - self.mannequin.mean)
        return Cloth(vertices, faces, weights, vertices - shift)


def circle(count: int) -> Floats:
    """Return directions (M, 2) around, counterclockwise, the first along x."""
    angle = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def strewn(points: Floats, faces: IntArray, own: NDArray[np.bool_]) -> Floats:
    """Return points (N, 3) along all edges between own vertices (V,): ends and inner thirds."""
    inside = faces[own[faces].all(axis=1)]
    start, stop = points[inside.ravel()], points[np.roll(inside, -1, axis=1).ravel()]
    return np.concatenate([start + share * (stop - start) for share in (0.0, 1 / 3, 2 / 3)])


def outline(points: Floats, middle: Floats, directions: Floats) -> Floats:
    """Return how far (M,) the convex hull of points (N, 2) reaches from inside it."""
    support = ((points - middle) @ directions.T).max(axis=0)
    facing = directions @ directions.T
    reach = np.where(facing > 0.05, support / np.maximum(facing, 0.05), np.inf)
    return np.asarray(reach.min(axis=1))


def joined(rings: int, count: int, closed: bool = True) -> IntArray:
    """Return faces of rings of vertices from below upwards, seen from outside."""
    steps = np.arange(count if closed else count - 1)
    start = (np.arange(rings - 1)[:, None] * count + steps).ravel()
    after = (np.arange(rings - 1)[:, None] * count + (steps + 1) % count).ravel()
    lower = np.stack([start, after, after + count], -1)
    return np.concatenate([lower, np.stack([start, after + count, start + count], -1)])


def capped(faces: IntArray, ring: IntArray, tip: int) -> IntArray:
    """Close a ring of vertices (M,), counterclockwise as seen from outside, with a fan."""
    fan = np.stack([np.full(len(ring), tip), ring, np.roll(ring, -1)], -1)
    return np.concatenate([faces, fan])


def tube(path: Floats, outward: Floats, across: Floats, high: Floats, ridge: float) -> Floats:
    """Return rings (M * TUBE_SIDES, 3) about a closed path (M, 3): a scarf, a hood hanging down.

    ``outward`` (M, 3) are unit directions away from what it goes around; the rings are ellipses
    ``across`` (M,) metres wide that way and ``high`` (M,) upwards (half axes). Folds that wind
    along it are a share ``ridge`` deep.
    """
    turn, way = circle(TUBE_SIDES), 2 * np.pi * np.arange(len(path)) / len(path)
    angle = 2 * np.pi * np.arange(TUBE_SIDES) / TUBE_SIDES
    folds = 1 + ridge * np.cos(3 * angle + 2 * way[:, None] + np.sin(3 * way)[:, None])
    wide = (folds * turn[:, 0] * across[:, None])[..., None] * outward[:, None, :]
    tall = (folds * turn[:, 1] * high[:, None])[..., None] * np.array([0.0, 0.0, 1.0])
    return np.asarray((path[:, None] + wide + tall).reshape(-1, 3))


def tube_faces(count: int) -> IntArray:
    """Return the faces of `tube` along a path of ``count`` places."""
    return (joined(count + 1, TUBE_SIDES) % (count * TUBE_SIDES))[:, ::-1]
