"""A category of textured rigid objects: cars of random proportions, paint and light.

A car is two units long and stands about the origin, x forward, y to the left, z up. It is built of
prisms and wheels, as a saloon, an estate, a van or a pick-up. Bonnet, cabin, lights and windows
tell the front from the back. Views are of a plain camera at a fixed distance on an upper
hemisphere, without roll, on black.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.colours import rgb_from_hsv
from mvboot.mesh.normals import face_normals
from mvboot.mesh.raycast import RayCaster
from mvboot.synthetic.scene import looking_at
from mvboot.synthetic.studio.material import Material, Surface, Texture
from mvboot.synthetic.studio.rendering.light import FAR, Light
from mvboot.synthetic.studio.rendering.shading import Shell, ambient, direct, spots_of
from mvboot.synthetic.studio.surroundings.solids import Prop, box, frustum, moved, transformed
from mvboot.synthetic.studio.textures.coloured import Plain, Ramp, Steps
from mvboot.synthetic.studio.textures.colours import rgb, srgb_from_linear
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.patterns import Stripes

Floats = NDArray[np.float64]

DISTANCE, FOCAL, SHIFT = 5.0, 4.0, 0.1
"""Of the camera in half sizes of a car, per half a picture, and of its aim in half pictures."""
SAMPLES = 3
"""Rays across and down a pixel."""
FRONT_AND_BACK = np.array([[1.0, 0, 0], [-1.0, 0, 0]])
"""What the orientation network is taught to see, as in the paper."""


@dataclass(frozen=True)
class Shots:
    """V views of each of S shapes.

    ``images`` (S, V, h, w, 3) uint8, ``masks`` (S, V, h, w) bool, ``R`` (S, V, 3, 3) from the car
    to the camera, ``shift`` (S, V, 2) of the middle of the car in half pictures.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    R: Floats
    shift: Floats


def shots(shapes: int, views: int, size: int, seed: int) -> Shots:
    """Return views of random cars; the same arguments give the same."""
    found = [car_views(np.random.default_rng([seed, i]), views, size) for i in range(shapes)]
    return Shots(*(np.stack(parts) for parts in zip(*found, strict=True)))


def car_views(rng: np.random.Generator, views: int, size: int) -> tuple[NDArray, ...]:
    """Return pictures, masks, rotations and shifts of one car."""
    surfaces = car(rng)
    shell = Shell.of(surfaces)
    vertices = np.concatenate([s.vertices for s in surfaces])
    caster, normals = RayCaster(vertices, shell.faces), face_normals(vertices, shell.faces)
    found = []
    for _ in range(views):
        azimuth, height = rng.uniform(0, 2 * np.pi), np.arcsin(rng.uniform(0.1, 0.9))
        level = np.cos(height)
        toward = [level * np.cos(azimuth), level * np.sin(azimuth), np.sin(height)]
        R = looking_at(DISTANCE * np.array(toward), np.zeros(3))
        shift = rng.uniform(-SHIFT, SHIFT, 2)
        found.append((*_picture(shell, vertices, normals, caster, R, shift, size, rng), R, shift))
    return tuple(np.stack(parts) for parts in zip(*found, strict=True))


def _picture(shell, vertices, normals, caster, R, shift, size, rng):
    steps = (np.arange(size * SAMPLES) + 0.5) / (size * SAMPLES / 2) - 1
    u, v = np.meshgrid(steps, steps)
    rays = np.stack([(u - shift[0]) / FOCAL, (v - shift[1]) / FOCAL, np.ones_like(u)], -1)
    rays = rays.reshape(-1, 3) @ R
    rays /= np.linalg.norm(rays, axis=1)[:, None]
    hits = caster.cast(-DISTANCE * R[2], rays)
    rows = np.flatnonzero(hits.met)
    light = _light(rng)
    spots = spots_of(shell, vertices, normals, hits.at(rows), rays[rows])
    shine = np.zeros((len(rays), 3))
    shine[rows] = direct(spots, light) + ambient(spots, light, np.ones(len(rows)))
    blocks = (size, SAMPLES, size, SAMPLES)
    covered = hits.met.reshape(blocks).mean((1, 3))
    colours = srgb_from_linear(np.clip(shine.reshape(*blocks, 3).mean((1, 3)), 0, 1))
    return (255 * colours).round().astype(np.uint8), covered >= 0.5


def _light(rng):
    azimuth, height = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(30, 80))
    level = np.cos(height)
    way = np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(height)])
    sky = rng.uniform(0.35, 0.6) * np.ones(3)
    return Light(FAR * way, 0.0, rng.uniform(0.5, 0.9) * np.ones(3), sky, 0.5 * sky)


# --- cars ---------------------------------------------------------------------------------------


