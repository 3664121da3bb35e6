"""Cloth made from a template's own surface: cut out of it, moved off it, hemmed.

A garment is where a field over the template's vertices is positive, so its borders are smooth
lines across faces. It lies at some height along smoothed normals, never below the height asked
for, and is smoothed as a stretched sheet would be: it spans hollows and covers bumps.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array

from mvboot.mesh.normals import unit, vertex_normals
from mvboot.synthetic.studio.appearance.look import Piece
from mvboot.synthetic.studio.material import Material
from mvboot.template import Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

NORMAL_ROUNDS, WEIGHT_ROUNDS = 8, 4
"""Rounds of smoothing of the normals along which cloth lies, and of its skin weights."""
SLACK = 0.06
"""Metres that a sheet may span over a hollow, above the height asked for."""
THICKNESS = 0.003
HEM_ROUNDS = 2
"""Rounds of smoothing of borders along themselves."""
COVERED_RINGS = 2
LEAST_WEIGHT = 2e-3
EDGE_SHARE = 0.1
"""Cuts keep this share of an edge away from its ends, so that no face is a needle."""


class Cloth(NamedTuple):
    """A mesh worn by a subject, as a `Piece` without a material."""

    vertices: Floats
    faces: IntArray
    weights: csr_array
    places: Floats

    def piece(self, name: str, material: Material) -> Piece:
        """Return it made of a material."""
        return Piece(name, self.vertices, self.faces, self.weights, material, self.places)


@dataclass(frozen=True)
class Mannequin:
    """A template in the rest pose of a shape (S,): what clothes are made on."""

    template: Template
    shape: Floats

    @cached_property
    def rest(self) -> Floats:
        """Vertices (V, 3) of this shape."""
        return np.asarray(self.template.rest(self.shape), dtype=np.float64)

    @cached_property
    def mean(self) -> Floats:
        """Vertices (V, 3) of the mean shape: where patterns are looked up and cuts are made."""
        return np.asarray(self.template.vertices, dtype=np.float64)

    @cached_property
    def smoother(self) -> csr_array:
        """Matrix (V, V) that moves vertices half way to the mean of their neighbours."""
        return _smoother(self.template.faces, len(self.mean))

    @cached_property
    def normals(self) -> Floats:
        """Unit normals (V, 3) of the surface without its details."""
        normals = vertex_normals(self._rounds(self.rest, NORMAL_ROUNDS), self.template.faces)
        return unit(self._rounds(normals, NORMAL_ROUNDS))

    @cached_property
    def weights(self) -> Floats:
        """Skin weights (V, B), smoothed a little, so that cloth bends in larger curves."""
        assert self.template.skeleton is not None
        return self._rounds(self.template.skeleton.weights.toarray(), WEIGHT_ROUNDS)

    def covered(self, field: Floats, rings: int = COVERED_RINGS) -> Bools:
        """Return the faces (F,) that lie more than some rings inside where a field is positive."""
        inside = field > 0
        for _ in range(rings):
            outside = self.smoother @ (~inside).astype(np.float64)
            inside = outside == 0
        return np.asarray(inside[self.template.faces].all(axis=1))

    def _rounds(self, values: Floats, count: int) -> Floats:
        for _ in range(count):
            values = self.smoother @ values
        return np.asarray(values)


@dataclass(frozen=True)
class Patch:
    """Part of a template's surface.

    Parameters
    ----------
    source
        (W, V) makes the patch's vertices of the template's; rows sum to one.
    faces
        (G, 3) over the patch's vertices.
    parents
        (G,) the template's face that each lies in.
    """

    source: csr_array
    faces: IntArray
    parents: IntArray

    @staticmethod
    def cut(faces: IntArray, field: Floats) -> "Patch":
        """Cut out of faces (F, 3) where a field (V,), linear over each face, is positive."""
        above = field > 0
        count = above[faces].sum(axis=1)
        whole, one, two = (np.flatnonzero(count == n) for n in (3, 1, 2))
        a, b, c = _odd_first(faces[one], above).T
        tips = _corners([(a, a), (a, b), (a, c)])
        a, b, c = _odd_first(faces[two], ~above).T
        stumps = [_corners([(a, b), (b, b), (c, c)]), _corners([(a, b), (c, c), (a, c)])]
        kept = np.repeat(faces[whole][:, :, None], 2, axis=2)
        corners = np.concatenate([kept, tips, *stumps])
        return Patch.of_corners(corners, np.concatenate([whole, one, two, two]), field)

    @staticmethod
    def of_corners(corners: IntArray, parents: IntArray, field: Floats) -> "Patch":
        """Make a patch of faces whose corners (G, 3, 2) lie between two vertices, at field 0."""
        size = len(field)
        key = corners.min(axis=2) * size + corners.max(axis=2)
        used, local = np.unique(key, return_inverse=True)
        low, high = used // size, used % size
        run = np.where(low == high, 1.0, field[low] - field[high])
        share = np.clip(field[low] / run, EDGE_SHARE, 1 - EDGE_SHARE)
        share = np.where(low == high, 0.0, share)
        rows = np.tile(np.arange(len(used)), 2)
        values = np.concatenate([1 - share, share])
        source = coo_array((values, (rows, np.concatenate([low, high]))), (len(used), size))
        return Patch(source.tocsr(), local.reshape(-1, 3), parents)


def drape(mannequin: Mannequin, patch: Patch, offset: Floats, smoothing: int, hem: float) -> Cloth:
    """Return the patch as a sheet over a mannequin, in its rest pose.

    Parameters
    ----------
    mannequin, patch
        What it lies on, and where.
    offset
        (V,) least height in the template's units over its vertices, along smoothed normals.
    smoothing
        Rounds of smoothing; 0 follows every detail, 30 spans hollows of some edges' width.
    hem
        How far borders are folded inwards; 0 for none.
    """
    return Draped.over(mannequin, patch, offset, smoothing).cloth(patch.faces, hem)


@dataclass(frozen=True)
class Draped:
    """A patch lying ``height`` (W,) over a mannequin, along its smoothed normals."""

    mannequin: Mannequin
    patch: Patch
    height: Floats

    @staticmethod
    def over(mannequin: Mannequin, patch: Patch, offset: Floats, smoothing: int) -> "Draped":
        """Stretch a patch over a mannequin, nowhere lower than offsets (V,)."""
        base, normals = patch.source @ mannequin.rest, unit(patch.source @ mannequin.normals)
        least = patch.source @ offset
        smoother = _smoother(patch.faces, len(base))
        height = least
        for _ in range(smoothing):
            moved = smoother @ (base + height[:, None] * normals)
            height = np.clip(((moved - base) * normals).sum(1), least, least + SLACK)
        return Draped(mannequin, patch, height)

    @property
    def heights(self) -> Floats:
        """Height (V,) over the template's vertices; 0 where it does not lie."""
        heaped = self.patch.source.T @ self.height
        share = self.patch.source.T @ np.ones(len(self.height))
        return np.asarray(np.where(share > 0, heaped / np.maximum(share, 1e-9), 0.0))

    def cloth(self, faces: IntArray, hem: float) -> Cloth:
        """Return it as a mesh of some of its faces (G, 3), its borders folded in ``hem`` deep."""
        source, mannequin = self.patch.source, self.mannequin
        base = source @ mannequin.rest
        vertices = base + self.height[:, None] * unit(source @ mannequin.normals)
        crosses = vertices[:, 0] * base[:, 0] < 0  # a leg's cloth stays on the leg's side
        vertices[crosses, 0] = 0.0
        rims = np.unique(border(self.patch.faces)[0])
        smoother = csr_array(_smoother(self.patch.faces, len(base))[rims])
        for _ in range(HEM_ROUNDS):
            vertices[rims] = smoother @ vertices
        used, local = np.unique(faces, return_inverse=True)
        weights = sparse_rows(source[used] @ mannequin.weights)
        places = source[used] @ mannequin.mean
        cloth = Cloth(vertices[used], local.reshape(-1, 3), weights, places)
        return hemmed(cloth, hem) if hem > 0 else cloth


