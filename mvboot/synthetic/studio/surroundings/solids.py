"""Simple bodies for things that stand still, each with places on it for flat textures.

Every body stands on z = 0 about the z axis, in metres. Their places lie flat: x along, y up or
across, unrolled where the body is round, so that textures neither shear nor smear.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Material, Surface
from mvboot.synthetic.studio.textures.noise import Noise

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Triple = Sequence[float] | Floats
"""Three numbers."""

Prop = tuple[Surface, ...]
"""One thing made of several surfaces."""

APART = 17.0
"""Metres between where the sides of a box take their grain from, out of the flat."""


def box(size: Triple, material: Material) -> Surface:
    """Return a box of a size (3,); textures run along the longer edge of each side."""
    middle = np.array([0, 0, size[2] / 2])
    corners: list[Floats] = []
    places: list[Floats] = []
    for axis in range(3):
        across, up = (axis + 1) % 3, (axis + 2) % 3
        if size[across] < size[up]:
            across, up = up, across
        for side in (-1, 1):
            flat = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2 * (size[across], size[up])
            corner = np.zeros((4, 3))
            corner[:, axis] = side * size[axis] / 2
            corner[:, across], corner[:, up] = flat.T
            corners.append(corner + middle)
            places.append(np.column_stack([flat, np.full(4, APART * len(places))]))
    start = 4 * np.arange(6)[:, None, None]
    faces = (start + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
    return Surface(np.concatenate(corners), faces, material, np.concatenate(places))


def upright(width: float, height: float, material: Material) -> Surface:
    """Return an upright rectangle in the plane y = 0, ``width`` along x."""
    corners = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0.5, 0, 1], [-0.5, 0, 1]])
    corners = corners * (width, 1, height)
    places = corners[:, [0, 2, 1]] + (width / 2, 0, 0)
    return Surface(corners, np.array([[0, 1, 2], [0, 2, 3]]), material, places)


def flat(width: float, depth: float, material: Material) -> Surface:
    """Return a horizontal rectangle, ``width`` along x and ``depth`` along y."""
    corners = np.array([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    corners = corners * (width, depth, 1)
    return Surface(corners, np.array([[0, 1, 2], [0, 2, 3]]), material, corners)


def frustum(
    bottom: float, top: float, height: float, material: Material, segments: int = 20
) -> Surface:
    """Return a cone cut off, by its radii; a cylinder where they agree. Closed at both ends."""
    return spun(
        np.array([[0, 0], [bottom, 0], [top, height], [0, height]], dtype=np.float64),
        material,
        segments,
    )


def spun(profile: Floats, material: Material, segments: int = 20) -> Surface:
    """Return a profile (P, 2) of radii and heights turned about the z axis: vases, lamps, tyres.

    Every step of the profile has its own vertices.
    """
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    ways = np.hypot(*np.diff(profile, axis=0).T)
    vertices, places = [], []
    for (start, stop), way, below in zip(
        pairwise(profile), ways, np.cumsum(ways) - ways, strict=True
    ):
        for (radius, height), up in ((start, below), (stop, below + way)):
            x, y = radius * np.cos(angle), radius * np.sin(angle)
            vertices.append(np.column_stack([x, y, np.full_like(x, height)]))
            around = angle * max(start[0], stop[0])
            places.append(np.column_stack([around, np.full_like(x, up), np.zeros_like(x)]))
    faces = _strips(np.arange(len(ways)) * 2 * (segments + 1), segments)
    return Surface(np.concatenate(vertices), faces, material, np.concatenate(places))


def ellipsoid(radii: Triple, material: Material, segments: int = 16) -> Surface:
    """Return an ellipsoid by its radii (3,); its places are its own, for textures in space."""
    return lump(radii, material, segments, 0.0, 0)


def lump(radii: Triple, material: Material, segments: int, rough: float, seed: int) -> Surface:
    """Return an ellipsoid with dents: foliage, rocks, sacks.

    ``rough`` is how much of its radius a dent may take.
    """
    around, down = np.meshgrid(
        np.linspace(0, 2 * np.pi, segments + 1), np.linspace(0, np.pi, segments // 2 + 1)
    )
    unit = np.stack(
        [np.cos(around) * np.sin(down), np.sin(around) * np.sin(down), np.cos(down)], -1
    ).reshape(-1, 3)
    if rough:
        unit = unit * (1 - rough * Noise(seed, 0.7, 3, 0.7)(unit))[:, None]
    vertices = (unit + (0, 0, 1)) * np.array(radii)
    faces = _strips(np.arange(segments // 2) * (segments + 1), segments)
    return Surface(vertices, faces, material, vertices)


def hung(
    width: float, height: float, fold: float, material: Material, rng: np.random.Generator
) -> Surface:
    """Return cloth hung along x with folds about ``fold`` metres deep, irregular."""
    steps = max(int(width / fold * 2.5), 4)
    x = np.linspace(-width / 2, width / 2, steps + 1)
    wobble = Noise(int(rng.integers(1 << 30)), 4 * fold)(np.outer(x, (1, 0, 0)))
    phase = 2 * np.pi * (x / (4 * fold) + wobble)
    low = fold * (0.5 + wobble) * np.sin(phase)
    way = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(low)))])
    rows = [np.column_stack([x, y, np.full_like(x, z)]) for y, z in ((low, 0), (0.7 * low, height))]
    places = [np.column_stack([way, np.full_like(x, z), np.zeros_like(x)]) for z in (0, height)]
    faces = _strips(np.array([0]), steps)
    return Surface(np.concatenate(rows), faces, material, np.concatenate(places))


def tube(path: Floats, radius: float, material: Material, segments: int = 6) -> Surface:
    """Return a cable, pipe or bar along a path (P, 3)."""
    along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1)[:, None]
    aside = np.cross(along, [0.21, 0.34, 0.92])
    aside /= np.linalg.norm(aside, axis=1)[:, None]
    angle = np.linspace(0, 2 * np.pi, segments + 1)[:, None]
    ring = np.cos(angle) * aside[:, None] + np.sin(angle) * np.cross(along, aside)[:, None]
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    places = np.zeros_like(ring)
    places[..., 0], places[..., 1] = way[:, None], radius * angle[:, 0]
    faces = _strips(np.arange(len(path) - 1) * (segments + 1), segments)
    vertices = (path[:, None] + radius * ring).reshape(-1, 3)
    return Surface(vertices, faces, material, places.reshape(-1, 3))


def bar(start: Triple, stop: Triple, radius: float, material: Material) -> Surface:
    """Return a straight round bar from one place (3,) to another."""
    return tube(np.array([start, stop], dtype=np.float64), radius, material)


# --- moving and joining -------------------------------------------------------------------------


def moved(surfaces: Iterable[Surface], offset: Triple, yaw: float = 0.0) -> Prop:
    """Return surfaces turned by ``yaw`` radians about the z axis, then moved by (3,)."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return transformed(surfaces, turn, np.asarray(offset, dtype=np.float64))


