"""Scarves, hoods and visors: small things built about neck and head."""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.appearance.garment import Cloth, hemmed
from mvboot.synthetic.studio.appearance.lofts import (
    Followed,
    circle,
    joined,
    outline,
    tube,
    tube_faces,
)
from mvboot.synthetic.studio.appearance.tailor import Tailor

Floats = NDArray[np.float64]

AROUND = 44
VISOR_LENGTH, VISOR_DROP, VISOR_HALF = 0.075, 0.022, 1.05
"""Metres forward and down, and half the angle in radians about the head, of a cap's visor."""


def neck_tube(
    tailor: Tailor,
    radius: float,
    across: tuple[float, float],
    high: tuple[float, float],
    slope: float,
    ridge: float,
) -> Cloth:
    """Return a thick ring around the neck; its half axes are given for (front, back).

    ``slope`` is how much higher than its front the back lies, metres; ``ridge`` how deep
    its folds are, as a share of its thickness.
    """
    mannequin = tailor.mannequin
    neck = tailor.head("neck1")
    near = np.linalg.norm(mannequin.mean - neck, axis=1) < 0.16
    shift = (mannequin.rest - mannequin.mean)[near].mean(0)
    around = circle(AROUND)
    outward = np.concatenate([around, np.zeros((AROUND, 1))], axis=1)
    back = 0.5 + 0.5 * around[:, 1]
    wide, tall = (a + (b - a) * back**1.5 for a, b in (across, high))
    path = neck + shift + (radius + 0.6 * wide)[:, None] * outward
    path[:, 2] += slope * (back - 0.6) + 0.012
    vertices = tube(path, outward, wide, tall, ridge)
    faces = tube_faces(AROUND)
    return Followed.of(mannequin, vertices, near).cloth(vertices, faces)


def visor(tailor: Tailor, field: Floats, room: float) -> Cloth:
    """Return the visor of a cap whose rim is where a field (V,) is zero."""
    mannequin = tailor.mannequin
    rim = mannequin.rest[np.abs(field) < 0.012]
    skull = mannequin.rest[field > -0.012]
    middle = 0.5 * (skull.min(0) + skull.max(0))
    angle = -np.pi / 2 + VISOR_HALF * np.linspace(-1, 1, 17)
    ways = np.stack([np.cos(angle), np.sin(angle)], -1)
    reach = outline(rim[:, :2], middle[:2], ways) + room
    front = float(rim[rim[:, 1] < np.quantile(rim[:, 1], 0.25), 2].mean())
    inner = np.concatenate([middle[:2] + reach[:, None] * ways, np.full((17, 1), front)], axis=1)
    bow = np.cos((angle + np.pi / 2) / VISOR_HALF * np.pi / 2)
    rings = []
    for share in (1.0, 0.66, 0.33, 0.0):
        ring = inner + [0, 0, 0.004]
        ring[:, 1] -= VISOR_LENGTH * share * np.sqrt(bow)
        ring[:, 2] -= VISOR_DROP * share**1.5 + 0.012 * (1 - bow)
        rings.append(ring)
    vertices = np.concatenate(rings)
    flat = Followed.of(mannequin, vertices, field > -0.03)
    return hemmed(flat.cloth(vertices, joined(4, 17, closed=False)), 0.004)
