"""How good a triangulated frame is, and which frames are the best ones."""

import numpy as np
from numpy.typing import NDArray

from mvboot.keypoints import Keypoints2D, Keypoints3D

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def inlier_confidence(points: Keypoints3D, detections: Keypoints2D) -> Floats:
    """Return the confidence (C, F, K) of the detections that agree with a point, 0 of the others.

    Cameras and frames of both must be the same, of one individual.
    """
    return np.where(points.inliers, np.nan_to_num(detections.confidence), 0.0)[:, :, 0]


def frame_scores(points: Keypoints3D, detections: Keypoints2D) -> Floats:
    """Return the score (F,) of every frame: the sum of confidences over inliers alone (eq. 3)."""
    return np.asarray(inlier_confidence(points, detections).sum(axis=(0, 2)))


def best_frames(frames: Ints, scores: Floats, usable: Bools, window: int, best: int) -> Bools:
    """Return which frames (F,) become labels.

    Of every ``window`` consecutive frame numbers the best-scoring usable one is kept, and of those
    the ``best`` best; the earlier one where two are equal.
    """
    chosen = np.zeros(len(frames), bool)
    block = (frames - frames[0]) // window
    for number in np.unique(block[usable]):
        rows = np.flatnonzero(usable & (block == number))
        chosen[rows[np.argmax(scores[rows])]] = True
    kept = np.flatnonzero(chosen)
    order = np.argsort(-scores[kept], kind="stable")
    chosen[kept[order[best:]]] = False
    return chosen
