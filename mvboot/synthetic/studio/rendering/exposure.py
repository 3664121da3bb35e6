"""Pictures of subjects in a room: rays, shadows, motion blur; linear light, before the sensor."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.geometry import Camera
from mvboot.mesh.normals import vertex_normals
from mvboot.mesh.raycast import RayCaster, whole_size
from mvboot.synthetic.studio.rendering.backdrop import Backdrop, Eye, Room
from mvboot.synthetic.studio.rendering.light import Light
from mvboot.synthetic.studio.rendering.shading import (
    OFF_SURFACE,
    Shell,
    ambient,
    direct,
    openness,
    shadowed,
    spots_of,
)

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
IntArray = NDArray[np.int64]

OPENNESS_RAYS, OPENNESS_REACH = 12, 0.25
"""Rays from each vertex of a subject, and how far they go over its radius."""
MARGIN_PX = 2.0
UP = np.array([0.0, 0.0, 1.0])
NEAR = 1.2
"""How near the room must be to a subject, over its radius, for it to take some sky light."""
SOFT = 0.008
"""Width of the blur of that shade, over the picture's width: it has only a few rays a pixel."""
SHARP_PX = 0.8
"""The same for shadows of the lamp, in pixels."""


@dataclass(frozen=True)
class Moment:
    """The subjects at one instant, ready to be looked at.

    ``vertices`` and ``normals`` are (W, 3), ``free`` (W,) the share of the sky each vertex sees.
    """

    shell: Shell
    vertices: Floats
    normals: Floats
    free: Floats

    @staticmethod
    def first(shell: Shell, vertices: Floats, rng: np.random.Generator) -> "Moment":
        """Prepare vertices (W, 3), and find out what each vertex sees of the sky."""
        normals = vertex_normals(vertices, shell.faces)
        bare = Moment(shell, vertices, normals, np.ones(len(vertices)))
        reach = OPENNESS_REACH * bare.sphere[1]
        free = openness(bare.caster, vertices, bare.normals, OPENNESS_RAYS, reach, rng)
        return replace(bare, free=free)

    def moved(self, vertices: Floats) -> "Moment":
        """Prepare the vertices of a neighbouring instant: they see as much of the sky."""
        normals = vertex_normals(vertices, self.shell.faces)
        return Moment(self.shell, vertices, normals, self.free)

    @cached_property
    def caster(self) -> RayCaster:
        """What rays are cast at."""
        return RayCaster(self.vertices, self.shell.faces)

    @cached_property
    def sphere(self) -> tuple[Floats, float]:
        """Middle (3,) and radius of a ball around all of it."""
        low, high = self.vertices.min(0), self.vertices.max(0)
        return (low + high) / 2, float(np.linalg.norm(high - low) / 2)


@dataclass(frozen=True)
class Exposure:
    """What reached the sensor: linear light (h, w, 3), and the subjects' share (h, w)."""

    light: Floats
    mask: Floats


def expose(
    eye: Eye, room: Room, moments: Sequence[Moment], light: Light, rng: np.random.Generator
) -> Exposure:
    """Return what an eye sees; sample k of every pixel sees ``moments[k]`` (motion blur)."""
    width, height = whole_size(eye.camera)
    sky, lamp = eye.ambient.copy(), eye.direct.copy()
    subject = np.zeros_like(sky)
    cover, no_sky, no_lamp = (np.zeros(width * height, np.float32) for _ in range(3))
    for directions, backdrop, moment in zip(eye.directions, eye.backdrops, moments, strict=True):
        rows, colours = _subjects(eye, room, directions, backdrop, moment, light, rng)
        subject[rows] += colours
        cover[rows] += 1
        sky[rows] -= backdrop.ambient[rows]
        lamp[rows] -= backdrop.direct[rows]
        no_lamp[_in_shade(backdrop, moment, light, rng)] += 1
        no_sky[_under(backdrop, moment, rng)] += 1
    count = len(moments)
    sky *= 1 - _smoothed(no_sky, (height, width), SOFT * width) / count
    lamp *= 1 - _smoothed(no_lamp, (height, width), SHARP_PX) / count
    picture = (subject + sky + lamp).astype(np.float64) / count
    mask = cover.astype(np.float64) / count
    return Exposure(picture.reshape(height, width, 3), mask.reshape(height, width))


