"""What a camera sees of the things that stand still: computed once for a camera that does too."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mvboot.geometry import Camera
from mvboot.mesh.normals import face_normals
from mvboot.mesh.raycast import CameraRays, Hits, RayCaster
from mvboot.synthetic.studio.material import Surface
from mvboot.synthetic.studio.rendering.light import Light
from mvboot.synthetic.studio.rendering.shading import (
    Shell,
    Spots,
    ambient,
    direct,
    openness,
    shadowed,
    spots_of,
)

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
IntArray = NDArray[np.int64]

OPENNESS_RAYS, OPENNESS_REACH = 8, 0.7
SHADOW_RAYS = 4
"""Per sample; the room is looked at once, subjects in every picture."""


class Room:
    """All that stands still, as one mesh to cast rays at.

    ``scale`` is its size over that of a room for people.
    """

    def __init__(self, surfaces: Sequence[Surface], scale: float = 1.0) -> None:
        self.reach = scale * OPENNESS_REACH
        self.shell = Shell.of(surfaces)
        self.vertices = np.concatenate([s.vertices for s in surfaces]).astype(np.float64)
        self.caster = RayCaster(self.vertices, self.shell.faces)
        self.normals = face_normals(self.vertices, self.shell.faces)

    def spots(self, hits: Hits, directions: Floats) -> Spots:
        """Return the spots of rays that met it."""
        return spots_of(self.shell, self.vertices, self.normals, hits, directions)


@dataclass(frozen=True)
class Backdrop:
    """The room in N pixels of one camera, one ray each.

    ``distance`` (N,) along the rays and ``points`` (N, 3), infinite where nothing is; ``ambient``
    and ``direct`` (N, 3) linear light from all around and from the lamp, its shadows applied;
    ``lit`` (n,) the pixels that the lamp reaches.
    """

    distance: Floats
    points: Floats
    ambient: Singles
    direct: Singles
    lit: IntArray

    @staticmethod
    def of(
        room: Room, origin: Floats, directions: Floats, light: Light, rng: np.random.Generator
    ) -> "Backdrop":
        """Look at a room from a place along rays (N, 3)."""
        hits = room.caster.cast(origin, directions)
        rows = np.flatnonzero(hits.met)
        count = len(directions)
        points = np.full((count, 3), np.inf)
        soft, hard = (np.zeros((count, 3), dtype=np.float32) for _ in range(2))
        if len(rows):
            spots = room.spots(hits.at(rows), directions[rows])
            free = openness(
                room.caster, spots.points, spots.normals, OPENNESS_RAYS, room.reach, rng
            )
            dark = [shadowed([room.caster], spots, light, rng) for _ in range(SHADOW_RAYS)]
            points[rows] = spots.points
            soft[rows] = ambient(spots, light, free)
            hard[rows] = direct(spots, light) * (1 - np.mean(dark, axis=0))[:, None]
        return Backdrop(hits.distance, points, soft, hard, np.flatnonzero(hard.sum(1) > 0))


@dataclass(frozen=True)
class Eye:
    """A camera at one pose before a room: its rays, and a backdrop for each sample of a pixel.

    ``origin`` (3,); ``directions`` (K, h * w, 3); ``backdrops`` (K,); ``middle`` are the rays
    through pixel centres (h * w, 3) and ``walls`` (h * w,) how far the room is along them.
    """

    camera: Camera
    origin: Floats
    directions: Floats
    backdrops: tuple[Backdrop, ...]
    middle: Floats
    walls: Floats

    @cached_property
    def ambient(self) -> Singles:
        """Light (N, 3) of the room from all around, over all samples."""
        return np.asarray(sum(backdrop.ambient for backdrop in self.backdrops))

    @cached_property
    def direct(self) -> Singles:
        """Light (N, 3) of the room from the lamp, over all samples."""
        return np.asarray(sum(backdrop.direct for backdrop in self.backdrops))

    @staticmethod
    def of(
        camera: Camera, room: Room, light: Light, samples: int, rng: np.random.Generator
    ) -> "Eye":
        """Open an eye with ``samples`` rays across and down a pixel."""
        rays = CameraRays(camera, samples)
        directions = np.ascontiguousarray(
            rays.directions.reshape(-1, samples**2, 3).transpose(1, 0, 2)
        )
        middle = CameraRays(camera).directions
        return Eye(
            camera=camera,
            origin=rays.origin,
            directions=directions,
            backdrops=tuple(Backdrop.of(room, rays.origin, d, light, rng) for d in directions),
            middle=middle,
            walls=room.caster.cast(rays.origin, middle).distance,
        )
