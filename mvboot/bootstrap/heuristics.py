"""Frames that are not believed: the five heuristics of Simon et al., their thresholds ours.

Each returns which frames (F,) it rejects; points are (F, K, 3) of one individual, NaN where they
were refused.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mvboot.bootstrap.bones import Bone, bone_lengths

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

FEWEST_MOVING = 3
"""Keypoints that make a median velocity."""
FEWEST_VIEWS = 3
"""Views that must be left, or all of a rig that has fewer."""


def few_inliers(inliers: Bools, fewest: float) -> Bools:
    """Reject frames whose keypoints have too few agreeing views (C, F, K) on average.

    A keypoint that was refused has none.
    """
    return np.asarray(inliers.sum(0).mean(1) < fewest)


def unsure(confidence: Floats, inliers: Bools, least: float) -> Bools:
    """Reject frames whose agreeing detections (C, F, K) are not confident enough on average."""
    count = inliers.sum((0, 2))
    return np.asarray(np.where(inliers, confidence, 0.0).sum((0, 2)) < least * count)


def jumping(xyz: Floats, frames: Ints, limit: float) -> Bools:
    """Reject frames in which a keypoint moves otherwise than the others, by over ``limit``.

    The velocity of each keypoint from one frame to the next less the median velocity of all is
    compared with ``limit``, a length. A keypoint that jumps from the frame before but not to the
    one after is right: the frame before was wrong. The limit is for neighbours in the recording;
    frames farther apart say nothing, nor do steps with fewer than `FEWEST_MOVING` keypoints.
    """
    if len(frames) < 2:
        return np.zeros(len(frames), bool)
    steps = np.diff(frames)
    moved = np.where((steps == steps.min())[:, None, None], np.diff(xyz, axis=0), np.nan)
    odd = _odd(moved)
    nothing = np.full((1, xyz.shape[1]), np.nan)
    both = np.stack([np.concatenate([nothing, odd]), np.concatenate([odd, nothing])])
    least = np.where(np.isnan(both), np.inf, both).min(0)
    return np.asarray(((least > limit) & np.isfinite(least)).any(1))


def misbuilt(xyz: Floats, keypoints: Sequence[str], bones: Sequence[Bone]) -> Bools:
    """Reject frames with a bone longer or shorter than its limits; one without them is let be."""
    wrong = np.zeros(len(xyz), bool)
    lengths = bone_lengths(xyz, keypoints, bones)
    for bone in bones:
        length = lengths[bone.name]
        wrong |= length < (0.0 if bone.shortest is None else bone.shortest)
        wrong |= length > (np.inf if bone.longest is None else bone.longest)
    return wrong


def hidden(usable: Bools) -> Bools:
    """Reject frames with fewer than `FEWEST_VIEWS` usable views (C, F): the subject is hidden."""
    return np.asarray(usable.sum(0) < min(FEWEST_VIEWS, len(usable)))


def subject_size(xyz: Floats) -> float:
    """Return the median over frames of the diagonal of the box about a frame's points.

    Frames with less than half of the keypoints do not count; NaN where there are no others.
    """
    there = np.asarray(np.isfinite(xyz).all(-1))
    full = there.sum(1) >= max(2, xyz.shape[1] / 2)
    if not full.any():
        return float("nan")
    low = np.where(there[..., None], xyz, np.inf)[full].min(1)
    high = np.where(there[..., None], xyz, -np.inf)[full].max(1)
    return float(np.median(np.linalg.norm(high - low, axis=-1)))


def _odd(moved: Floats) -> Floats:
    """Return how far each velocity (N, K, 3) is from the median one, NaN where unknown."""
    known = np.asarray(np.isfinite(moved).all(-1))
    odd = np.full(known.shape, np.nan)
    for row in np.flatnonzero(known.sum(1) >= FEWEST_MOVING):
        own = moved[row, known[row]]
        odd[row, known[row]] = np.linalg.norm(own - np.median(own, axis=0), axis=-1)
    return odd
