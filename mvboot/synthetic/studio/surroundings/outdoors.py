"""Things that stand outside: sampled props about the z axis on z = 0, in metres; and the sky."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Material, Surface
from mvboot.synthetic.studio.surroundings.finishes import (
    GLOW,
    GREENS,
    Rng,
    bark,
    bricks,
    concrete,
    granular,
    hard,
    leaves,
    metal,
    one_of,
    paint,
    seed_of,
    timber,
)
from mvboot.synthetic.studio.surroundings.solids import (
    Prop,
    bar,
    box,
    ellipsoid,
    frustum,
    lump,
    moved,
    spun,
    upright,
)
from mvboot.synthetic.studio.textures.coloured import Blend, Patchwork, Plain
from mvboot.synthetic.studio.textures.colours import rgb, sample_colour, sample_palette, shades
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.patterns import Bricks, Threshold

Floats = NDArray[np.float64]

SKY_RADIUS = 90.0
"""Metres; beyond it a sun would stand in the way of nothing."""

CLEAR, HAZE = rgb(95, 150, 225), rgb(225, 232, 240)
DULL = rgb(200, 205, 212)


@dataclass(frozen=True)
class Sky:
    """Air from the horizon to the zenith, and clouds.

    Parameters
    ----------
    horizon, zenith
        Linear colours (3,).
    clouds
        Share (N,) of cloud in a direction, on a plane above.
    """

    horizon: Floats
    zenith: Floats
    clouds: Threshold

    def __call__(self, places: Floats) -> Floats:
        """Return the colours (N, 3) at places (N, 3) about the origin."""
        up = np.clip(places[:, 2] / np.linalg.norm(places, axis=1), 0, 1)[:, None]
        air = self.horizon + (self.zenith - self.horizon) * up**0.5
        layer = places / np.maximum(places[:, 2:], 0.05 * SKY_RADIUS)
        cover = self.clouds(layer)[:, None] * np.clip(6 * up - 0.2, 0, 1)
        return np.asarray(0.6 * GLOW * (air * (1 - cover) + np.array([0.97, 0.97, 0.98]) * cover))


def sky(rng: Rng) -> Prop:
    """Return the sky as a dome about the origin, over more than the ground there is."""
    dull = rng.uniform(0, 1) ** 2
    zenith = (1 - dull) * CLEAR + dull * DULL
    clouds = Threshold(Noise(seed_of(rng), rng.uniform(0.8, 2.5), 6), rng.uniform(0.3, 1.1), 0.5)
    material = Material(Sky((1 - dull) * HAZE + dull * DULL, zenith, clouds))
    dome = ellipsoid(3 * [SKY_RADIUS], material, 80)
    centred = dome.vertices - (0, 0, SKY_RADIUS)
    return (Surface(centred, dome.faces, material, centred),)


def tree(rng: Rng) -> Prop:
    """Return a tree: round, pointed or bare but for a few clumps."""
    height, green, trunk = rng.uniform(3, 9), leaves(rng), bark(rng)
    thick = 0.03 * height
    found: Prop = (frustum(thick, 0.5 * thick, 0.6 * height, trunk, 10),)
    if rng.random() < 0.3:
        for level in np.linspace(0.15, 0.75, 5):
            layer = frustum(0.25 * height * (1 - level), 0.02, 0.3 * height, green, 14)
            found += moved([layer], (0, 0, level * height))
        return found
    for _ in range(int(rng.integers(3, 9))):
        radii = height * rng.uniform(0.12, 0.28) * rng.uniform(0.7, 1.1, 3)
        clump = lump(radii, green, 12, 0.6, seed_of(rng))
        offset = (*rng.normal(0, 0.11 * height, 2), height * rng.uniform(0.35, 0.65))
        found += moved([clump], offset)
    return found


def bush(rng: Rng) -> Prop:
    """Return a bush."""
    green, size = leaves(rng), rng.uniform(0.3, 0.9)
    found: Prop = ()
    for _ in range(int(rng.integers(2, 5))):
        clump = lump(size * rng.uniform(0.5, 1, 3), green, 14, 0.6, seed_of(rng))
        found += moved([clump], (*rng.normal(0, 0.5 * size, 2), -0.1))
    return found


def hedge(rng: Rng) -> Prop:
    """Return a stretch of hedge."""
    green, height = leaves(rng), rng.uniform(0.8, 2.2)
    found: Prop = ()
    for x in np.arange(-3, 3.1, 0.75):
        clump = lump((0.7, 0.45, 0.5 * height), green, 12, 0.35, seed_of(rng))
        found += moved([clump], (x, 0, 0))
    return found


def hill(rng: Rng) -> Prop:
    """Return a far hill or wood."""
    haze = 0.35 * rgb(170, 185, 205)
    green = shades(0.5 * one_of(rng, GREENS) + haze, 4, 0.4)
    material = Material(granular(rng, green, rng.uniform(0.8, 2)))
    radii = rng.uniform((12, 4, 2), (30, 8, 6))
    return moved([lump(radii, material, 20, 0.3, seed_of(rng))], (0, 0, -0.8 * radii[2]))


def rock(rng: Rng) -> Prop:
    """Return a boulder."""
    grey = one_of(rng, ((130, 128, 122), (150, 135, 115), (95, 95, 98)))
    radii = rng.uniform((0.2, 0.2, 0.15), (0.8, 0.7, 0.5))
    return moved([lump(radii, stone(rng, grey), 16, 0.5, seed_of(rng))], (0, 0, -0.08))


def stone(rng: Rng, colour: Floats) -> Material:
    """Return bare stone with lichen."""
    lichen = Threshold(Noise(seed_of(rng), 0.3, 5), 0.75, 0.2)
    return Material(Blend(lichen, Plain(colour), Plain(colour * (0.7, 0.8, 0.45))))


def fence(rng: Rng) -> Prop:
    """Return a stretch of fence: slats or mesh posts with rails."""
    height, material = rng.uniform(0.9, 2.0), hard(rng)
    step = float(rng.choice([0.11, 0.2, 0.3]))
    found: Prop = ()
    for x in np.arange(-3, 3, step):
        found += moved([box((rng.uniform(0.07, 0.1), 0.02, height), material)], (x, 0, 0))
    for z in (0.2, 0.8):
        found += moved([box((6, 0.04, 0.07), material)], (0, 0.03, z * height))
    return found


def lamppost(rng: Rng) -> Prop:
    """Return a street lamp."""
    height, steel = rng.uniform(3.5, 6), metal(rng)
    head = box((0.6, 0.2, 0.1), steel)
    return (frustum(0.07, 0.04, height, steel, 10), *moved([head], (0.25, 0, height)))


def signpost(rng: Rng) -> Prop:
    """Return a traffic sign or a notice on a post."""
    steel, paint_ = metal(rng), Material(Patchwork(Bricks(0.3, 0.2, 0.0), sample_palette(rng, 3)))
    height = rng.uniform(1.8, 2.6)
    return (
        frustum(0.03, 0.03, height, steel, 8),
        *moved(
            [box(rng.uniform((0.4, 0.02, 0.4), (0.9, 0.03, 0.8)), paint_)], (0, -0.04, height - 0.5)
        ),
    )


def car(rng: Rng) -> Prop:
    """Return a parked car, plainly."""
    lack = Material(Plain(sample_colour(rng)), gloss=0.5, sharpness=150)
    glass = Material(Plain(np.array([0.02, 0.025, 0.03])), gloss=0.6, sharpness=200)
    tyre = np.array([[0, 0], [0.32, 0], [0.32, 0.2], [0, 0.2]])
    rubber = Material(Plain(np.full(3, 0.02)))
    length = rng.uniform(3.6, 4.8)
    found = moved([box((length, 1.75, 0.55), lack)], (0, 0, 0.3))
    found += moved([box((0.55 * length, 1.5, 0.5), glass)], (-0.05 * length, 0, 0.85))
    found += moved([box((0.5 * length, 1.45, 0.06), lack)], (-0.05 * length, 0, 1.35))
    lying = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    for x in (-0.31, 0.31):
        for y in (-0.72, 0.92):
            wheel = spun(tyre, rubber, 16)
            round_ = Surface(wheel.vertices @ lying.T, wheel.faces, rubber, wheel.places)
            found += moved([round_], (x * length, y, 0.32))
    return found


def building(rng: Rng) -> Prop:
    """Return a house: four walls with windows, a roof."""
    width, depth, floors = rng.uniform(7, 18), rng.uniform(6, 12), int(rng.integers(1, 5))
    height = 3.0 * floors
    wall = (bricks, paint, concrete)[int(rng.integers(3))](rng)
    shine = rgb(45, 55, 65) * rng.uniform(0.4, 2.0)
    glass = Material(Plain(shine), gloss=0.5, sharpness=150)
    frame = Material(Plain(rgb(*(3 * [rng.uniform(150, 240)]))))
    found: Prop = ()
    step, wide_pane, tall_pane = rng.uniform((1.8, 0.8, 1.0), (3.2, 1.5, 1.7))
    for yaw, wide, away in (
        (0, width, depth),
        (np.pi / 2, depth, width),
        (np.pi, width, depth),
        (-np.pi / 2, depth, width),
    ):
        side: Prop = (upright(wide, height, wall),)
        for x in np.arange(-wide / 2 + 1.2, wide / 2 - 1, step):
            for level in range(floors):
                side += moved(window(wide_pane, tall_pane, glass, frame), (x, 0, 3 * level + 0.9))
        found += moved(moved(side, (0, -away / 2, 0)), (0, 0, 0), yaw)
    roof = Material(Plain(one_of(rng, ((120, 60, 45), (70, 70, 75), (95, 80, 70)))))
    found += moved([box((width + 0.6, depth + 0.6, 0.3), roof)], (0, 0, height))
    return found


def window(width: float, height: float, glass: Material, frame: Material) -> Prop:
    """Return a window before the plane y = 0: frame, pane, cross-bar."""
    return (
        *moved([upright(width, height, frame)], (0, -0.02, 0)),
        *moved([upright(0.88 * width, 0.9 * height, glass)], (0, -0.03, 0.05 * height)),
        *moved([upright(0.05, 0.9 * height, frame)], (0, -0.04, 0.05 * height)),
    )


def goal(rng: Rng) -> Prop:
    """Return goal posts or a swing's frame."""
    white, width = Material(Plain(np.full(3, rng.uniform(0.3, 0.85)))), rng.uniform(2, 5)
    corners = [(-width / 2, 0, 0), (-width / 2, 0, 2), (width / 2, 0, 2), (width / 2, 0, 0)]
    return tuple(bar(corners[i], corners[i + 1], 0.05, white) for i in range(3))


def picnic(rng: Rng) -> Prop:
    """Return a table with benches."""
    planks = timber(rng)
    found = moved([box((1.8, 0.8, 0.06), planks)], (0, 0, 0.7))
    for y in (-0.75, 0.75):
        found += moved([box((1.8, 0.28, 0.05), planks)], (0, y, 0.42))
    for x in (-0.6, 0.6):
        found += moved([box((0.08, 1.5, 0.08), planks)], (x, 0, 0.38))
        found += moved([box((0.1, 0.1, 0.7), planks)], (x, 0, 0))
    return found
