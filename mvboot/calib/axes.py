"""Axes of a world from directions in the scene: up exact, the others level with the floor."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.rig import UP_AXES

Floats = NDArray[np.float64]

ON_A_LINE = 0.01
"""Spread across over spread along, below which points count as lying on one line."""


def axes_along(directions: Mapping[str, Floats], upward: Floats, up: str) -> Floats:
    """Return orthonormal, right-handed axes (3, 3) as rows.

    The axis that ``up`` names points along ``upward`` (3,); the first of the directions ("x", "y",
    "z" to (3,)) is projected into the floor. InputError where it is the axis of up, or parallel
    to it.
    """
    which, sign = up_axis(up)
    if "xyz"[which] in directions:
        raise InputError(f"{'xyz'[which]} is the axis of up ({up}); give a direction of the floor")
    axes = np.zeros((3, 3))
    axes[which] = sign * upward / np.linalg.norm(upward)
    first = "xyz".index(next(iter(directions)))
    given = directions["xyz"[first]]
    flat = given - (given @ axes[which]) * axes[which]
    if np.linalg.norm(flat) <= ON_A_LINE * np.linalg.norm(given):
        raise InputError(f"the direction of {'xyz'[first]} is that of up; no floor follows from it")
    axes[first] = flat / np.linalg.norm(flat)
    last = 3 - which - first
    axes[last] = np.cross(axes[(last + 1) % 3], axes[(last + 2) % 3])
    return axes


def axes_off(axes: Floats, directions: Mapping[str, Floats]) -> dict[str, float]:
    """Return how far each given direction is from its axis, in degrees; refuse opposite ones."""
    off = {}
    for name, direction in directions.items():
        cosine = direction @ axes["xyz".index(name)] / np.linalg.norm(direction)
        if cosine <= 0:
            raise InputError(
                f"{' and '.join(directions)} with up make a left-handed world: {name} points the "
                "other way; swap its two points or leave it out"
            )
        off[name] = float(np.degrees(np.arccos(min(cosine, 1.0))))
    return off


def floor_plane(points: Floats, cameras: Floats) -> tuple[Floats, Floats]:
    """Return a point (3,) of the plane nearest to points (n, 3), and its unit normal (3,).

    The normal is on the side of most cameras, given by their centres (C, 3). InputError for points
    on one line, and for as many cameras on either side.
    """
    if on_a_line(points):
        raise InputError("the floor's points lie on one line; add one beside it")
    middle = points.mean(0)
    normal = np.linalg.svd(points - middle)[2][2]
    side = np.sign((cameras - middle) @ normal).sum()
    if side == 0:
        raise InputError(
            "as many cameras are above the floor as below it; give up: [from, to] instead of floor"
        )
    return middle, side / abs(side) * normal


def on_a_line(points: Floats) -> bool:
    """Whether points (n, 3) lie so nearly on one line that no plane follows from them."""
    spread = np.linalg.svd(points - points.mean(0), compute_uv=False)
    return bool(spread[1] <= ON_A_LINE * spread[0])


def up_axis(up: str) -> tuple[int, float]:
    """Return which axis points up and the sign of that direction; InputError for an unknown one."""
    if up not in UP_AXES:
        raise InputError(f"up must be one of {', '.join(UP_AXES)}, got {up!r}")
    return "xyz".index(up[-1]), -1.0 if up.startswith("-") else 1.0