def transformed(surfaces: Iterable[Surface], matrix: Floats, offset: Floats) -> Prop:
    """Return surfaces at ``matrix @ vertex + offset``; their textures go with them."""
    return tuple(
        Surface(
            s.vertices @ matrix.T + offset,
            s.faces,
            s.material,
            s.vertices if s.places is None else s.places,
        )
        for s in surfaces
    )


def joined(surfaces: Iterable[Surface]) -> Prop:
    """Return one surface for each material, in the order in which materials first come."""
    groups: dict[int, list[Surface]] = {}
    for surface in surfaces:
        groups.setdefault(id(surface.material), []).append(surface)
    return tuple(_as_one(group) for group in groups.values())


def mesh_of(surfaces: Sequence[Surface]) -> tuple[Floats, IntArray, IntArray]:
    """Return vertices (V, 3) and faces (F, 3) of all, and which surface each face (F,) is of."""
    starts = np.cumsum([0, *(len(s.vertices) for s in surfaces)])
    vertices = np.concatenate([s.vertices for s in surfaces])
    faces = np.concatenate([s.faces + n for s, n in zip(surfaces, starts, strict=False)])
    return vertices, faces, np.repeat(np.arange(len(surfaces)), [len(s.faces) for s in surfaces])


def _as_one(surfaces: list[Surface]) -> Surface:
    vertices, faces, _ = mesh_of(surfaces)
    places = [s.vertices if s.places is None else s.places for s in surfaces]
    return Surface(vertices, faces, surfaces[0].material, np.concatenate(places))


def _strips(starts: IntArray, segments: int) -> IntArray:
    """Return faces between rows of segments + 1 vertices, each row and the next after it."""
    a = (starts[:, None] + np.arange(segments)).ravel()
    b = a + segments + 1
    return np.concatenate([np.stack([a, a + 1, b + 1], -1), np.stack([a, b + 1, b], -1)])
