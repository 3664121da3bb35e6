"""Tracks of a subject: robustly triangulated points, as a bundle to adjust cameras with."""

import math
from dataclasses import replace

import numpy as np
import torch

from mvboot.calib.bundle import Bundle, Observations
from mvboot.calib.rounds import RAYLEIGH_MEDIAN, SMALLEST_SIGMA_PX
from mvboot.errors import NothingUsable
from mvboot.geometry import Pose
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.recording import solve_chunk

MIN_POINTS = 30
MIN_SEEN = 12
"""Points of each camera: two coordinates each, against six numbers of a pose."""

WEIGHTS = 4
"""A detection of confidence 1 counts four times, one of 0.25 or less once."""


def detection_noise(bundle: Bundle, seen: Observations) -> float:
    """Return the noise of the detections per axis in px, from the median of the residuals.

    Each point follows its detections with three coordinates, so that what is left of the noise is
    smaller than the noise.
    """
    length = np.linalg.norm(bundle.residuals(seen), axis=-1)
    left = 1 - 3 * len(bundle.points) / (2 * len(seen))
    sigma = float(np.nanmedian(length)) / RAYLEIGH_MEDIAN / math.sqrt(left)
    return max(sigma, SMALLEST_SIGMA_PX)


def tracks(
    rig: Rig, keypoints: Keypoints2D, threshold_px: float, options: TriangulationOptions
) -> tuple[Bundle, Observations]:
    """Return the accepted points as a bundle of one instant, seen by the views that agree.

    The threshold takes the place of that in the options.
    """
    ordered = keypoints.for_cameras(rig.names)
    lenient = replace(options, threshold_px=threshold_px)
    result = solve_chunk(rig, ordered, lenient)
    good = np.flatnonzero(np.asarray(result.accepted))
    camera, point = np.nonzero(np.asarray(result.inliers)[:, good])
    pixels = ordered.xy.reshape(len(rig), -1, 2)[camera, good[point]]
    confidence = ordered.confidence.reshape(len(rig), -1)[camera, good[point]]
    weight = np.clip(np.ceil(WEIGHTS * confidence), 1, WEIGHTS).astype(np.int64)
    weight //= np.gcd.reduce(weight)  # the solver takes a weight as so many copies
    still = Pose(torch.eye(3, dtype=torch.float64)[None], torch.zeros(1, 3, dtype=torch.float64))
    bundle = Bundle(rig, still, np.asarray(result.points)[good])
    return bundle, Observations(camera, np.zeros_like(camera), point, pixels, weight)


def require_tracks(bundle: Bundle, observations: Observations, threshold_px: float) -> None:
    """Raise NothingUsable unless `MIN_POINTS` agree, and each camera sees `MIN_SEEN` of them."""
    if len(bundle.points) < MIN_POINTS:
        raise NothingUsable(
            f"only {len(bundle.points)} points agree within {threshold_px:.3g} px; too few to "
            "refine a rig from: check camera names and synchronisation (mvboot rig check "
            "--keypoints)"
        )
    seen = np.bincount(observations.camera, minlength=len(bundle.rig))
    for name, count in zip(bundle.rig.names, seen, strict=True):
        if count < MIN_SEEN:
            raise NothingUsable(
                f"camera {name} sees only {count} of the {len(bundle.points)} points that agree "
                f"within {threshold_px:.3g} px; too few to refine it: check its detections, or "
                "leave it out (--cameras)"
            )
