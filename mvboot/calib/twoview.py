"""Two views of the same points: how one camera stands to another, up to the length between them.

The relative pose is pycolmap's (five points, LO-RANSAC). Where the points lie on a plane, two
poses explain them alike (Hartley and Zisserman, 13.5): such a pair does not start a rig.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import cv2
import numpy as np
import pycolmap
import torch
from numpy.typing import NDArray

from mvboot.calib.solver_cameras import pose_of
from mvboot.geometry import Camera, Pose

Floats = NDArray[np.float64]

MIN_SHARED = 12
MIN_ANGLE_DEG = 2.0
"""Median angle at which the rays of a pair meet: below it depth is noise."""

PLANAR_SIGMAS = 4.0
PLANAR_PX = 0.1
"""Error of one plane in a pair, over the error of its pose, and in px, up to which the points are
taken to lie on it."""

MEET = 90
"""Percentile of the errors that tells."""


@dataclass(frozen=True)
class Sight:
    """What one camera saw of P points, as a pinhole sees it.

    Parameters
    ----------
    camera
        Its intrinsics.
    flat
        Places (P, 2) on the plane at unit depth, NaN where a point was not seen or has no ray
        less than 90 degrees off the axis.
    """

    camera: Camera
    flat: Floats

    @staticmethod
    def of(camera: Camera, pixels: Floats) -> "Sight":
        """Return the sight of pixels (P, 2)."""
        straight = torch.from_numpy(camera.undistort(pixels))
        return Sight(camera, camera.plane_from_pixels(straight).numpy())

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Which points were seen (P,)."""
        return np.asarray(~np.isnan(self.flat[:, 0]))

    @cached_property
    def pixels(self) -> Floats:
        """The places (P, 2) in px from the axis, without distortion or skew."""
        return np.asarray(self.flat * self.camera.K.diagonal()[:2].numpy())

    @cached_property
    def colmap(self) -> pycolmap.Camera:
        """The pinhole that sees these pixels."""
        fx, fy = self.camera.K.diagonal()[:2].tolist()
        return pycolmap.Camera(camera_id=1, model="PINHOLE", params=[fx, fy, 0.0, 0.0])


@dataclass(frozen=True)
class Pair:
    """Two cameras and how the second stands to the first.

    Parameters
    ----------
    a, b
        Their names.
    shared
        Points that both saw.
    agree
        How many of them fit the pose.
    b_from_a
        Its translation has length 1; None where too few points were shared or agree.
    angle_deg
        Median angle at which the rays meet.
    planar
        Whether the points that agree lie on one plane, or the cameras stand at one place.
    """

    a: str
    b: str
    shared: int
    agree: int = 0
    b_from_a: Pose | None = None
    angle_deg: float = 0.0
    planar: bool = False

    @property
    def starts(self) -> bool:
        """Whether a rig can start from it."""
        return self.b_from_a is not None and not self.planar and self.angle_deg >= MIN_ANGLE_DEG

    @property
    def worth(self) -> float:
        """How good a start it is: points, and the angle up to 30 degrees."""
        return self.agree * min(self.angle_deg, 30.0)


def find_pairs(sights: Mapping[str, Sight], threshold_px: float, seed: int = 0) -> list[Pair]:
    """Return every pair of cameras, the best start first."""
    options = pycolmap.RANSACOptions(
        max_error=threshold_px, random_seed=seed, max_num_trials=10_000
    )
    pairs = [_pair(a, b, sights, options) for a, b in combinations(sights, 2)]
    return sorted(pairs, key=lambda pair: -pair.worth)


def _pair(a: str, b: str, sights: Mapping[str, Sight], options: pycolmap.RANSACOptions) -> Pair:
    one, two = sights[a], sights[b]
    rows = np.flatnonzero(one.seen & two.seen)
    if len(rows) < MIN_SHARED:
        return Pair(a, b, len(rows))
    found = pycolmap.estimate_relative_pose(
        one.colmap, one.pixels[rows], two.colmap, two.pixels[rows], options
    )
    if found is None or found["num_inliers"] < MIN_SHARED:
        return Pair(a, b, len(rows), 0 if found is None else found["num_inliers"])
    good = rows[np.asarray(found["inlier_mask"], dtype=np.bool_)]
    pose = pose_of(found["cam2_from_cam1"])
    angle = _meeting_angle(pose, one.flat[good], two.flat[good])
    planar = _is_planar(pose, one, two, good)
    return Pair(a, b, len(rows), len(good), pose, angle, planar)


def _meeting_angle(pose: Pose, a: Floats, b: Floats) -> float:
    ray_a = np.pad(a, ((0, 0), (0, 1)), constant_values=1.0) @ pose.R.numpy().T
    ray_b = np.pad(b, ((0, 0), (0, 1)), constant_values=1.0)
    lengths = np.linalg.norm(ray_a, axis=1) * np.linalg.norm(ray_b, axis=1)
    cosine = (ray_a * ray_b).sum(1) / lengths
    return float(np.degrees(np.median(np.arccos(np.clip(cosine, -1, 1)))))


def _is_planar(pose: Pose, one: Sight, two: Sight, rows: NDArray[np.int64]) -> bool:
    """Whether one homography explains the points about as well as the pose does."""
    a, b = one.pixels[rows], two.pixels[rows]
    H, _ = cv2.findHomography(a, b, 0)
    if H is None:
        return True
    there = np.pad(a, ((0, 0), (0, 1)), constant_values=1.0) @ H.T
    apart = np.linalg.norm(there[:, :2] / there[:, 2:] - b, axis=1)
    beside = _from_epipolar_line(pose, one, two, rows)
    by_plane, by_pose = (float(np.percentile(errors, MEET)) for errors in (apart, beside))
    return by_plane < max(PLANAR_SIGMAS * by_pose, PLANAR_PX)


def _from_epipolar_line(pose: Pose, one: Sight, two: Sight, rows: NDArray[np.int64]) -> Floats:
    """Return distances (n,) in px of b's points from the lines of a's."""
    x, y, z = pose.t.tolist()
    E = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ pose.R.numpy()
    line = np.pad(one.flat[rows], ((0, 0), (0, 1)), constant_values=1.0) @ E.T
    fx, fy = two.camera.K.diagonal()[:2].tolist()
    value = (line[:, :2] * two.flat[rows]).sum(1) + line[:, 2]
    return np.asarray(np.abs(value) / np.hypot(line[:, 0] / fx, line[:, 1] / fy))
