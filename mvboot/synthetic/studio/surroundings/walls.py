"""Walls of rooms and what hangs on them.

In its own frame a wall runs along x at y = 0, from z = 0 up, and the room is at its front, -y.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Material
from mvboot.synthetic.studio.surroundings.finishes import (
    GLOW,
    Rng,
    fabric,
    granular,
    hard,
    metal,
    seed_of,
)
from mvboot.synthetic.studio.surroundings.outdoors import window
from mvboot.synthetic.studio.surroundings.solids import (
    Prop,
    bar,
    box,
    frustum,
    hung,
    moved,
    tube,
    upright,
)
from mvboot.synthetic.studio.textures.coloured import Plain, Ramp
from mvboot.synthetic.studio.textures.colours import rgb, sample_colour
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.posters import sample_poster

Floats = NDArray[np.float64]
Hanging = Callable[[Rng, float], tuple[float, Prop]]
"""Width, and what hangs on a wall of a height, about x = 0 in the wall's frame."""


@dataclass(frozen=True)
class Finish:
    """What the walls of one room have in common.

    ``base`` is None or the material of a lower part ``low`` metres high; ``edge`` is the skirting
    board's.
    """

    face: Material
    base: Material | None
    low: float
    edge: Material
    hangings: tuple[Hanging, ...]
    fullness: float


def wall(length: float, height: float, finish: Finish, rng: Rng) -> Prop:
    """Return a wall with what hangs on it."""
    found: Prop = (upright(length, height, finish.face),)
    if finish.base is not None:
        found += moved([box((length, 0.02, finish.low), finish.base)], (0, 0, 0))
        found += moved([box((length, 0.035, 0.05), finish.edge)], (0, 0, finish.low))
    found += (box((length, 0.03, rng.uniform(0.05, 0.14)), finish.edge),)
    x = -length / 2 + rng.uniform(0.1, 0.8)
    while finish.hangings and x < length / 2:
        if rng.random() > finish.fullness:
            x += rng.uniform(0.3, 1.2)
            continue
        width, thing = finish.hangings[int(rng.integers(len(finish.hangings)))](rng, height)
        if x + width < length / 2:
            found += moved(thing, (x + width / 2, 0, 0))
        x += width + rng.uniform(0.05, 0.8)
    return found


def poster(rng: Rng, height: float) -> tuple[float, Prop]:
    """Return a poster, in a frame perhaps."""
    width, tall = rng.uniform((0.25, 0.3), (1.1, 1.2))
    level = rng.uniform(0.9, max(1.0, min(height, 3) - tall - 0.1))
    picture = upright(width, tall, Material(sample_poster(width, tall, rng), gloss=0.05))
    found = moved([picture], (0, -0.02, level))
    if rng.random() < 0.5:
        frame = box((width + 0.06, 0.03, tall + 0.06), hard(rng))
        found += moved([frame], (0, 0, level - 0.03))
    return width + 0.1, found


def papers(rng: Rng, height: float) -> tuple[float, Prop]:
    """Return a notice board with papers, or papers alone."""
    width = rng.uniform(0.6, 1.6)
    cork = Material(Plain(rgb(175, 140, 100) if rng.random() < 0.6 else sample_colour(rng)))
    pinned: Prop = moved([box((width, 0.03, 0.9), cork)], (0, 0, 1.1))
    for x in np.arange(-width / 2 + 0.15, width / 2 - 0.12, 0.26):
        for z in (1.15, 1.55):
            if rng.random() < 0.7:
                sheet = upright(0.21, 0.3, Material(sample_poster(0.21, 0.3, rng)))
                at = (x + rng.uniform(-0.03, 0.03), -0.02, z + rng.uniform(0, 0.1))
                pinned += moved([sheet], at)
    return width + 0.1, pinned


