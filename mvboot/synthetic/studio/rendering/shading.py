"""Colours of what rays hit: texture, relief, shadow and highlight."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.mesh.normals import unit
from mvboot.mesh.raycast import Hits, RayCaster
from mvboot.synthetic.studio.material import Bump, Material, Surface
from mvboot.synthetic.studio.rendering.light import Light, around_normals

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

STEP = 1e-3
"""Step in metres over which the slope of a relief is taken."""
OFF_SURFACE = 2e-3
"""How far in metres shadow rays start above their surface."""


@dataclass(frozen=True)
class Shell:
    """Several surfaces as one mesh; its vertices may move, the rest stays.

    Parameters
    ----------
    faces
        (F, 3).
    places
        (V, 3) where textures are looked up.
    materials
        The M materials.
    material
        (F,) index of each face's material.
    """

    faces: IntArray
    places: Floats
    materials: tuple[Material, ...]
    material: IntArray

    @staticmethod
    def of(surfaces: Sequence[Surface]) -> "Shell":
        """Join surfaces in their order."""
        starts = np.cumsum([0, *(len(s.vertices) for s in surfaces)])
        return Shell(
            faces=np.concatenate([s.faces + n for s, n in zip(surfaces, starts, strict=False)]),
            places=np.concatenate(
                [s.vertices if s.places is None else s.places for s in surfaces]
            ).astype(np.float64),
            materials=tuple(s.material for s in surfaces),
            material=np.repeat(np.arange(len(surfaces)), [len(s.faces) for s in surfaces]),
        )


@dataclass(frozen=True)
class Spots:
    """Places that rays hit, as shading needs them.

    ``points``, ``normals`` (towards the camera) and ``albedo`` are (N, 3), ``gloss`` and
    ``sharpness`` (N,), ``toward`` (N, 3) unit directions back along the rays.
    """

    points: Floats
    normals: Floats
    albedo: Floats
    gloss: Floats
    sharpness: Floats
    toward: Floats


def spots_of(
    shell: Shell,
    vertices: Floats,
    normals: Floats,
    hits: Hits,
    directions: Floats,
) -> Spots:
    """Return the spots of rays that all met the shell at ``vertices`` (V, 3).

    ``normals`` are (V, 3) to be interpolated, or (F, 3) of flat faces.
    """
    points = hits.interpolated(shell.faces, vertices)
    places = hits.interpolated(shell.faces, shell.places)
    if len(normals) == len(shell.faces):
        upright = normals[hits.face].copy()
    else:
        upright = unit(hits.interpolated(shell.faces, normals))
    material = shell.material[hits.face]
    albedo = np.empty_like(points)
    for index in np.unique(material):
        rows = np.flatnonzero(material == index)
        chosen = shell.materials[index]
        albedo[rows] = chosen.texture(places[rows])
        if chosen.bump is not None:
            turn = _turn(shell, vertices, hits.face[rows])
            upright[rows] = _tilted(upright[rows], places[rows], turn, chosen.bump)
    behind = (upright * directions).sum(1) > 0
    upright[behind] *= -1
    gloss, sharpness = (
        np.array([getattr(m, name) for m in shell.materials])[material]
        for name in ("gloss", "sharpness")
    )
    return Spots(points, upright, albedo, gloss, sharpness, -directions)


def direct(spots: Spots, light: Light) -> Floats:
    """Return the light (N, 3) that spots send to the camera from the lamp, if nothing is between.

    Diffuse, and a highlight after Blinn and Phong.
    """
    way = light.lamp - spots.points
    distance = np.linalg.norm(way, axis=1)
    way /= distance[:, None]
    facing = np.maximum((spots.normals * way).sum(1), 0.0)
    half = unit(way + spots.toward)
    shine = np.maximum((spots.normals * half).sum(1), 0.0) ** spots.sharpness
    strength = light.falloff(distance)[:, None] * light.key
    return np.asarray(
        strength * (facing[:, None] * spots.albedo + (spots.gloss * shine * (facing > 0))[:, None])
    )


def ambient(spots: Spots, light: Light, openness: Floats) -> Floats:
    """Return the light (N, 3) that spots send from all around; ``openness`` (N,) in [0, 1]."""
    return np.asarray(spots.albedo * light.ambient(spots.normals) * openness[:, None])


def shadowed(
    casters: Sequence[RayCaster], spots: Spots, light: Light, rng: np.random.Generator
) -> Bools:
    """Return which spots (N,) the lamp does not reach, by one ray to a random place on it."""
    start = spots.points + OFF_SURFACE * spots.normals
    way = light.spots(len(start), rng) - start
    distance = np.linalg.norm(way, axis=1)
    blocked = np.zeros(len(start), dtype=bool)
    for caster in casters:
        blocked |= caster.blocked(start, way / distance[:, None], distance)
    return blocked


def openness(
    caster: RayCaster,
    points: Floats,
    normals: Floats,
    rays: int,
    reach: float,
    rng: np.random.Generator,
) -> Floats:
    """Return which share (N,) of the half space above places is free within ``reach`` metres."""
    start = points + OFF_SURFACE * normals
    free = np.zeros(len(points))
    turn = rng.uniform(0, 2 * np.pi, len(points))
    for index in range(rays):
        way = around_normals(normals, turn, index, rays)
        free += ~caster.blocked(start, way, np.full(len(start), reach))
    return np.asarray(free / rays)


def _turn(shell: Shell, vertices: Floats, faces: IntArray) -> Floats:
    """Return rotations (N, 3, 3) of faces from where their texture is to where they are now."""
    return _frames(vertices[shell.faces[faces]]) @ _frames(
        shell.places[shell.faces[faces]]
    ).transpose(0, 2, 1)


def _frames(corners: Floats) -> Floats:
    """Return right-handed frames (N, 3, 3), axes as columns, of triangles (N, 3, 3)."""
    along = unit(corners[:, 1] - corners[:, 0])
    upright = unit(np.cross(along, corners[:, 2] - corners[:, 0]))
    return np.stack([along, np.cross(upright, along), upright], -1)


def _tilted(normals: Floats, places: Floats, turn: Floats, bump: Bump) -> Floats:
    """Return normals (N, 3) tilted by the slope of a relief over their surface."""
    height = bump(places)
    slope = np.stack([(bump(places + STEP * axis) - height) / STEP for axis in np.eye(3)], -1)
    slope = (turn @ slope[:, :, None])[:, :, 0]
    slope -= (slope * normals).sum(1, keepdims=True) * normals
    return unit(normals - slope)
