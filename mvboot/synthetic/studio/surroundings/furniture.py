"""Furniture of rooms: sampled props about the z axis on z = 0, in metres.

Their front looks along -y and their back, at +y, may stand against a wall.
"""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.material import Material
from mvboot.synthetic.studio.surroundings.clutter import bottle, crate, monitor, parcel, pot
from mvboot.synthetic.studio.surroundings.finishes import (
    Rng,
    cardboard,
    fabric,
    hard,
    metal,
    timber,
)
from mvboot.synthetic.studio.surroundings.solids import (
    Prop,
    bar,
    box,
    ellipsoid,
    frustum,
    hung,
    moved,
    upright,
)
from mvboot.synthetic.studio.textures.coloured import Plain
from mvboot.synthetic.studio.textures.colours import rgb, sample_palette
from mvboot.synthetic.studio.textures.posters import sample_poster

Floats = NDArray[np.float64]


# --- standing against walls ---------------------------------------------------------------------


def shelf(rng: Rng) -> Prop:
    """Return a shelf with books and boxes."""
    width, depth = rng.uniform(0.6, 1.8), rng.uniform(0.25, 0.4)
    height, frame = rng.uniform(0.8, 2.2), hard(rng)
    levels = np.arange(0.08, height, rng.uniform(0.28, 0.42))
    parts: list[Prop] = [
        moved([box((0.03, depth, height), frame)], (side * width / 2, 0, 0)) for side in (-1, 1)
    ]
    books = sample_palette(rng, 8)
    for level in levels:
        parts.append(moved([box((width, depth, 0.025), frame)], (0, 0, level)))
        parts.append(moved(_row(width - 0.06, depth, books, rng), (0, 0, level + 0.025)))
    return sum(parts, moved([box((width, 0.01, height), frame)], (0, depth / 2, 0)))


def _row(width: float, depth: float, colours: Floats, rng: Rng) -> Prop:
    """Return books, or a box, along a board from one side of it."""
    if rng.random() < 0.2:
        size = rng.uniform(0.15, 0.25, 3) * (1.5, 1, 1)
        return moved([box(size, cardboard(rng))], (rng.uniform(-0.2, 0.2) * width, 0, 0))
    x, parts = -width / 2, []
    stop = width / 2 * rng.uniform(-0.3, 1)
    materials = [Material(Plain(colour)) for colour in colours]
    while x < stop:
        thick, tall = rng.uniform(0.02, 0.07), rng.uniform(0.17, 0.26)
        book = box((thick, depth * rng.uniform(0.6, 0.8), tall), materials[rng.integers(8)])
        parts.append(moved([book], (x + thick / 2, -0.02, 0)))
        x += thick + 0.002
    return sum(parts, ())


def cupboard(rng: Rng) -> Prop:
    """Return a cupboard or chest of drawers."""
    width, depth, height = rng.uniform((0.5, 0.4, 0.6), (1.4, 0.6, 2.1))
    body, knobs = hard(rng), metal(rng)
    columns, rows = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    parts: list[Prop] = [(box((width, depth, height), body),)]
    wide, tall = width / columns, (height - 0.08) / rows
    for column in range(columns):
        for row in range(rows):
            x, z = (column + 0.5) * wide - width / 2, 0.06 + row * tall
            door = box((wide - 0.015, 0.02, tall - 0.015), body)
            parts.append(moved([door], (x, -depth / 2 - 0.008, z)))
            knob = box((0.08, 0.02, 0.015), knobs)
            parts.append(moved([knob], (x, -depth / 2 - 0.03, z + 0.6 * tall)))
    return sum(parts, ())


def sofa(rng: Rng) -> Prop:
    """Return a sofa or armchair with cushions."""
    width, cloth, other = rng.uniform(0.8, 2.2), fabric(rng), fabric(rng)
    parts = [
        *moved([box((width, 0.8, 0.28), cloth)], (0, 0, 0.08)),
        *moved([box((width, 0.22, 0.55), cloth)], (0, 0.3, 0.3)),
    ]
    for side in (-1, 1):
        parts += moved([box((0.18, 0.8, 0.5), cloth)], (side * width / 2, 0, 0.08))
    for x in np.arange(-width / 2 + 0.35, width / 2 - 0.2, 0.6):
        parts += moved([ellipsoid((0.22, 0.1, 0.2), other)], (x, 0.05, 0.33), rng.normal(0, 0.2))
    return tuple(parts)


def radiator(rng: Rng) -> Prop:
    """Return a radiator."""
    white = Material(Plain(rgb(*(3 * [rng.uniform(190, 240)]))), gloss=0.2)
    width, height = rng.uniform(0.5, 1.6), rng.uniform(0.4, 0.9)
    ribs = [
        moved([box((0.045, 0.1, height), white)], (x, 0, 0.12))
        for x in np.arange(-width / 2, width / 2, 0.06)
    ]
    return sum(ribs, ())


