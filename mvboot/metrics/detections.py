"""How right and how consistent 2D keypoints of a capture are."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.datasets import Capture
from mvboot.geometry import epipolar_distance, fundamental_matrix
from mvboot.keypoints import Keypoints2D
from mvboot.metrics.distribution import distribution
from mvboot.metrics.landmarks import MIN_CONFIDENCE, landmark_errors, landmark_summary

Floats = NDArray[np.float64]

ELLIPSE = float(-2 * np.log(1 - 0.9))
"""Squared distance in standard deviations within which 90 % of normal errors in 2D lie."""


def detection_summary(
    found: Keypoints2D, reference: Keypoints2D, pictures: Mapping[int, Sequence[str]]
) -> dict[str, Any]:
    """Compare keypoints with others of the same names, as `landmark_summary` does.

    Parameters
    ----------
    found, reference
        Of one individual each; of the reference those count that are sure (`MIN_CONFIDENCE`).
    pictures
        Cameras by frame.

    Returns
    -------
    ``pck_0.05`` and others over all of the reference, those that were not found counting as wrong,
    errors in px, and where covariances are stated ``within_90``: the share of the found whose error
    lies inside the ellipse that should hold 90 %.
    """
    names = tuple(name for name in reference.keypoints if name in found.keypoints)
    own = found.for_keypoints({name: name for name in names})
    errors, inside = [], [np.zeros(0)]
    for frame, cameras in pictures.items():
        for camera in cameras:
            pixels, covariance = _at(own, camera, frame)
            errors.append(landmark_errors(pixels, reference, camera, frame, names))
            true = _at(reference.above(MIN_CONFIDENCE), camera, frame)[0]
            true = true[[reference.keypoints.index(name) for name in names]]
            if covariance is not None:
                inside.append(_standardised(pixels - true, covariance))
    squared = np.concatenate(inside)
    share = float((squared <= ELLIPSE).mean()) if len(squared) else None
    return {**landmark_summary(errors), "within_90": share}


def detection_epipolar(
    found: Keypoints2D, capture: Capture, pictures: Mapping[int, Sequence[str]]
) -> dict[str, Any]:
    """Return how far sure keypoints (`MIN_CONFIDENCE`) are from epipolar lines of one another.

    Mean, median and 90th percentile in px of the original pictures without their lens, over all
    pairs of cameras and both directions.
    """
    sure = found.above(MIN_CONFIDENCE)
    gaps: list[Floats] = [np.zeros(0)]
    for frame, cameras in pictures.items():
        straight = {
            name: capture.camera(name, frame).undistort(torch.from_numpy(_at(sure, name, frame)[0]))
            for name in cameras
        }
        for a, b in combinations(cameras, 2):
            F = fundamental_matrix(capture.camera(a, frame), capture.camera(b, frame))
            gaps.append(epipolar_distance(F, straight[a], straight[b]).numpy())
            gaps.append(epipolar_distance(F.mT, straight[b], straight[a]).numpy())
    values = np.concatenate(gaps)
    return {"matches": int(np.isfinite(values).sum()) // 2, **distribution(values, "px")}


def _at(keypoints: Keypoints2D, camera: str, frame: int) -> tuple[Floats, Floats | None]:
    """Return places (K, 2) and covariances (K, 2, 2) in a picture, NaN where there are none."""
    row = np.flatnonzero(keypoints.frames == frame)
    if camera not in keypoints.cameras or not len(row):
        return np.full((len(keypoints.keypoints), 2), np.nan), None
    at = keypoints.cameras.index(camera), int(row[0]), 0
    return keypoints.xy[at], None if keypoints.covariance is None else keypoints.covariance[at]


def _standardised(gap: Floats, covariance: Floats) -> Floats:
    """Return squared distances (n,) in standard deviations of those that are known."""
    known = np.isfinite(gap).all(1) & np.isfinite(covariance).all((1, 2))
    solved = np.linalg.solve(covariance[known], gap[known][..., None])[..., 0]
    return np.asarray((gap[known] * solved).sum(1))