def outlook(rng: Rng, height: float) -> tuple[float, Prop]:
    """Return a window with blurred daylight outside, with curtains or blinds perhaps."""
    width, tall = rng.uniform((0.8, 1.0), (2.2, 1.6))
    outside = Ramp(
        Noise(seed_of(rng), rng.uniform(0.5, 2), 3, 0.5, (1, 0.5, 1)),
        GLOW * np.stack([rgb(120, 140, 110), rgb(220, 228, 238), np.ones(3)]),
    )
    frame = Material(Plain(rgb(*(3 * [rng.uniform(90, 245)]))), gloss=0.1)
    found = moved(window(width, tall, Material(outside), frame), (0, 0, 0.9))
    kind = rng.random()
    if kind < 0.35:
        cloth = fabric(rng)
        for side in (-1, 1):
            part = hung(rng.uniform(0.25, 0.6), tall + 0.7, 0.05, cloth, rng)
            found += moved([part], (side * width / 2, -0.12, 0.4))
        rod = bar(
            (-width / 2 - 0.3, -0.12, tall + 1.1),
            (width / 2 + 0.3, -0.12, tall + 1.1),
            0.015,
            metal(rng),
        )
        found += (rod,)
    elif kind < 0.6:
        slat = Material(Plain(rgb(*(3 * [rng.uniform(150, 235)]))))
        for z in np.arange(1.0 + rng.uniform(0, 0.8), 0.9 + tall, 0.06):
            found += moved([box((0.9 * width, 0.02, 0.035), slat)], (0, -0.06, z))
    return width + 0.8, found


def door(rng: Rng, height: float) -> tuple[float, Prop]:
    """Return a door in its frame."""
    width, tall, leaf, rim = rng.uniform(0.8, 1.1), min(2.05, height - 0.1), hard(rng), hard(rng)
    found = (box((width + 0.16, 0.05, tall + 0.08), rim), box((width, 0.08, tall), leaf))
    handle = moved([box((0.12, 0.05, 0.03), metal(rng))], (0.4 * width, -0.05, 1.0))
    return width + 0.2, found + handle


def drape(rng: Rng, height: float) -> tuple[float, Prop]:
    """Return a long curtain from the ceiling, as in a laboratory."""
    width = rng.uniform(1.2, 4.5)
    dark = Material(Plain(sample_colour(rng) * 0.7), sharpness=5)
    tall = height - rng.uniform(0.05, 0.3)
    part = hung(width, tall, rng.uniform(0.04, 0.1), dark, rng)
    return width, moved([part], (0, -0.15, 0.02))


def board(rng: Rng, height: float) -> tuple[float, Prop]:
    """Return a whiteboard or blackboard with writing."""
    width = rng.uniform(1.2, 2.8)
    writing = sample_poster(width, 1.1, rng)
    pale = rng.random() < 0.7
    ground = np.full(3, 0.85) if pale else rgb(40, 60, 50)
    writing = replace(writing, background=Plain(ground))
    face = moved([upright(width, 1.1, Material(writing, gloss=0.2))], (0, -0.03, 0.95))
    rim = moved([box((width + 0.06, 0.04, 1.16), metal(rng))], (0, 0, 0.92))
    return width + 0.2, face + rim


def pipes(rng: Rng, height: float) -> tuple[float, Prop]:
    """Return upright pipes, and a box with switches."""
    material, count = metal(rng) if rng.random() < 0.6 else hard(rng), int(rng.integers(1, 4))
    found: Prop = ()
    for x in 0.13 * (np.arange(count) - count / 2):
        found += moved([frustum(0.035, 0.035, height, material, 10)], (x, -0.06, 0))
    if rng.random() < 0.6:
        found += moved([box((0.3, 0.12, 0.4), hard(rng))], (0.4, 0, 1.3))
        lead = np.array(
            [[0.4, -0.05, 1.3], [0.42, -0.05, 0.8], [0.3, -0.06, 0.2], [0.6, -0.08, 0.02]]
        )
        found += (tube(lead, 0.012, metal(rng)),)
    return 1.3, found


def hoop(rng: Rng, height: float) -> tuple[float, Prop]:
    """Return a basketball hoop's board, or a sign in bold colours."""
    width = rng.uniform(0.8, 1.8)
    plate = upright(width, 0.6 * width, Material(sample_poster(width, 0.6 * width, rng)))
    level = max(height - 0.6 * width - rng.uniform(0.2, 0.8), 0.5)
    ring = tube(_circle(0.23) + (0, -0.4, level + 0.1), 0.012, Material(Plain(rgb(225, 85, 30))))
    return width + 0.3, (*moved([plate], (0, -0.1, level)), ring)


def lining(rng: Rng) -> Material:
    """Return acoustic foam or panels: dark and rough."""
    return Material(granular(rng, sample_colour(rng) * np.array([[0.2], [0.3], [0.4]]), 0.07))


def _circle(radius: float) -> Floats:
    angle = np.linspace(0, 2 * np.pi, 25)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), 0 * angle], -1)
