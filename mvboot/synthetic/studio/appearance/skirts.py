"""Skirts: folded rings around both legs, wider downwards, that swing with pelvis and thighs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.studio.appearance.garment import Cloth, hemmed, sparse_rows
from mvboot.synthetic.studio.appearance.lofts import Followed, circle, joined, outline, strewn
from mvboot.synthetic.studio.appearance.tailor import Tailor

Floats = NDArray[np.float64]

AROUND, STEP = 72, 0.03
BAND = 0.02
"""Half the height of the slice of the body that a ring goes around."""
HEM = 0.02
SHIN = 0.6
"""How much what hangs below the knees follows the shins."""
MIDDLE = 0.07
"""Half the width in metres over which a skirt passes from one leg to the other."""


@dataclass(frozen=True)
class SkirtCut:
    """How a skirt is made.

    ``waist`` and ``hem`` are heights on the mean body, ``room`` the least distance from the body,
    ``flare`` how much wider it gets in each metre down, ``folds`` how many, ``depth`` how deep in
    metres at the hem, ``phase`` where the first fold is, in radians.
    """

    waist: float
    hem: float
    room: float
    flare: float
    folds: int
    depth: float
    phase: float


def skirt(tailor: Tailor, cut: SkirtCut) -> Cloth:
    """Return a skirt for a mannequin."""
    mannequin = tailor.mannequin
    own = tailor.arms < 0.3
    faces = mannequin.template.faces
    body, mean = (strewn(points, faces, own) for points in (mannequin.rest, mannequin.mean))
    directions = circle(AROUND)
    levels = np.linspace(cut.hem, cut.waist, max(4, int((cut.waist - cut.hem) / STEP)))
    angle = 2 * np.pi * np.arange(AROUND) / AROUND
    wave = np.cos(cut.folds * angle + cut.phase + 0.8 * np.sin(2 * angle + 3 * cut.phase))
    widest, rings = np.zeros(AROUND), []
    for level in levels[::-1]:
        slab = body[np.abs(mean[:, 2] - level) < BAND]
        middle = slab[:, :2].mean(0) * [0, 1]
        drop = cut.waist - level
        reach = outline(slab[:, :2], middle, directions) + cut.room
        widest = np.maximum(reach, widest + cut.flare * STEP)
        deep = cut.depth * drop / (cut.waist - cut.hem)
        ring = middle + (widest + deep * (0.6 + wave))[:, None] * directions
        rings.append(np.concatenate([ring, np.full((AROUND, 1), slab[:, 2].mean())], axis=1))
    vertices = np.concatenate(rings[::-1])
    vertices[:, 2] = np.repeat(_rising(vertices[::AROUND, 2]), AROUND)
    cloth = Followed.of(mannequin, vertices, own).cloth(vertices, joined(len(levels), AROUND))
    return hemmed(cloth._replace(weights=sparse_rows(_weights(tailor, cloth.places))), HEM)


def _rising(heights: Floats) -> Floats:
    """Return the same first and last height with even steps between."""
    return np.linspace(heights[0], heights[-1], len(heights))


def _weights(tailor: Tailor, places: Floats) -> Floats:
    """Return skin weights (N, B): pelvis above, thighs below it, shins below the knees."""
    skeleton = tailor.mannequin.template.skeleton
    assert skeleton is not None
    hip, knee = tailor.head("thigh_left")[2], tailor.head("shin_left")[2]
    leg = _smooth((hip + 0.06 - places[:, 2]) / 0.16)
    shin = SHIN * _smooth((knee + 0.05 - places[:, 2]) / 0.2)
    left = _smooth(0.5 + places[:, 0] / (2 * MIDDLE))
    weights = np.zeros((len(places), len(skeleton.names)))
    weights[:, skeleton.index("pelvis")] = 1 - leg
    for side, share in (("left", left), ("right", 1 - left)):
        weights[:, skeleton.index(f"thigh_twist_{side}")] = leg * (1 - shin) * share
        weights[:, skeleton.index(f"shin_{side}")] = leg * shin * share
    return weights


def _smooth(share: Floats) -> Floats:
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