def hemmed(cloth: Cloth, depth: float) -> Cloth:
    """Fold a cloth's borders to its inner side, ``depth`` deep, so that they have thickness."""
    vertices, faces = cloth.vertices, cloth.faces
    start, stop = border(faces)
    rim, local = np.unique(np.concatenate([start, stop]), return_inverse=True)
    start_in, stop_in = np.split(local, 2)
    normals = vertex_normals(vertices, faces)[rim]
    inward = _inward(vertices, faces)[rim]
    near = vertices[rim] - THICKNESS * normals
    far = near + depth * inward - 2 * THICKNESS * normals
    n, m = len(vertices), len(rim)
    strips = [_strip(start, stop, n + start_in, n + stop_in)]
    strips += [_strip(n + start_in, n + stop_in, n + m + start_in, n + m + stop_in)]
    rows = np.concatenate([np.arange(n), rim, rim])
    return Cloth(
        np.concatenate([vertices, near, far]),
        np.concatenate([faces, *strips]),
        csr_array(cloth.weights[rows]),
        np.concatenate([cloth.places, cloth.places[rim], cloth.places[rim] + depth * inward]),
    )


def _inward(vertices: Floats, faces: IntArray) -> Floats:
    """Return unit directions (V, 3) from borders into the sheet, along its faces; 0 elsewhere."""
    alone = _alone(faces)
    a, b, c = (np.roll(faces, -turn, axis=1).ravel()[alone] for turn in range(3))
    along = unit(vertices[b] - vertices[a])
    into = vertices[c] - vertices[a]
    into = unit(into - (into * along).sum(1, keepdims=True) * along)
    total = [np.bincount(a, p, len(vertices)) + np.bincount(b, p, len(vertices)) for p in into.T]
    return unit(np.stack(total, -1))


