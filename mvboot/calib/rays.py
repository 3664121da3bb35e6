"""The rays of all detections in the world, and how far those of two or more cameras miss.

Two views of the same points agree if the rays meet: the distance from the epipolar line. Three or
more agree if each passes the point that the others make: the leave-one-out error. Angles become
pixels by the focal length, which holds near the middle of a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

ROUNDS = 6
"""Of the robust intersection of rays."""


@dataclass(frozen=True)
class Rays:
    """Rays of C cameras through P points; NaN where there is no detection, or no ray through it.

    Parameters
    ----------
    origin, direction
        In the world (C, P, 3); directions have length 1.
    scale
        Focal length in px (C,): an angle in radians times it is a distance in pixels.
    """

    origin: Floats
    direction: Floats
    scale: Floats

    @staticmethod
    def of(rig: Rig, keypoints: Keypoints2D) -> "Rays":
        """Return the rays of detections whose cameras have the rig's names, in any order.

        InputError for a camera without keypoints, and a frame without a pose.
        """
        ordered = keypoints.for_cameras(rig.names)
        pairs = [rays_of(rig[name], ordered, c) for c, name in enumerate(rig.names)]
        origin, direction = (np.stack(part) for part in zip(*pairs, strict=True))
        return Rays(origin, direction, np.array([focal_px(c) for c in rig.cameras.values()]))

    def where(self, points: Mask | NDArray[np.intp]) -> "Rays":
        """Return some of the points."""
        return replace(self, origin=self.origin[:, points], direction=self.direction[:, points])

    def subset(self, cameras: Sequence[int]) -> "Rays":
        """Return some of the cameras."""
        rows = list(cameras)
        return Rays(self.origin[rows], self.direction[rows], self.scale[rows])

    def replaced(self, c: int, one: "Rays") -> "Rays":
        """Return the rays with those of the c-th camera taken from the ``one`` of another."""
        parts = [self.origin.copy(), self.direction.copy(), self.scale.copy()]
        for values, own in zip(parts, (one.origin, one.direction, one.scale), strict=True):
            values[c] = own[0]
        return Rays(*parts)

    @property
    def present(self) -> Mask:
        """Where there is a ray (C, P)."""
        return np.isfinite(self.direction[..., 0])

    def signed(self, a: int, b: int) -> Floats:
        """Return the signed distances in px (2, P) of a's and b's rays from the other's plane."""
        base = self.origin[b] - self.origin[a]
        ray_a, ray_b = self.direction[a], self.direction[b]
        normal_a, normal_b = _cross(base, ray_a), _cross(base, ray_b)
        volume = (normal_b * ray_a).sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            sines = np.stack([volume / _length(normal_b), -volume / _length(normal_a)])
        return np.asarray(np.arcsin(np.clip(sines, -1, 1)) * self.scale[[a, b], None])

    def off(self, a: int, b: int) -> Floats:
        """Return the distances from the epipolar lines in px (P,), mean of both pictures."""
        return np.asarray(np.abs(self.signed(a, b)).mean(0))

    def behind(self, a: int, b: int) -> Mask:
        """Return whether two rays meet behind a camera (P,)."""
        base = self.origin[b] - self.origin[a]
        cosine = (self.direction[a] * self.direction[b]).sum(-1)
        along_a, along_b = (base * self.direction[a]).sum(-1), (base * self.direction[b]).sum(-1)
        return np.asarray((along_a - cosine * along_b < 0) | (cosine * along_a - along_b < 0))

    def left_out(self) -> Floats:
        """Return the distance in px (C, P) of each ray from the point that the others make.

        NaN where fewer than two others see it.
        """
        everyone = np.arange(len(self.scale))
        errors = np.full(self.present.shape, np.nan)
        for c in everyone:
            others = self.subset(everyone[everyone != c])
            seen = np.flatnonzero(self.present[c] & (others.present.sum(0) >= 2))
            if len(seen) == 0:
                continue
            away = _meeting(others.where(seen)) - self.origin[c, seen]
            across = _length(_cross(away, self.direction[c, seen]))
            along = (away * self.direction[c, seen]).sum(-1)
            errors[c, seen] = self.scale[c] * np.arctan2(across, along)
        return errors


def focal_px(camera: Camera) -> float:
    """Return the geometric mean of both focal lengths in px."""
    return float((camera.K[0, 0] * camera.K[1, 1]).abs().sqrt())


def rays_of(camera: Camera, keypoints: Keypoints2D, c: int) -> tuple[Floats, Floats]:
    """Return origins and unit directions (P, 3) of the c-th camera's detections in the world."""
    try:
        origin, direction = camera.at(keypoints.frames).ray(keypoints.xy[c])
    except ValueError as error:
        raise InputError(f"camera {keypoints.cameras[c]}: {error}") from None
    origin = np.broadcast_to(origin, direction.shape)
    return origin.reshape(-1, 3), direction.reshape(-1, 3)


def _cross(a: Floats, b: Floats) -> Floats:
    """Return the cross product of vectors (P, 3); numpy's takes three times as long."""
    (ax, ay, az), (bx, by, bz) = a.T, b.T
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], -1)


def _length(vectors: Floats) -> Floats:
    return np.asarray(np.sqrt((vectors * vectors).sum(-1)))


def _meeting(rays: Rays) -> Floats:
    """Return the points (P, 3) nearest to the rays: least squares, and then least distances."""
    there = rays.present
    direction = np.where(there[..., None], rays.direction, 0.0)
    origin = np.where(there[..., None], rays.origin, 0.0)
    across = np.eye(3) - direction[..., :, None] * direction[..., None, :]
    weight = there.astype(float)
    points = np.zeros((there.shape[1], 3))
    for _ in range(ROUNDS):
        left = (weight[..., None, None] * across).sum(0)
        right = (weight[..., None, None] * across @ origin[..., None]).sum(0)
        scale = np.trace(left, axis1=1, axis2=2)[:, None, None] * 1e-12
        points = np.linalg.solve(left + scale * np.eye(3), right)[..., 0]
        gap = np.linalg.norm((across @ (points - origin)[..., None])[..., 0], axis=-1)
        gap = np.where(there, gap, np.nan)
        least = np.maximum(0.1 * np.nanmedian(gap, axis=0), 1e-300)
        weight = np.where(there, 1 / np.maximum(np.nan_to_num(gap), least), 0.0)
    return points
