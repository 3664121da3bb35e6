"""Views in which the body, or something before it, hides the keypoints."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mvboot.bootstrap.bones import Bone, distance_to_segment
from mvboot.datasets import Capture
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ON_SUBJECT = 0.5
"""Share of the subject in a mask's pixel from which it is on the subject."""


def behind_bones(
    camera: Camera, xyz: Floats, keypoints: Sequence[str], bones: Sequence[Bone]
) -> Bools:
    """Return which points (K, 3) of one instant a camera does not see past the bones.

    A bone is a rod with round ends. It hides a point where the ray from the camera meets it before
    it meets the point; not so a rod that the point itself lies in or ends. Bones without a radius
    or an end hide nothing. ValueError for a camera with several poses.
    """
    camera.require_one_pose()
    found = np.zeros(len(xyz), bool)
    center = np.asarray(camera.center, np.float64)
    names = list(keypoints)
    for bone in bones:
        a, b = (xyz[names.index(end)] for end in bone.ends)
        if bone.radius is None or not np.isfinite([a, b]).all():
            continue
        near = between_segments(center, xyz, a, b) < bone.radius
        within = distance_to_segment(xyz, a, b) <= bone.radius
        found |= near & ~within & np.array([name not in bone.ends for name in names])
    return np.asarray(found & np.isfinite(xyz).all(-1))


def off_mask(mask: NDArray[np.float32], pixels: Floats) -> Bools:
    """Return which pixels (K, 2) inside the picture are not on the subject: something hides it."""
    height, width = mask.shape
    column, row = np.rint(np.where(np.isfinite(pixels), pixels, -1)).astype(np.int64).T
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    on = np.zeros(len(pixels), bool)
    on[inside] = mask[row[inside], column[inside]] >= ON_SUBJECT
    return np.asarray(inside & ~on)


def shares_seen(
    capture: Capture, xyz: Floats, labels: Keypoints2D, bones: Sequence[Bone]
) -> Floats:
    """Return the share of the labelled keypoints that each picture (C, F) sees past the body.

    Parameters
    ----------
    capture
        Its cameras, and its masks where it has any.
    xyz
        Points (F, K, 3), NaN where there is none.
    labels
        The same points in the pictures; a picture without any is left out, and NaN.
    bones
        What hides, see `behind_bones`.
    """
    found = np.full(labels.shape[:2], np.nan)
    for c, f in zip(*np.nonzero(labels.present.any(axis=(2, 3))), strict=True):
        view = labels.cameras[c], int(labels.frames[f])
        lost = behind_bones(capture.camera(*view), xyz[f], labels.keypoints, bones)
        mask = capture.mask(*view)
        if mask is not None:
            lost |= off_mask(mask, labels.xy[c, f, 0])
        found[c, f] = 1 - lost[labels.present[c, f, 0]].mean()
    return found


def between_segments(start: Floats, ends: Floats, a: Floats, b: Floats) -> Floats:
    """Return the distance (N,) of segments from ``start`` (3,) to ``ends`` (N, 3) from segment ab.

    Ericson, "Real-time collision detection" (2005), 5.1.9.
    """
    d1, d2, r = ends - start, b - a, start - a
    aa, ee, f = (d1 * d1).sum(-1), float(d2 @ d2), float(d2 @ r)
    c, bb = d1 @ r, d1 @ d2
    tiny = np.finfo(float).tiny
    cross = aa * ee - bb * bb
    s = np.clip(np.where(cross > tiny, (bb * f - c * ee) / np.maximum(cross, tiny), 0.0), 0, 1)
    t = np.clip((bb * s + f) / max(ee, tiny), 0, 1)
    s = np.clip((bb * t - c) / np.maximum(aa, tiny), 0, 1)
    gap = start + s[:, None] * d1 - a - t[:, None] * d2
    return np.asarray(np.linalg.norm(gap, axis=-1))