def car(rng: np.random.Generator) -> Prop:
    """Return a car of random kind, proportions and paint, in half its length."""
    paint = Material(_paint(rng), gloss=0.15, sharpness=40)
    glass = Material(Plain(rgb(30, 42, 58) * rng.uniform(0.7, 1.6)), gloss=0.4, sharpness=80)
    width, sill, waist = rng.uniform(0.36, 0.48), rng.uniform(0.12, 0.2), rng.uniform(0.4, 0.52)
    wheel = rng.uniform(0.15, 0.21)
    roof = waist + rng.uniform(0.24, 0.36)
    kind = rng.choice(["saloon", "estate", "van", "pick-up"])
    bonnet = {"van": rng.uniform(0.72, 0.85)}.get(kind, rng.uniform(0.35, 0.5))
    rear = {"saloon": rng.uniform(-0.75, -0.55), "pick-up": rng.uniform(-0.2, 0.0)}.get(kind, -0.96)
    if kind == "van":
        roof += rng.uniform(0.05, 0.2)
    nose, tail = waist - rng.uniform(0.04, 0.14), waist - rng.uniform(0.0, 0.05)
    base = bonnet + rng.uniform(0.0, 0.08)
    profile = [(-0.98, sill), (0.98, sill), (1.0, nose), (base, waist), (-1.0, tail)]
    rake, slope = rng.uniform(0.12, 0.3), rng.uniform(0.02, 0.2)
    cabin = [(rear, waist), (base, waist), (base - rake, roof), (rear + slope, roof)]
    inner = width * rng.uniform(0.9, 0.97)
    top = inner * rng.uniform(0.78, 0.92)
    lid = [(rear + slope - 0.02, roof - 0.03), (base - rake + 0.02, roof - 0.03)]
    lid += [(base - rake, roof + 0.02), (rear + slope, roof + 0.02)]
    parts = [
        prism(profile, [width] * 5, paint),
        prism(cabin, [inner, inner, top, top], glass),
        prism(lid, [top + 0.02] * 4, paint),
        *_pillars(rear, slope, base, rake, waist, roof, inner, top, paint),
        *_wheels(wheel, width, rng),
        *_lights(width, sill, nose, tail),
    ]
    if kind == "van":  # its sides are closed behind the doors
        edge = rng.uniform(0.2, 0.45)
        closed = [(rear, waist), (edge, waist), (edge, roof), (rear + slope, roof)]
        parts.append(prism(closed, [inner + 0.01, inner + 0.01, top + 0.02, top + 0.02], paint))
    offset = np.array([0, 0, -(roof + sill - wheel / 2) / 2])
    return transformed(parts, np.eye(3), offset)


def prism(outline: list[tuple[float, float]], half: list[float], material: Material) -> Surface:
    """Return a convex outline of x and z, each corner as wide to both sides as ``half`` says."""
    x, z = np.array(outline).T
    count = len(x)
    left = np.column_stack([x, half, z])
    vertices = np.concatenate([left, left * (1, -1, 1)])
    fan = np.array([[0, i, i + 1] for i in range(1, count - 1)])
    i = np.arange(count)
    j = (i + 1) % count
    strip = np.concatenate(
        [np.stack([i, j, j + count], -1), np.stack([i, j + count, i + count], -1)]
    )
    return Surface(vertices, np.concatenate([fan, fan + count, strip]), material)


def _pillars(rear, slope, base, rake, waist, roof, inner, top, paint):
    thick, in_front = 0.05, base - 0.06
    middle = (rear + base) / 2
    behind = 0.01  # the glass of both ends
    ends = ((rear + behind, slope), (in_front, -rake), (middle, 0.0))
    for low, lean in ends:
        high = low + lean
        outline = [(low, waist), (low + thick, waist), (high + thick, roof), (high, roof)]
        yield prism(outline, [inner + 0.008, inner + 0.008, top + 0.01, top + 0.01], paint)


def _wheels(radius, width, rng):
    tyre, rim = (
        Material(Plain(rgb(40, 40, 42))),
        Material(Plain(np.full(3, rng.uniform(0.15, 0.7)))),
    )
    axle = rng.uniform(0.55, 0.68), -rng.uniform(0.55, 0.68)
    lying = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
    for x in axle:
        for side in (-1, 1):
            for material, size, out in ((tyre, radius, 0.02), (rim, 0.6 * radius, 0.03)):
                disc = frustum(size, size, 0.12, material, 16)
                flat = transformed([disc], lying * (1, 1, 1), np.zeros(3))
                place = (x, side * (width + out) - (0.12 if side > 0 else 0), radius)
                yield from moved(flat, place)


def _lights(width, sill, nose, tail):
    lamp = Material(Plain(rgb(255, 244, 200)), gloss=0.3)
    red = Material(Plain(rgb(200, 20, 20)), gloss=0.3)
    for side in (-1, 1):
        y = side * (width - 0.09)
        yield from moved([box((0.04, 0.16, 0.1), lamp)], (0.99, y, nose - 0.13))
        yield from moved([box((0.04, 0.14, 0.14), red)], (-0.99, y, tail - 0.18))
    grille = Material(Plain(rgb(45, 45, 48)))
    yield from moved([box((0.04, width, 0.1), grille)], (0.985, 0, sill + 0.02))


def _paint(rng: np.random.Generator) -> Texture:
    hue, value = rng.uniform(0, 1, 3), rng.uniform(0.45, 0.95, 3)
    colours = rgb_from_hsv(hue, rng.uniform(0.0, 0.85, 3), value) ** 2.2
    kind = rng.choice(["plain", "plain", "noise", "stripes", "patches"])
    seed = int(rng.integers(1 << 30))
    if kind == "plain":
        return Plain(colours[0])
    if kind == "stripes":
        direction = tuple(rng.standard_normal(3))
        return Steps(Stripes(rng.uniform(0.3, 0.8), rng.uniform(0.2, 0.5), direction), colours[:2])
    noise = Noise(seed, rng.uniform(0.4, 1.2), 2)
    return Ramp(noise, colours) if kind == "noise" else Steps(noise, colours)
