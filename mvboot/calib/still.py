"""Landmarks that stand still: the same points in every frame, or a table of a single frame.

To an adjustment frames of the same points are one observation many times over, and held-out frames
of them judge nothing. So each landmark becomes a frame of its own: its median place in every
camera; held-out landmarks judge.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from mvboot.keypoints import Keypoints2D

Floats = NDArray[np.float64]

MIN_LANDMARKS = 40
STILL = 0.02
"""Typical distance of a keypoint from its median place, over its distance from the others, below
which it stands still: noise of detections, not motion."""


def landmarks_as_frames(keypoints: Keypoints2D, seed: int = 0) -> Keypoints2D | None:
    """Return still landmarks, each as a frame of its own, in a random order; None for a subject.

    Frame n of the result is landmark n of the keypoints, counted individual by individual, and the
    only keypoint is called ``landmark``. Fewer than `MIN_LANDMARKS` are taken for a subject.
    """
    xy, confidence = _medians(keypoints)
    if xy.shape[1] < MIN_LANDMARKS or not _stands_still(keypoints, xy):
        return None
    order = np.random.default_rng(seed).permutation(xy.shape[1])
    return Keypoints2D(
        cameras=keypoints.cameras,
        frames=np.arange(len(order)),
        individuals=("landmarks",),
        keypoints=("landmark",),
        xy=xy[:, order, None, None],
        confidence=confidence[:, order, None, None],
        identified=keypoints.identified,
        source=keypoints.source,
    )


def _medians(keypoints: Keypoints2D) -> tuple[Floats, Floats]:
    """Return each landmark's median pixel (C, n, 2) and confidence (C, n)."""
    cameras = keypoints.shape[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # never seen: NaN
        xy = np.nanmedian(keypoints.xy, axis=1)
        confidence = np.nanmedian(keypoints.confidence, axis=1)
    return xy.reshape(cameras, -1, 2), confidence.reshape(cameras, -1)


def _stands_still(keypoints: Keypoints2D, medians: Floats) -> bool:
    if len(keypoints.frames) == 1:
        return True
    tracks = np.moveaxis(keypoints.xy, 1, 0).reshape(len(keypoints.frames), -1, 2)
    away = np.linalg.norm(tracks - medians.reshape(-1, 2), axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        moved = np.nanmedian(np.nanmedian(away, axis=0))
        middle = np.nanmedian(medians, axis=1, keepdims=True)
        apart = np.nanmedian(np.linalg.norm(medians - middle, axis=-1))
    return bool(moved < STILL * apart)