def in_view(camera: Camera, vertices: Floats) -> IntArray:
    """Return the pixels (n,) of a box around the vertices' pictures; all where one has none."""
    width, height = whole_size(camera)
    pixels = camera.project(vertices)
    if np.isnan(pixels).any():
        return np.arange(width * height)
    low = np.floor(pixels.min(0) - MARGIN_PX).astype(int)
    high = np.ceil(pixels.max(0) + MARGIN_PX).astype(int) + 1
    x = np.arange(max(low[0], 0), min(high[0], width))
    y = np.arange(max(low[1], 0), min(high[1], height))
    return np.asarray((y[:, None] * width + x).ravel())


def _subjects(
    eye: Eye,
    room: Room,
    directions: Floats,
    backdrop: Backdrop,
    moment: Moment,
    light: Light,
    rng: np.random.Generator,
) -> tuple[IntArray, Floats]:
    """Return the pixels (n,) that show a subject, and the light (n, 3) in them."""
    rows = in_view(eye.camera, moment.vertices)
    hits = moment.caster.cast(eye.origin, directions[rows])
    before = hits.distance < backdrop.distance[rows]
    hits, rows = hits.at(np.flatnonzero(before)), rows[before]
    if not len(rows):
        return rows, np.zeros((0, 3))
    spots = spots_of(moment.shell, moment.vertices, moment.normals, hits, directions[rows])
    free = hits.interpolated(moment.shell.faces, moment.free[:, None])[:, 0]
    dark = shadowed([moment.caster, room.caster], spots, light, rng)
    return rows, ambient(spots, light, free) + direct(spots, light) * ~dark[:, None]


def _smoothed(shade: Singles, shape: tuple[int, int], sigma: float) -> Floats:
    """Return a blurred shade (N, 1) of the pixels of a picture of ``shape``."""
    return np.asarray(cv2.GaussianBlur(shade.reshape(shape), (0, 0), sigma).reshape(-1, 1))


def _in_shade(
    backdrop: Backdrop, moment: Moment, light: Light, rng: np.random.Generator
) -> IntArray:
    """Return the pixels (n,) of the room that subjects keep the lamp from."""
    center, radius = moment.sphere
    lit = backdrop.lit
    lit = lit[_passes(backdrop.points[lit], light.lamp, center, radius + light.size)]
    way = light.spots(len(lit), rng) - backdrop.points[lit]
    distance = np.linalg.norm(way, axis=1)
    way /= distance[:, None]
    start = backdrop.points[lit] + OFF_SURFACE * way
    return lit[moment.caster.blocked(start, way, distance)]


def _under(backdrop: Backdrop, moment: Moment, rng: np.random.Generator) -> IntArray:
    """Return the pixels (n,) of the room, near subjects, that one random ray to the sky misses."""
    center, radius = moment.sphere
    reach = NEAR * radius
    near = np.flatnonzero((np.abs(backdrop.points - center) < radius + reach).all(1))
    share, turn = rng.uniform(size=(2, len(near)))
    across, turn = np.sqrt(share), 2 * np.pi * turn
    way = np.stack([across * np.cos(turn), across * np.sin(turn), np.sqrt(1 - share)], -1)
    start = backdrop.points[near] + OFF_SURFACE * UP
    return near[moment.caster.blocked(start, way, np.full(len(near), reach))]


def _passes(points: Floats, lamp: Floats, center: Floats, radius: float) -> NDArray[np.bool_]:
    """Return which places (N, 3) have a ball between them and the lamp."""
    way = lamp - points
    along = ((center - points) * way).sum(1) / (way**2).sum(1)
    nearest = points + np.clip(along, 0, 1)[:, None] * way
    return np.asarray(np.linalg.norm(nearest - center, axis=1) < radius)
