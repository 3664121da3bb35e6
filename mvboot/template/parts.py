"""Faces grouped into parts that can each be laid out flat: given islands, or cells of seeds."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mvboot.mesh.flatten import is_disc
from mvboot.mesh.geodesics import farthest_points, surface_graph

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def uv_islands(faces: IntArray, uv: FloatArray) -> IntArray:
    """Return the island (F,), counted from 0, of each face: faces joined where uv is continuous.

    ``uv`` (F, 3, 2) per face corner; two faces belong together if they share an edge and agree
    about the uv of both its ends.
    """
    places = np.column_stack([faces.reshape(-1, 1), uv.astype(np.float32).reshape(-1, 2)])
    corners = np.unique(places, axis=0, return_inverse=True)[1].reshape(faces.shape)
    return _pieces(len(faces), *_adjacent(corners))


def cells(vertices: FloatArray, faces: IntArray, count: int) -> IntArray:
    """Return at least ``count`` parts (F,), counted from 0, each a disc.

    Seeds are spread by farthest point, and a face belongs to the seed nearest along the surface.
    A cell that is not a disc (a ring around a limb, a cap with a hole) is halved until it is.
    """
    distances = farthest_points(surface_graph(vertices, faces), count)[1]
    labels = settled(faces, distances[:, faces].sum(axis=2).argmin(axis=0))
    queue = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    parts = np.zeros(len(faces), dtype=np.int64)
    done = 0
    while queue:
        group = queue.pop(0)
        if is_disc(faces[group]):
            parts[group] = done
            done += 1
            continue
        half = _halves(vertices, faces[group])
        queue += [group[half == 0], group[half == 1]]
    return parts


def settled(faces: IntArray, labels: IntArray) -> IntArray:
    """Return labels (F,), from 0, of which each is one connected piece of a connected mesh.

    The largest piece of a label keeps it; every other goes to the label it shares most edges with.
    """
    a, b = _adjacent(faces)
    while True:
        same = labels[a] == labels[b]
        piece = _pieces(len(faces), a[same], b[same])
        label = np.zeros(piece.max() + 1, dtype=np.int64)
        label[piece] = labels
        order = np.lexsort((-np.bincount(piece), label))
        stays = np.zeros(len(label), dtype=bool)
        stays[order[np.unique(label[order], return_index=True)[1]]] = True
        loose, beside = np.append(piece[a], piece[b]), np.append(piece[b], piece[a])
        votes = ~stays[loose] & stays[beside]
        if not votes.any():
            return labels
        shape = (len(label), int(label.max()) + 1)
        counted = (np.ones(votes.sum()), (loose[votes], label[beside[votes]]))
        sides = coo_array(counted, shape=shape).toarray()
        labels = np.where(sides.any(axis=1), sides.argmax(axis=1), label)[piece]


def smoothed(faces: IntArray, labels: IntArray, rounds: int = 10) -> IntArray:
    """Return `settled` labels without teeth along their borders.

    A face with two neighbours of one other label joins them, round after round. Tips that touch
    their part in one vertex only go too, which `is_disc` would refuse.
    """
    one, two = _adjacent(faces)
    a, b = np.append(one, two), np.append(two, one)
    for _ in range(rounds):
        shape = (len(faces), int(labels.max()) + 1)
        beside = coo_array((np.ones(len(a)), (a, labels[b])), shape=shape).toarray()
        most = beside.argmax(axis=1)
        labels = np.where(beside.max(axis=1) >= 2, most, labels)
    return settled(faces, labels)


def local_mesh(faces: IntArray) -> tuple[IntArray, IntArray]:
    """Return the vertices that some faces use (K,), and the faces counted among those alone."""
    used, local = np.unique(faces, return_inverse=True)
    return used, local.reshape(faces.shape)


def _halves(vertices: FloatArray, faces: IntArray) -> IntArray:
    """Return 0 or 1 (F,): a cut along the longest axis, which opens a tube into two strips."""
    centres = vertices[faces].mean(axis=1)
    second = np.linalg.svd(centres - centres.mean(axis=0), full_matrices=False)[2][1]
    along = (centres - centres.mean(axis=0)) @ second
    if np.ptp(along) == 0.0:
        along = np.arange(len(faces)) - 0.5
    return settled(faces, (along > 0).astype(np.int64))


def _adjacent(faces: IntArray) -> tuple[IntArray, IntArray]:
    """Return the pairs of faces (N,), (N,) that share an edge."""
    ends = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)
    key = ends.min(axis=1) * (int(faces.max()) + 1) + ends.max(axis=1)
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(np.diff(key[order]) == 0)
    face = np.repeat(np.arange(len(faces)), 3)[order]
    return face[same], face[same + 1]


def _pieces(count: int, a: IntArray, b: IntArray) -> IntArray:
    links = coo_array((np.ones(len(a)), (a, b)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)