def ladder(rng: Rng) -> Prop:
    """Return wall bars or a ladder."""
    width, height, wood = rng.uniform(0.4, 1.0), rng.uniform(1.8, 2.6), hard(rng)
    parts = [box((0.05, 0.1, height), wood), box((0.05, 0.1, height), wood)]
    found = moved(parts[:1], (-width / 2, 0, 0)) + moved(parts[1:], (width / 2, 0, 0))
    for z in np.arange(0.15, height, rng.uniform(0.14, 0.3)):
        found += (bar((-width / 2, 0, z), (width / 2, 0, z), 0.018, wood),)
    return found


def lockers(rng: Rng) -> Prop:
    """Return a row of lockers in one or several colours."""
    colours = sample_palette(rng, 3)
    paints = [Material(Plain(colour), gloss=0.2) for colour in colours]
    dark = Material(Plain(colours[0] * 0.2))
    found: Prop = ()
    for i in range(int(rng.integers(2, 6))):
        door = box((0.38, 0.5, 1.8), paints[int(rng.integers(3))])
        slot = box((0.2, 0.02, 0.1), dark)
        found += moved((door,), (0.4 * i, 0, 0)) + moved((slot,), (0.4 * i, -0.25, 1.5))
    return moved(found, (-0.4, 0, 0))


# --- standing about -----------------------------------------------------------------------------


def table(rng: Rng) -> Prop:
    """Return a table or desk with things on it."""
    width, depth, height = rng.uniform((0.6, 0.5, 0.45), (1.8, 0.9, 0.8))
    top, legs = hard(rng), hard(rng)
    found = moved([box((width, depth, 0.04), top)], (0, 0, height - 0.04))
    for x in (-0.46, 0.46):
        for y in (-0.44, 0.44):
            leg = box((0.05, 0.05, height - 0.04), legs)
            found += moved([leg], (x * width, y * depth, 0))
    for x in rng.uniform(-0.4, 0.4, int(rng.integers(0, 5))):
        thing = (monitor, parcel, pot, crate, bottle)[int(rng.integers(5))](rng)
        found += moved(
            thing, (x * width, rng.uniform(-0.2, 0.3) * depth, height), rng.normal(0, 0.4)
        )
    return found


def chair(rng: Rng) -> Prop:
    """Return a chair or a stool."""
    seat, legs = fabric(rng) if rng.random() < 0.4 else hard(rng), hard(rng)
    width, height = rng.uniform(0.38, 0.5), rng.uniform(0.42, 0.5)
    found = moved([box((width, width, 0.05), seat)], (0, 0, height - 0.05))
    for x in (-0.45, 0.45):
        for y in (-0.45, 0.45):
            tall = height + (0.4 if y > 0 else -0.05)
            found += moved([box((0.035, 0.035, tall), legs)], (x * width, y * width, 0))
    back = box((width, 0.03, rng.uniform(0.12, 0.4)), seat)
    return found + moved([back], (0, 0.45 * width, height + 0.05))


def stool(rng: Rng) -> Prop:
    """Return a round stool."""
    height, legs = rng.uniform(0.4, 0.75), hard(rng)
    found = moved([frustum(0.17, 0.17, 0.05, fabric(rng))], (0, 0, height - 0.05))
    for angle in np.arange(4) * np.pi / 2:
        x, y = np.cos(angle), np.sin(angle)
        top = (0.1 * x, 0.1 * y, height - 0.05)
        found += (bar((0.2 * x, 0.2 * y, 0), top, 0.015, legs),)
    return found


def bench(rng: Rng) -> Prop:
    """Return a low bench."""
    width, seat, legs = rng.uniform(1.0, 2.5), timber(rng), hard(rng)
    found: Prop = ()
    for y in (-0.13, 0.0, 0.13):
        found += moved([box((width, 0.11, 0.04), seat)], (0, y, 0.42))
    for x in (-0.4, 0.4):
        found += moved([box((0.06, 0.36, 0.42), legs)], (x * width, 0, 0))
    return found


def partition(rng: Rng) -> Prop:
    """Return a folding screen or display board."""
    width, height = rng.uniform(0.7, 1.4), rng.uniform(1.4, 2.0)
    panel = fabric(rng) if rng.random() < 0.5 else Material(sample_poster(width, height, rng))
    side = upright(width, height - 0.1, panel)
    return moved([side], (0, 0, 0.1)) + moved([side], (0.9 * width, 0.3, 0.1), 0.6)


def rail(rng: Rng) -> Prop:
    """Return clothes or cloth hung on a rail."""
    width, height, steel = rng.uniform(0.7, 1.6), rng.uniform(1.3, 1.9), metal(rng)
    found: Prop = (bar((-width / 2, 0, height), (width / 2, 0, height), 0.015, steel),)
    for x in (-width / 2, width / 2):
        found += (bar((x, 0, 0), (x, 0, height), 0.015, steel),)
    for x in np.arange(-width / 2 + 0.1, width / 2 - 0.1, 0.16):
        if rng.random() < 0.8:
            tall = rng.uniform(0.5, 0.9)
            cloth = hung(rng.uniform(0.35, 0.5), tall, 0.04, fabric(rng), rng)
            found += moved([cloth], (x, 0, height - tall), np.pi / 2 + rng.normal(0, 0.2))
    return found