def border(faces: IntArray) -> tuple[IntArray, IntArray]:
    """Return start and stop (E,) of the edges that have a face on one side only."""
    alone = _alone(faces)
    return faces.ravel()[alone], np.roll(faces, -1, axis=1).ravel()[alone]


def _alone(faces: IntArray) -> Bools:
    """Return which edges (F * 3,) of the faces have no face on their other side."""
    start, stop = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    size = int(faces.max()) + 1
    return ~np.isin(start * size + stop, stop * size + start)


def sparse_rows(weights: Floats) -> csr_array:
    """Return weights (V, B) without the negligible ones; rows sum to one."""
    kept = np.where(weights > LEAST_WEIGHT, weights, 0.0)
    return csr_array(kept / kept.sum(axis=1, keepdims=True))


def _smoother(faces: IntArray, size: int) -> csr_array:
    """Return the matrix (V, V) of one round of smoothing; borders are smoothed along themselves."""
    start, stop = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    rim_start, rim_stop = border(faces)
    on_rim = np.zeros(size, dtype=bool)
    on_rim[rim_start] = True
    rows = np.concatenate([start, stop, rim_start, rim_stop])
    columns = np.concatenate([stop, start, rim_stop, rim_start])
    along = np.arange(len(rows)) >= 2 * len(start)
    used = along | ~on_rim[rows]
    links = coo_array((np.ones(used.sum()), (rows[used], columns[used])), (size, size)).tocsr()
    links.data[:] = 1.0
    count = np.maximum(np.asarray(links.sum(axis=1)), 1.0)
    alone = np.asarray(links.sum(axis=1)) == 0
    own = diags_array(np.where(alone, 1.0, 0.5))
    return csr_array(own + diags_array(0.5 / count) @ links)


def _strip(start: IntArray, stop: IntArray, start_in: IntArray, stop_in: IntArray) -> IntArray:
    return np.concatenate(
        [np.stack([stop, start, start_in], -1), np.stack([stop, start_in, stop_in], -1)]
    )


def _odd_first(faces: IntArray, odd: Bools) -> IntArray:
    """Return faces (N, 3), each with one odd vertex (V,), turned so that it comes first."""
    turn = np.argmax(odd[faces], axis=1)[:, None] + np.arange(3)
    return np.take_along_axis(faces, turn % 3, axis=1)


def _corners(pairs: list[tuple[IntArray, IntArray]]) -> IntArray:
    return np.stack([np.stack(pair, -1) for pair in pairs], axis=1)
