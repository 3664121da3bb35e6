"""Things that stand, lie and hang about: sampled props about the z axis on z = 0, in metres.

Their front looks along -y.
"""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Material, Surface
from mvboot.synthetic.studio.surroundings.finishes import (
    Rng,
    bark,
    cardboard,
    fabric,
    hard,
    lacquer,
    leaves,
    metal,
    one_of,
    seed_of,
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
    transformed,
    tube,
    upright,
)
from mvboot.synthetic.studio.textures.coloured import Patchwork, Plain, Steps
from mvboot.synthetic.studio.textures.colours import rgb, sample_colour, sample_palette
from mvboot.synthetic.studio.textures.patterns import Bricks, Stripes
from mvboot.synthetic.studio.textures.posters import sample_poster

Floats = NDArray[np.float64]

BALLS = ((225, 110, 40), (240, 240, 235), (60, 120, 190), (200, 50, 55), (120, 180, 60))


def parcel(rng: Rng) -> Prop:
    """Return a parcel or a few."""
    found: Prop = ()
    height = 0.0
    for _ in range(int(rng.integers(1, 4))):
        size = rng.uniform(0.18, 0.6, 3)
        material = cardboard(rng) if rng.random() < 0.6 else lacquer(rng)
        found += moved([box(size, material)], (0, 0, height), rng.normal(0, 0.2))
        height += size[2]
    return found


def crate(rng: Rng) -> Prop:
    """Return a box of plastic or wood."""
    size = rng.uniform((0.25, 0.2, 0.15), (0.7, 0.5, 0.5))
    rim = moved([box((size[0] + 0.03, size[1] + 0.03, 0.03), hard(rng))], (0, 0, size[2] - 0.03))
    return (box(size, hard(rng)), *rim)


def monitor(rng: Rng) -> Prop:
    """Return a screen on its foot, on or off."""
    width = rng.uniform(0.35, 0.7)
    height, black = 0.58 * width, Material(Plain(np.full(3, 0.015)), gloss=0.4, sharpness=150)
    picture = Material(sample_poster(width - 0.03, height - 0.03, rng))
    front = upright(width - 0.03, height - 0.03, picture if rng.random() < 0.6 else black)
    return (
        *moved([box((width, 0.03, height), black)], (0, 0, 0.12)),
        *moved([front], (0, -0.017, 0.135)),
        *moved([box((0.05, 0.05, 0.15), black)], (0, 0.03, 0)),
        box((0.2, 0.16, 0.012), black),
    )


def bottle(rng: Rng) -> Prop:
    """Return a bottle, vase or tin."""
    radius, height = rng.uniform(0.03, 0.1), rng.uniform(0.1, 0.35)
    neck = radius * rng.uniform(0.3, 1)
    profile = np.array([[0, 0], [radius, 0], [radius, 0.6], [neck, 0.8], [neck, 1], [0, 1]])
    return (spun(profile * (1, height), lacquer(rng), 14),)


def pot(rng: Rng) -> Prop:
    """Return a plant in a pot."""
    radius, tall = rng.uniform(0.12, 0.25), rng.uniform(0.3, 1.4)
    green, clay = leaves(rng), lacquer(rng)
    found: Prop = (frustum(0.75 * radius, radius, 1.5 * radius, clay),)
    if rng.random() < 0.4:
        crown = lump((1.5 * radius, 1.5 * radius, 0.4 * tall), green, 16, 0.6, seed_of(rng))
        stem = bar((0, 0, radius), (0, 0, 1.6 * radius + 0.3 * tall), 0.02, bark(rng))
        return (*found, stem, *moved([crown], (0, 0, 1.4 * radius + 0.2 * tall)))
    for angle in rng.uniform(0, 2 * np.pi, int(rng.integers(8, 22))):
        blade = _blade(tall * rng.uniform(0.5, 1), rng.uniform(0.3, 1.2) * tall * 0.6, green)
        found += moved([blade], (0, 0, 1.4 * radius), angle)
    return found


def _blade(height: float, reach: float, material: Material) -> Surface:
    """Return a leaf that bends over along x."""
    t = np.linspace(0, 1, 6)
    middle = np.stack([reach * t**1.5, 0 * t, height * np.sin(0.6 * np.pi * t)], -1)
    half = np.stack([0 * t, 0.09 * height * np.sin(np.pi * np.minimum(t + 0.12, 1)), 0 * t], -1)
    vertices = np.concatenate([middle - half, middle + half])
    a = np.arange(5)
    faces = np.concatenate([np.stack([a, a + 1, a + 7], -1), np.stack([a, a + 7, a + 6], -1)])
    return Surface(vertices, faces, material, vertices)


