"""Single precision: what it takes from places far from the origin, and where to count from then."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mvboot.rig import UNITS_IN_M, Rig

Floats = NDArray[np.float64]

ROUNDED = 0.01
"""Millimetres that single precision may take from a place."""
GRID = 10.0
"""Metres: origins that files count from are whole multiples of it, easy to read and add."""


def lost_mm(xyz: Floats, units: str) -> float:
    """Return how far float32 moves places (..., 3) of a unit at most, along an axis; 0 for none."""
    in_mm = UNITS_IN_M[units] / UNITS_IN_M["mm"]
    farthest = float(np.abs(xyz).max(initial=0.0, where=np.isfinite(xyz)))
    return float(np.spacing(np.float32(in_mm * farthest))) / 2


def rounds(xyz: Floats, units: str) -> bool:
    """Whether float32 takes more than `ROUNDED` mm, and a millionth of the extent, from places."""
    places = xyz.reshape(-1, 3)
    if not len(places):
        return False
    in_mm = UNITS_IN_M[units] / UNITS_IN_M["mm"]
    extent = in_mm * float(np.nanmax(np.ptp(places, axis=0), initial=0.0))
    return lost_mm(places, units) > max(ROUNDED, 1e-6 * extent)


def camera_centers(rig: Rig) -> Floats:
    """Return where cameras are (N, 3): what they film lies about as far from the origin."""
    centers = [np.asarray(camera.center).reshape(-1, 3) for camera in rig.cameras.values()]
    return np.concatenate(centers)


def near_origin(xyz: Floats, units: str) -> Floats:
    """Return the place (3,) from which single precision should count places (N, 3): mostly zero.

    Where float32 would round them it is in their middle, a multiple of `GRID` metres.
    """
    if not rounds(xyz, units):
        return np.zeros(3)
    step = GRID / UNITS_IN_M[units]
    middle = (np.nanmin(xyz, axis=0) + np.nanmax(xyz, axis=0)) / 2
    return np.asarray(step * np.round(middle / step))


def counted_from(rig: Rig, origin: Floats) -> Rig:
    """Return the rig in a world of the same axes that counts from a place (3,) of its own."""
    cameras = {}
    for name, camera in rig.cameras.items():
        pose = camera.cam_from_world
        t = pose.t + pose.R @ pose.t.new_tensor(origin)
        cameras[name] = camera.with_pose(replace(pose, t=t))
    return replace(rig, cameras=cameras)
