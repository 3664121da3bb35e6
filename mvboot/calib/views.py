"""What the cameras of a rig look at: picture corners as rays, shared volume, common focus."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.geometry import Camera
from mvboot.rig import Rig

Floats = NDArray[np.float64]

WIDE = np.cos(np.radians(80.0))
"""Beyond this angle off the axis a viewing pyramid is replaced by the half space in front."""

GRID = 7
PARALLEL_AXES = 1e-3
"""Smallest over largest eigenvalue of the axes' normal matrix below which they do not meet."""


def image_size(camera: Camera) -> tuple[float, float]:
    """Return width and height in px; twice the principal point where the size is unknown."""
    if camera.size is not None:
        return float(camera.size[0]), float(camera.size[1])
    return 2 * float(camera.K[0, 2]) + 1, 2 * float(camera.K[1, 2]) + 1


def still(rig: Rig) -> Rig:
    """Return the rig with every moving camera at its first frame."""
    cameras = {
        name: camera if camera.frames is None else camera.at(int(camera.frames[0]))
        for name, camera in rig.cameras.items()
    }
    return Rig(cameras, rig.units, rig.up)


def picture_rays(camera: Camera) -> Floats:
    """Return unit directions (n, 3) in camera axes over the picture, borders included.

    Where the lens has no inverse at the border the picture is shrunk until it has.
    """
    width, height = image_size(camera)
    x, y = np.meshgrid(np.linspace(-1, 1, GRID), np.linspace(-1, 1, GRID))
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    half = np.stack([x.ravel() * width / 2, y.ravel() * height / 2], -1)
    for share in (1.0, 0.9, 0.8, 0.65, 0.5, 0.3, 0.1):
        _, direction = camera.ray(middle + share * half)
        if not np.isnan(direction).any():
            break
    R = camera.cam_from_world.R.numpy()
    return np.asarray(direction[~np.isnan(direction).any(-1)] @ R.T)


def pyramid(rays: Floats) -> Floats:
    """Return inward normals (4, 3) of the viewing pyramid over the rays of `picture_rays`.

    A lens wider than 160 degrees gets the one normal of the half space in front.
    """
    if len(rays) < GRID * GRID or rays[:, 2].min() < WIDE:
        return np.array([[0.0, 0.0, 1.0]])
    corners = rays[[0, GRID - 1, GRID * GRID - 1, GRID * (GRID - 1)]]
    normals = np.cross(corners, np.roll(corners, -1, axis=0))
    return np.asarray(normals * np.sign(normals @ rays[GRID * GRID // 2])[:, None])


@dataclass(frozen=True)
class Views:
    """Poses and pictures of a still rig as arrays, in rig order.

    Parameters
    ----------
    rig
        A rig without moving cameras (`still`).
    """

    rig: Rig

    @cached_property
    def centers(self) -> Floats:
        """Camera centres (C, 3) in the world."""
        return np.stack([c.center.numpy() for c in self.rig.cameras.values()])

    @cached_property
    def axes(self) -> Floats:
        """Unit optical axes (C, 3) in the world."""
        return np.stack([c.forward.numpy() for c in self.rig.cameras.values()])

    def focus(self, without: int | None = None) -> Floats | None:
        """Return the point nearest to all optical axes (3,), or None where they are parallel."""
        keep = np.arange(len(self.rig)) != (-1 if without is None else without)
        normal = np.eye(3) - self.axes[keep, :, None] * self.axes[keep, None, :]
        total = normal.sum(0)
        values = np.linalg.eigvalsh(total)
        if values[0] < PARALLEL_AXES * values[-1]:
            return None
        target = (normal @ self.centers[keep, :, None]).sum(0)
        return np.asarray(np.linalg.solve(total, target)[:, 0])

    def seeing(self, point: Floats | None) -> NDArray[np.bool_]:
        """Return which cameras (C,) have the point in their picture; none where it is None."""
        if point is None:
            return np.zeros(len(self.rig), dtype=np.bool_)
        return np.array([sees(camera, point) for camera in self.rig.cameras.values()])

    def distances(self, point: Floats) -> Floats:
        """Return each camera's distance (C,) from a point, in units."""
        return np.asarray(np.linalg.norm(self.centers - point, axis=1))

    def components(self) -> list[list[int]]:
        """Return the cameras in groups linked by shared volume, the largest group first."""
        rays = [picture_rays(camera) for camera in self.rig.cameras.values()]
        rotations = [c.cam_from_world.R.numpy() for c in self.rig.cameras.values()]
        rays = [r @ R for r, R in zip(rays, rotations, strict=True)]
        planes = [pyramid(r @ R.T) @ R for r, R in zip(rays, rotations, strict=True)]
        left, groups = set(range(len(self.rig))), []
        while left:
            queue = [left.pop()]
            group = list(queue)
            while queue:
                a = queue.pop()
                near = [b for b in left if self._share(a, b, rays, planes)]
                left.difference_update(near)
                queue.extend(near)
                group.extend(near)
            groups.append(sorted(group))
        return sorted(groups, key=len, reverse=True)

    def _share(self, a: int, b: int, rays: list[Floats], planes: list[Floats]) -> bool:
        return meets(self.centers[a], rays[a], self.centers[b], planes[b]) or meets(
            self.centers[b], rays[b], self.centers[a], planes[a]
        )


def sees(camera: Camera, point: Floats) -> bool:
    """Whether a point (3,) lies in the picture of a camera."""
    pixel = camera.project(torch.from_numpy(np.asarray(point))).numpy()
    width, height = image_size(camera)
    return bool(
        np.isfinite(pixel).all()
        and (pixel > -0.5).all()
        and (pixel < [width - 0.5, height - 0.5]).all()
    )


def meets(origin: Floats, rays: Floats, apex: Floats, normals: Floats) -> bool:
    """Whether a ray from ``origin`` passes through the pyramid at ``apex`` (half-space normals).

    Along a ray every half space allows an interval; their intersection is exact, so that narrow
    views are found however far away they cross.
    """
    offset = normals @ (origin - apex)
    slope = rays @ normals.T
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = -offset / slope
    enter = np.where(slope > 0, crossing, -np.inf).max(1)
    leave = np.where(slope < 0, crossing, np.inf).min(1)
    outside = ((slope == 0) & (offset < 0)).any(1)
    return bool((~outside & (np.maximum(enter, 0) < leave)).any())
