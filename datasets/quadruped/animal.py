"""A dog-like animal in metres, z up, facing -y: bones, flesh, parts. Its left side; x > 0."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bone:
    """One bone of the middle or of the left side."""

    name: str
    parent: str | None
    head: tuple[float, float, float]
    tail: tuple[float, float, float]
    radii: tuple[float, float]
    limits: tuple[tuple[float, float], ...]
    part: str
    squash: float = 1.0
    sided: bool = False


TRUNK = ((-12, 12), (-12, 12), (-15, 15))
NECK = ((-35, 35), (-20, 20), (-30, 30))
TAIL = ((-35, 35), (-5, 5), (-40, 40))
FREE = ((-180, 180),) * 3

MIDDLE = (
    Bone("pelvis", None, (0, 0.20, 0.49), (0, 0.10, 0.50), (0.08, 0.08), FREE, "rump"),
    Bone("spine1", "pelvis", (0, 0.10, 0.50), (0, 0, 0.50), (0.085, 0.085), TRUNK, "belly"),
    Bone("spine2", "spine1", (0, 0, 0.50), (0, -0.10, 0.49), (0.088, 0.1), TRUNK, "belly"),
    Bone("chest", "spine2", (0, -0.10, 0.49), (0, -0.23, 0.47), (0.11, 0.095), TRUNK, "chest", 0.9),
    Bone("neck1", "chest", (0, -0.22, 0.52), (0, -0.29, 0.61), (0.062, 0.052), NECK, "neck"),
    Bone("neck2", "neck1", (0, -0.29, 0.61), (0, -0.35, 0.69), (0.052, 0.05), NECK, "neck"),
    Bone("head", "neck2", (0, -0.35, 0.69), (0, -0.44, 0.705), (0.056, 0.05), NECK, "head"),
    Bone("tail1", "pelvis", (0, 0.27, 0.52), (0, 0.36, 0.49), (0.036, 0.032), TAIL, "tail"),
    Bone("tail2", "tail1", (0, 0.36, 0.49), (0, 0.44, 0.43), (0.032, 0.029), TAIL, "tail"),
    Bone("tail3", "tail2", (0, 0.44, 0.43), (0, 0.51, 0.36), (0.029, 0.024), TAIL, "tail"),
)

LEFT = (
    Bone(
        "ear",
        "head",
        (0.04, -0.36, 0.74),
        (0.055, -0.345, 0.815),
        (0.022, 0.012),
        ((-25, 25), (-25, 25), (-25, 25)),
        "head",
        0.7,
        True,
    ),
    Bone(
        "foreleg_upper",
        "chest",
        (0.085, -0.20, 0.43),
        (0.085, -0.13, 0.30),
        (0.055, 0.037),
        ((-45, 45), (-10, 10), (-12, 15)),
        "foreleg_upper",
        0.8,
        True,
    ),
    Bone(
        "foreleg_lower",
        "foreleg_upper",
        (0.085, -0.13, 0.30),
        (0.085, -0.165, 0.11),
        (0.035, 0.025),
        ((-90, 25), (-8, 8), (-4, 4)),
        "foreleg_lower",
        1.0,
        True,
    ),
    Bone(
        "forefoot",
        "foreleg_lower",
        (0.085, -0.165, 0.11),
        (0.085, -0.215, 0.028),
        (0.025, 0.028),
        ((-25, 80), (-5, 5), (-8, 8)),
        "foreleg_lower",
        1.0,
        True,
    ),
    Bone(
        "thigh",
        "pelvis",
        (0.075, 0.21, 0.46),
        (0.09, 0.16, 0.30),
        (0.075, 0.05),
        ((-45, 40), (-10, 10), (-12, 20)),
        "thigh",
        0.75,
        True,
    ),
    Bone(
        "shank",
        "thigh",
        (0.09, 0.16, 0.30),
        (0.09, 0.265, 0.165),
        (0.045, 0.025),
        ((-30, 80), (-5, 5), (-4, 4)),
        "shank",
        1.0,
        True,
    ),
    Bone(
        "hock",
        "shank",
        (0.09, 0.265, 0.165),
        (0.09, 0.245, 0.06),
        (0.025, 0.023),
        ((-70, 30), (-5, 5), (-4, 4)),
        "shank",
        1.0,
        True,
    ),
    Bone(
        "hindfoot",
        "hock",
        (0.09, 0.245, 0.06),
        (0.09, 0.19, 0.028),
        (0.025, 0.027),
        ((-40, 50), (-5, 5), (-8, 8)),
        "shank",
        1.0,
        True,
    ),
)
"""Positive bend turns about the animal's left (x): what points up goes forward, what points
down goes backward."""

FLESH = (
    ("head", (0, -0.43, 0.69), (0, -0.545, 0.665), (0.042, 0.03), 0.95),
    ("head", (0.02, -0.36, 0.70), (0.02, -0.39, 0.70), (0.052, 0.05), 1.0),
    ("chest", (0, -0.19, 0.43), (0, -0.06, 0.42), (0.085, 0.085), 0.95),
    ("spine1", (0, 0.02, 0.45), (0, 0.12, 0.475), (0.08, 0.07), 0.95),
    ("pelvis", (0.035, 0.20, 0.47), (0.04, 0.24, 0.47), (0.075, 0.065), 1.0),
    ("pelvis", (0, 0.20, 0.51), (0, 0.27, 0.52), (0.07, 0.03), 1.0),
    ("chest", (0.05, -0.19, 0.46), (0.06, -0.16, 0.38), (0.07, 0.055), 0.9),
)
"""Cones that belong to a bone without being one: muzzle, skull, ribs, belly, muscles."""

HALF_PARTS = (
    *("head", "neck", "chest", "belly", "rump", "tail", "foreleg_upper", "foreleg_lower"),
    *("thigh", "shank"),
)
SPLIT = {
    "chest": (1, -0.19, ("rear", "front")),
    **{name: (0, 0.085, ("outer", "inner")) for name in ("foreleg_upper", "foreleg_lower")},
    **{name: (0, 0.09, ("outer", "inner")) for name in ("thigh", "shank")},
}
"""Parts cut in two across an axis at a coordinate: legs, and the chest with its hole for one."""


def part_names():
    """Return the names of the parts of both sides, left before right."""
    half = [
        f"{part}_{end}" if end else part
        for part in HALF_PARTS
        for end in (SPLIT[part][2] if part in SPLIT else ("",))
    ]
    return tuple(f"{name}_{side}" for name in half for side in ("left", "right"))


def bones():
    """Return all bones, parents first: the middle, the left side, the right side."""
    return [
        *MIDDLE,
        *(_sided(bone, "left", 1.0) for bone in LEFT),
        *(_sided(bone, "right", -1.0) for bone in LEFT),
    ]


def mirrored_bones():
    """Return the index (B,) of each bone's mirror image."""
    middle, side = len(MIDDLE), len(LEFT)
    left, right = np.arange(middle, middle + side), np.arange(middle + side, middle + 2 * side)
    return np.concatenate([np.arange(middle), right, left])


def cones():
    """Return (index of the bone, (head, tail, radius, radius, squash)) of all the flesh."""
    every = bones()
    index = {bone.name: b for b, bone in enumerate(every)}
    found = [(b, (bone.head, bone.tail, *bone.radii, bone.squash)) for b, bone in enumerate(every)]
    for name, head, tail, radii, squash in FLESH:
        for sign in (1.0, -1.0) if head[0] else (1.0,):
            ends = [(sign * x, y, z) for x, y, z in (head, tail)]
            found.append((index[name], (*ends, *radii, squash)))
    return found


def _sided(bone, side, sign):
    names = {b.name for b in LEFT}
    head, tail = ((sign * x, y, z) for x, y, z in (bone.head, bone.tail))
    bend, *others = bone.limits
    mirrored = others if side == "left" else [(-high, -low) for low, high in others]
    return Bone(
        name=f"{bone.name}_{side}",
        parent=f"{bone.parent}_{side}" if bone.parent in names else bone.parent,
        head=head,
        tail=tail,
        radii=bone.radii,
        limits=(bend, *mirrored),
        part=bone.part,
        squash=bone.squash,
        sided=True,
    )
