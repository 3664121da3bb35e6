"""Places under the sky: ground, sky, and what stands about at a distance."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.surroundings import clutter, finishes, furniture, outdoors
from mvboot.synthetic.studio.surroundings.clearing import SHARE, Clearing, admitted
from mvboot.synthetic.studio.surroundings.finishes import Finish, Rng
from mvboot.synthetic.studio.surroundings.solids import Prop, flat, moved

Floats = NDArray[np.float64]
Builder = Callable[[Rng], Prop]

UNDER = 0.003
"""How much lower in metres a floor is where something lies on it."""


@dataclass(frozen=True)
class Landscape:
    """A kind of place outside.

    Parameters
    ----------
    grounds
        Finishes of the ground.
    paths
        Finishes of a path or court on it.
    near, middle, far
        What stands within 10 m, 10 to 25 m and 25 to 60 m of the cameras, and how many of each.
    counts
        Least and most of each of the three.
    """

    grounds: tuple[Finish, ...]
    paths: tuple[Finish, ...]
    near: tuple[Builder, ...]
    middle: tuple[Builder, ...]
    far: tuple[Builder, ...]
    counts: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


LANDSCAPES = {
    "park": Landscape(
        grounds=(finishes.grass, finishes.grass, finishes.soil),
        paths=(finishes.gravel, finishes.paving, finishes.asphalt),
        near=(outdoors.bush, outdoors.rock, furniture.bench, outdoors.picnic, outdoors.bush),
        middle=(outdoors.tree, outdoors.tree, outdoors.hedge, outdoors.fence, outdoors.goal),
        far=(outdoors.tree, outdoors.tree, outdoors.building),
        counts=((4, 14), (8, 24), (20, 45)),
    ),
    "street": Landscape(
        grounds=(finishes.asphalt, finishes.paving, finishes.concrete),
        paths=(finishes.paving, finishes.asphalt, finishes.grass),
        near=(outdoors.signpost, clutter.cone, clutter.barrel, furniture.bench, outdoors.fence),
        middle=(outdoors.car, outdoors.car, outdoors.lamppost, outdoors.tree, outdoors.building),
        far=(outdoors.building, outdoors.building, outdoors.tree),
        counts=((4, 12), (8, 16), (14, 24)),
    ),
    "yard": Landscape(
        grounds=(finishes.gravel, finishes.paving, finishes.grass, finishes.soil),
        paths=(finishes.concrete, finishes.boards, finishes.soil),
        near=(clutter.crate, clutter.barrel, clutter.pot, outdoors.bush, outdoors.picnic),
        middle=(outdoors.fence, outdoors.fence, outdoors.hedge, outdoors.tree, outdoors.building),
        far=(outdoors.tree, outdoors.building, outdoors.tree),
        counts=((5, 16), (12, 26), (20, 45)),
    ),
}


def sample_landscape(rng: Rng, clearing: Clearing, kind: Landscape) -> Prop:
    """Return a place outside about a clearing."""
    ground = kind.grounds[int(rng.integers(len(kind.grounds)))](rng)
    side = 2 * outdoors.SKY_RADIUS
    fixed = moved([flat(side, side, ground)], (0, 0, -UNDER)) + outdoors.sky(rng)
    if rng.random() < 0.7:
        path = kind.paths[int(rng.integers(len(kind.paths)))](rng)
        strip = flat(side, rng.uniform(1.2, 6), path)
        fixed += moved([strip], (0, rng.uniform(-4, 4), 0), rng.uniform(0, np.pi))
    edge = float(np.linalg.norm(clearing.all_centers[:, :2], axis=1).max())
    bands = ((clearing.radius + 0.6, edge + 10), (edge + 3, edge + 22), (edge + 22, 70.0))
    props: list[Prop] = []
    for builders, (least, most), band in zip(
        (kind.near, kind.middle, kind.far), kind.counts, bands, strict=True
    ):
        for _ in range(int(rng.integers(least, most + 1))):
            prop = builders[int(rng.integers(len(builders)))](rng)
            props.append(_about(rng, prop, *band))
    for _ in range(int(rng.integers(4, 20))):
        fixed += _about(rng, outdoors.hill(rng), 74, 84)
    kept = admitted(props + clearing.tripods(rng), clearing, SHARE)
    return sum(kept, fixed)


def _about(rng: Rng, prop: Prop, near: float, far: float) -> Prop:
    """Return a prop somewhere in a ring about the origin, its front to the middle, roughly."""
    away, angle = np.sqrt(rng.uniform(near**2, far**2)), rng.uniform(0, 2 * np.pi)
    at = (away * np.cos(angle), away * np.sin(angle), 0)
    return moved(prop, at, angle - np.pi / 2 + rng.normal(0, 0.3))