def ball(rng: Rng) -> Prop:
    """Return a ball, plain or striped."""
    radius = rng.uniform(0.08, 0.35)
    colours = np.stack([one_of(rng, BALLS), sample_colour(rng)])
    texture = Steps(Stripes(rng.uniform(0.7, 3) * radius, 0.5, tuple(rng.normal(size=3))), colours)
    chosen = texture if rng.random() < 0.5 else Plain(colours[0])
    return (ellipsoid((radius, radius, radius), Material(chosen, gloss=0.25, sharpness=60), 24),)


def cone(rng: Rng) -> Prop:
    """Return a traffic cone."""
    height = rng.uniform(0.25, 0.75)
    colours = np.stack([rgb(225, 85, 30), rgb(235, 235, 230)])
    bands = Material(Steps(Stripes(0.45 * height, 0.35, (0, 1, 0)), colours[::-1]), gloss=0.1)
    foot = box((0.55 * height, 0.55 * height, 0.03), Material(Plain(colours[0])))
    return (frustum(0.2 * height, 0.03, height, bands, 18), foot)


def barrel(rng: Rng) -> Prop:
    """Return a drum or bin."""
    radius, height = rng.uniform(0.15, 0.32), rng.uniform(0.4, 0.95)
    rim = radius * 1.04
    profile = np.array(
        [[0, 0], [radius, 0], [radius, 0.48], [rim, 0.5], [radius, 0.52], [radius, 0.97]]
    )
    profile = np.concatenate([profile, [[rim, 1], [0, 1]]])
    return (spun(profile * (1, height), lacquer(rng), 24),)


def lamp(rng: Rng) -> Prop:
    """Return a standing lamp."""
    height = rng.uniform(1.2, 1.9)
    steel, shade = metal(rng), Material(Plain(rgb(235, 222, 190)))
    return (
        frustum(0.16, 0.14, 0.03, steel),
        bar((0, 0, 0), (0, 0, height), 0.012, steel),
        *moved([frustum(0.22, 0.13, 0.28, shade)], (0, 0, height - 0.2)),
    )


def softbox(rng: Rng) -> Prop:
    """Return a studio lamp on a tripod."""
    height, black = rng.uniform(1.5, 2.4), Material(Plain(np.full(3, 0.02)))
    face = Material(Plain(np.full(3, 0.9)))
    width, tall = rng.uniform(0.4, 1.0, 2)
    return (
        *tripod(height, black),
        *moved([box((width, 0.2, tall), black)], (0, 0, height - tall / 2)),
        *moved([upright(0.94 * width, 0.94 * tall, face)], (0, -0.11, height - 0.47 * tall)),
    )


def tripod(height: float, material: Material) -> Prop:
    """Return a tripod that carries something at a height."""
    low = 0.45 * height
    legs = [
        bar((0, 0, low), (0.4 * low * np.cos(a), 0.4 * low * np.sin(a), 0), 0.014, material)
        for a in (0.3, 2.4, 4.5)
    ]
    return (bar((0, 0, low * 0.8), (0, 0, height), 0.016, material), *legs)


def cable(rng: Rng) -> Prop:
    """Return a cable or hose on the floor."""
    steps = np.cumsum(rng.normal(0, 0.45, 60)) * 0.5
    step = 0.05 * np.stack([np.cos(steps), np.sin(steps), 0 * steps], -1)
    path = np.cumsum(step, axis=0)
    path[:, 2] = 0.012
    dark = Material(Plain(sample_colour(rng) * 0.6), gloss=0.2)
    return (tube(path - path.mean(0) * (1, 1, 0), 0.012, dark, 5),)


def sack(rng: Rng) -> Prop:
    """Return a bag, cushion or heap."""
    radii = rng.uniform((0.2, 0.2, 0.12), (0.5, 0.4, 0.4))
    return (lump(radii, fabric(rng), 24, 0.15, seed_of(rng)),)


def toy(rng: Rng) -> Prop:
    """Return a block, a post or a tunnel."""
    kind, size = int(rng.integers(3)), rng.uniform(0.2, 0.6)
    if kind == 0:
        colours = Patchwork(Bricks(0.2, 0.1, seed=seed_of(rng)), sample_palette(rng, 3))
        return (box(rng.uniform(0.5, 1, 3) * size, Material(colours)),)
    if kind == 1:
        return (frustum(size / 2, size / 2 * rng.uniform(0.3, 1), size, lacquer(rng)),)
    ring = np.array([[0.5, 0], [0.5, 1.6], [0.44, 1.6], [0.44, 0], [0.5, 0]]) * size
    lying = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    middle = np.array([0, 0.8 * size, size / 2])
    return transformed([spun(ring, lacquer(rng), 24)], lying, middle)
