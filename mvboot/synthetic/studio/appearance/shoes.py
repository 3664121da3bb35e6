"""Shoes: convex outlines of the foot stacked from the sole to the ankle, so that no toe shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.appearance.garment import Cloth, hemmed
from mvboot.synthetic.studio.appearance.lofts import (
    Followed,
    capped,
    circle,
    joined,
    outline,
    strewn,
)
from mvboot.synthetic.studio.appearance.tailor import Tailor

Floats = NDArray[np.float64]

AROUND = 32
SOLE = 0.022
"""Height of the sole in metres; the foot stands in it, so that shoes meet the floor too."""
STEPS = (0.0, 0.15, 0.5, 0.93, 1.0)
EDGES = (-0.003, 0.003, 0.005, 0.004, 0.0)
"""Of the sole: heights as a share of it, and how far it stands out over the upper."""
TOE_BOX = 0.45
"""Outlines above the sole are those of the foot at this share of their height."""
INSTEP = 0.075
"""Height in metres below which higher parts of the foot widen an outline too."""
SLICE = 0.014
SMOOTH = (0.25, 0.5, 0.25)
HEM = 0.012
LACES, LACE_STEP, LACES_ASIDE = (-0.115, -0.04), 0.014, 0.006
"""From where to where forward laces run, how far apart, and how far outside the ankle; metres."""


@dataclass(frozen=True)
class Laces:
    """1 on bars across the instep of both shoes, on the mean rest pose; 0 elsewhere.

    ``aside`` is how far the foot is from the middle, metres.
    """

    aside: float

    def __call__(self, places: Floats) -> Floats:
        """Return the field (N,) at places (N, 3)."""
        across = np.abs(np.abs(places[:, 0]) - self.aside - LACES_ASIDE)
        y, z = places[:, 1], places[:, 2]
        bars = (y / LACE_STEP) % 1 < 0.45
        within = (across < 0.022) & (y > LACES[0]) & (y < LACES[1]) & (z > 0.045)
        return np.asarray(within & bars, dtype=np.float64)


def shoe(tailor: Tailor, side: str, top: float, room: float) -> Cloth:
    """Return a shoe up to ``top`` metres above the floor with ``room`` around the foot."""
    mannequin = tailor.mannequin
    own = tailor.follows(f"foot_{side}", f"toes_{side}", f"shin_{side}", f"shin_twist_{side}") > 0.5
    foot = strewn(mannequin.rest, mannequin.template.faces, own)
    floor = float(foot[:, 2].min())
    above = foot[:, 2] - floor
    heel = foot[above < INSTEP]
    directions = circle(AROUND)
    ankle = foot[(above > 0.055) & (above < 0.1)][:, :2]
    middle = 0.5 * (ankle.min(0) + ankle.max(0))
    levels = np.linspace(SOLE + 0.003, top, max(5, int(top / 0.013)))
    rings = [
        _ring(heel[:, :2], middle, directions, room + edge, floor + SOLE * step)
        for step, edge in zip(STEPS, EDGES, strict=True)
    ]
    for level in levels:
        low = min(SOLE + (level - SOLE) * TOE_BOX, INSTEP) if level < INSTEP else level
        within = foot[(above > low - SLICE) & (above < max(level, INSTEP) + SLICE)]
        rings.append(_ring(within[:, :2], middle, directions, room - 0.001, floor + level))
    vertices = _evened(np.stack(rings)).reshape(-1, 3)
    below = np.array([[*vertices[:AROUND, :2].mean(0), floor]])
    faces = capped(joined(len(rings), AROUND), np.arange(AROUND)[::-1], len(vertices))
    vertices = np.concatenate([vertices, below])
    return hemmed(Followed.of(mannequin, vertices, own).cloth(vertices, faces), HEM)


def _ring(points: Floats, middle: Floats, directions: Floats, room: float, z: float) -> Floats:
    """Return the outline (M, 3) of points (N, 2) at a height, with room around it."""
    reach = outline(points, middle, directions)
    ring = middle + reach[:, None] * directions
    way = np.roll(ring, -1, 0) - np.roll(ring, 1, 0)
    out = np.stack([way[:, 1], -way[:, 0]], -1)
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    return np.concatenate([ring + room * out, np.full((len(ring), 1), z)], axis=1)


def _evened(rings: Floats) -> Floats:
    """Smooth the upper (K, M, 3) from ring to ring; the sole stays."""
    first = len(STEPS)
    for _ in range(2):
        low, own, high = rings[first - 1 : -2], rings[first:-1], rings[first + 1 :]
        rings[first:-1, :, :2] = (SMOOTH[0] * low + SMOOTH[1] * own + SMOOTH[2] * high)[..., :2]
    return rings
