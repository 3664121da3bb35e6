"""Triangulated keypoints as they appear in each picture, to compare landmarks with."""

import numpy as np

from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.rig import UNITS_IN_M, Rig


def projected(points: Keypoints3D, rig: Rig, detected: Keypoints2D | None = None) -> Keypoints2D:
    """Return 3D keypoints in px of the original pictures of a rig's cameras.

    Their confidence is 1. Where there are 2D keypoints ``detected`` of the same name, only those
    count that were detected in the picture: others may be hidden there. InputError where no camera
    sees any of the points, which then are of another world; units are converted.
    """
    unit = UNITS_IN_M[points.units] / UNITS_IN_M[rig.units]
    shape = (len(rig), *points.xyz.shape[:3])
    xy = np.full((*shape, 2), np.nan)
    for c, camera in enumerate(rig.cameras.values()):
        xy[c] = camera.at(points.frames).project(points.xyz * unit)
    if np.isfinite(points.xyz).any() and not np.isfinite(xy).any():
        raise InputError("no camera sees any of the 3D keypoints; they are of another world")
    confidence = np.where(np.isfinite(xy[..., 0]), 1.0, np.nan)
    found = Keypoints2D(
        rig.names, points.frames, points.individuals, points.keypoints, xy, confidence
    )
    return found if detected is None else _where_detected(found, detected)


def _where_detected(found: Keypoints2D, detected: Keypoints2D) -> Keypoints2D:
    """Return those keypoints that are detected in their picture, as far as detections tell."""
    keep = np.ones(found.shape, bool)
    own = detected.for_cameras([name for name in found.cameras if name in detected.cameras])
    there = np.asarray(own.present.any(axis=2))  # whoever it is of
    rows = {frame: row for row, frame in enumerate(own.frames.tolist())}
    for c, camera in enumerate(found.cameras):
        for k, name in enumerate(found.keypoints):
            if camera not in own.cameras or name not in own.keypoints:
                continue
            seen = there[own.cameras.index(camera), :, own.keypoints.index(name)]
            for f, frame in enumerate(found.frames.tolist()):
                keep[c, f, :, k] = frame in rows and seen[rows[frame]]
    xy = np.where(keep[..., None], found.xy, np.nan)
    confidence = np.where(keep, found.confidence, np.nan)
    return Keypoints2D(
        found.cameras, found.frames, found.individuals, found.keypoints, xy, confidence
    )
