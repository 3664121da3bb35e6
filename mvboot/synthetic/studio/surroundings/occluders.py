"""Things between a camera and the subject, which hide a part of it from some cameras."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mvboot.mesh.raycast import RayCaster
from mvboot.rig import Rig
from mvboot.synthetic.studio.material import Surface
from mvboot.synthetic.studio.surroundings import clutter, furniture
from mvboot.synthetic.studio.surroundings.clearing import MARGIN, NEAR, Clearing, footprint
from mvboot.synthetic.studio.surroundings.finishes import Rng, bark, fabric, hard
from mvboot.synthetic.studio.surroundings.solids import (
    Prop,
    frustum,
    hung,
    joined,
    mesh_of,
    moved,
    transformed,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST, MOST = 0.05, 0.3
"""Share of the subject's area that a camera with something before it may lose."""

TRIES = 30
"""Places tried for each thing."""


def pole(rng: Rng) -> Prop:
    """Return a pole or column."""
    radius = rng.uniform(0.03, 0.14)
    return (frustum(radius, radius, rng.uniform(1.6, 3.0), hard(rng), 18),)


def trunk(rng: Rng) -> Prop:
    """Return the trunk of a tree."""
    return (frustum(rng.uniform(0.1, 0.18), 0.07, rng.uniform(2.2, 3.5), bark(rng), 12),)


def curtain(rng: Rng) -> Prop:
    """Return a strip of curtain or a banner."""
    width, height = rng.uniform(0.3, 0.8), rng.uniform(1.2, 2.4)
    return moved([hung(width, height, 0.05, fabric(rng), rng)], (0, 0, rng.uniform(0, 0.5)))


OCCLUDERS: tuple[Callable[[Rng], Prop], ...] = (
    pole,
    pole,
    trunk,
    curtain,
    furniture.chair,
    furniture.table,
    furniture.rail,
    furniture.partition,
    clutter.pot,
    clutter.parcel,
    clutter.softbox,
    clutter.lamp,
    clutter.barrel,
)


def sample_occluders(
    rng: Rng, rig: Rig, area_radius: float, count: int, height: float = 1.8
) -> tuple[Surface, ...]:
    """Return up to ``count`` things that stand outside the subject's area, before a camera each.

    The camera loses at least 5 % of the places in the area that lie in its picture, and none more
    than 30 % to all things together; a place in two pictures or more stays clear in one at least.
    Fewer are returned where the cameras stand too near or too high for more.

    Parameters
    ----------
    rng
        Decides everything.
    rig
        Cameras, still or moving; z up, the floor at z = 0.
    area_radius
        Metres about the origin that the subject needs.
    count
        How many things are wanted.
    height
        Of the subject in metres.
    """
    clearing, scale = Clearing.of(rig.in_units("m"), area_radius, height).to_persons()
    hidden = np.zeros_like(clearing.seen)
    found: list[Prop] = []
    for _ in range(TRIES * count):
        if len(found) == count:
            break
        pose = int(rng.integers(len(clearing.centers)))
        prop = _before(rng, clearing, pose)
        if prop is None or clearing.too_near([prop])[0]:
            continue
        alone = clearing.hidden(RayCaster(*mesh_of(prop)[:2]))
        both = hidden | alone
        if _fits(clearing, alone, both, int(clearing.camera[pose])):
            found.append(prop)
            hidden = both
    return joined(transformed(sum(found, ()), scale * np.eye(3), np.zeros(3)))


def _before(rng: Rng, clearing: Clearing, pose: int) -> Prop | None:
    """Return something between a camera and the area, or None where there is no room for it."""
    prop = OCCLUDERS[int(rng.integers(len(OCCLUDERS)))](rng)
    _, reach = footprint(prop)
    way = clearing.centers[pose, :2]
    distance = float(np.linalg.norm(way))
    least, most = clearing.radius + MARGIN + reach, distance - NEAR - 0.3 * reach
    if most <= least:
        return None
    away = rng.uniform(least, most)
    aside = rng.uniform(-0.8, 0.8) * clearing.radius * (1 - away / distance)
    ahead = way / distance
    at = away * ahead + aside * np.array([-ahead[1], ahead[0]])
    facing = float(np.arctan2(ahead[1], ahead[0]))
    return moved(prop, (*at, 0), facing + np.pi / 2 + rng.normal(0, 0.5))


def _fits(clearing: Clearing, alone: Bools, both: Bools, camera: int) -> bool:
    """Tell whether a camera loses enough, none too much, and no place to all cameras."""
    if clearing.shares(alone)[camera] < LEAST or clearing.shares(both).max() > MOST:
        return False
    count = int(clearing.camera.max()) + 1
    rows = [clearing.camera == c for c in range(count)]
    seen = np.stack([clearing.seen[row].any(0) for row in rows])
    lost = np.stack([both[row].any(0) for row in rows])
    return bool((((seen & ~lost).sum(0) >= 1) | (seen.sum(0) < 2)).all())
