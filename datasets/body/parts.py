"""The 24 parts in DensePose's numbering, from dominant bones and a split of each limb."""

import numpy as np
from bones import BONES, INDEX

from mvboot.template.parts import smoothed

NAMES = (
    *("torso_back", "torso_front", "hand_right", "hand_left", "foot_left", "foot_right"),
    *(f"thigh_{end}_{side}" for end in ("back", "front") for side in ("right", "left")),
    *(f"shin_{end}_{side}" for end in ("back", "front") for side in ("right", "left")),
    *(f"upper_arm_{end}_{side}" for end in ("inner", "outer") for side in ("left", "right")),
    *(f"forearm_{end}_{side}" for end in ("inner", "outer") for side in ("left", "right")),
    *("head_right", "head_left"),
)
NUMBER = {name: number for number, name in enumerate(NAMES, 1)}

REGIONS = {
    "torso": ("pelvis", "spine", "clavicle", "shoulder"),
    "head": ("neck", "head"),
    "upper_arm": ("upper_arm", "upper_arm_twist"),
    "forearm": ("forearm", "forearm_twist"),
    "hand": ("hand", *(f"{f}{i}" for f in ("thumb", "finger") for i in (1, 2, 3))),
    "thigh": ("thigh", "thigh_twist"),
    "shin": ("shin", "shin_twist"),
    "foot": ("foot", "toes"),
}
SPLITS = {"thigh": ("front", "back"), "shin": ("front", "back")}
SPLITS |= {"upper_arm": ("inner", "outer"), "forearm": ("inner", "outer")}


def mirrored_parts():
    """Return the number (P,) of each part's mirror image."""
    swap = {"left": "right", "right": "left"}
    ends = [name.rsplit("_", 1) for name in NAMES]
    return np.array([NUMBER.get(f"{a}_{swap.get(b, b)}") for a, b in ends])


def left_parts(vertices, faces, weights, heads):
    """Return the part number (F,) of each face of the left half."""
    centre = vertices[faces].mean(axis=1)
    share = np.stack(
        [
            weights[:, [b for b, bone in enumerate(BONES) if bone.kind in kinds]].sum(axis=1)
            for kinds in REGIONS.values()
        ],
        axis=1,
    )
    region = np.array(list(REGIONS))[smoothed(faces, share[faces].sum(axis=1).argmax(axis=1))]
    parts = np.zeros(len(faces), dtype=np.int64)
    for name in ("head", "hand", "foot"):
        parts[region == name] = NUMBER[f"{name}_left"]
    torso = region == "torso"
    parts[torso] = np.where(
        centre[torso, 1] < _middle_depth(vertices, faces[torso], centre[torso, 2]),
        NUMBER["torso_front"],
        NUMBER["torso_back"],
    )
    for name, (first, second) in SPLITS.items():
        limb = region == name
        is_first = _faces_way(centre[limb], name, first, heads)
        names = [NUMBER[f"{name}_{end}_left"] for end in (first, second)]
        parts[limb] = np.where(is_first, *names)
    return smoothed(faces, parts)


def _middle_depth(vertices, faces, heights):
    """Return y (N,) half-way between the front and the back of the torso at each height."""
    points = vertices[np.unique(faces)]
    levels = np.linspace(points[:, 2].min(), points[:, 2].max(), 16)
    reach = (levels[1] - levels[0]) * 1.5
    near = [points[np.abs(points[:, 2] - level) < reach, 1] for level in levels]
    return np.interp(heights, levels, [(y.min() + y.max()) / 2 for y in near])


def _faces_way(centre, region, way, heads):
    """Whether points (N, 3) lie on the front (inner) side of the line through a limb's joints."""
    ends = {"thigh": ("thigh", "shin"), "shin": ("shin", "foot")}
    ends |= {"upper_arm": ("upper_arm", "forearm"), "forearm": ("forearm", "hand")}
    start, end = (heads[INDEX[f"{bone}_left"]] for bone in ends[region])
    along = (end - start) / np.linalg.norm(end - start)
    toward = np.array([0.0, -1.0, 0.0] if way == "front" else [-1.0, 0.0, 0.0])
    toward -= (toward @ along) * along
    return (centre - start) @ toward > 0
