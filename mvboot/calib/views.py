"""What the cameras of a rig look at: picture corners as rays, shared volume, common focus."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.geometry import Camera, image_size
from mvboot.rig import UNITS_IN_M, Rig

Floats = NDArray[np.float64]

WIDE = np.cos(np.radians(80.0))
"""Beyond this angle off the axis a viewing pyramid is replaced by the half space in front."""

GRID = 7
PARALLEL_AXES = 1e-3
"""Smallest over largest eigenvalue of the axes' normal matrix below which they do not meet."""

AIM_DEG = 20.0
"""How far beside the focus the median camera may look."""

BEYOND_FOCUS = 1.5
FOCUS_STEPS = 30
ON_AXIS = 0.005
"""Distance from an axis, over the distance of the focus, below which a camera weighs no more."""


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
        A rig without moving cameras (`Rig.still`).
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

    @cached_property
    def gaps(self) -> Floats:
        """Distances (C, C) between the camera centres."""
        return np.asarray(np.linalg.norm(self.centers[:, None] - self.centers[None], axis=-1))

    def focus(self) -> Floats | None:
        """Return the point that the cameras look at (3,), or None where there is no such point.

        It is nearest to all optical axes in the sum of distances (Weiszfeld), not of squares: one
        wrong camera hardly moves it. Axes that are parallel, or that mostly miss it by more than
        ``AIM_DEG``, as those of cameras in a row do, have none.
        """
        normal = np.eye(3) - self.axes[:, :, None] * self.axes[:, None, :]
        values = np.linalg.eigvalsh(normal.sum(0))
        if values[0] < PARALLEL_AXES * values[-1]:
            return None
        middle = self.centers.mean(0)
        weight, point = np.ones(len(self.rig)), middle
        for _ in range(FOCUS_STEPS):
            weighted = weight[:, None, None] * normal
            target = (weighted @ (self.centers - middle)[..., None]).sum(0)
            point = middle + np.linalg.solve(weighted.sum(0), target)[:, 0]
            off_axis = np.linalg.norm(normal @ (point - self.centers)[..., None], axis=(1, 2))
            near = ON_AXIS * float(np.median(self.distances(point)))
            weight = 1 / np.maximum(np.maximum(off_axis, near), 1e-300)
            weight /= weight.max()
        return point if np.median(self.off_axis_deg(point)) <= AIM_DEG else None

    def off_axis_deg(self, point: Floats) -> Floats:
        """Return the angle (C,) in degrees between each camera's axis and its ray to a point."""
        away = point - self.centers
        cosine = (away * self.axes).sum(1) / np.maximum(np.linalg.norm(away, axis=1), 1e-300)
        return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

    @cached_property
    def working_distance(self) -> float:
        """Median distance from the focus in units; from one another where nobody sees one.

        One metre where all cameras stand at one place.
        """
        focus = self.focus()
        if focus is not None and self.seeing(focus).any():
            return float(np.median(self.distances(focus)))
        apart = self.gaps[self.gaps > 0]
        return float(np.median(apart)) if len(apart) else 1 / UNITS_IN_M[self.rig.units]

    @property
    def working_distance_m(self) -> float:
        """The same in metres."""
        return self.working_distance * UNITS_IN_M[self.rig.units]

    def seeing(self, point: Floats | None) -> NDArray[np.bool_]:
        """Return which cameras (C,) have the point in their picture; none where it is None."""
        if point is None:
            return np.zeros(len(self.rig), dtype=np.bool_)
        return np.array([sees(camera, point) for camera in self.rig.cameras.values()])

    def distances(self, point: Floats) -> Floats:
        """Return each camera's distance (C,) from a point, in units."""
        return np.asarray(np.linalg.norm(self.centers - point, axis=1))

    def reach(self) -> Floats:
        """Return how far (C,) each camera's view is followed: 1.5 times the focus's distance.

        Beyond it cameras on opposite sides see each other's background. A camera that misses the
        focus counts as typical; where most do, there is no limit.
        """
        focus = self.focus()
        seeing = self.seeing(focus)
        if focus is None or seeing.mean() <= 0.5:
            return np.full(len(self.rig), np.inf)
        distance = self.distances(focus)
        return BEYOND_FOCUS * np.where(seeing, distance, np.median(distance[seeing]))

    def components(self) -> list[list[int]]:
        """Return the cameras in groups linked by shared volume, the largest group first."""
        rays = [picture_rays(camera) for camera in self.rig.cameras.values()]
        rotations = [c.cam_from_world.R.numpy() for c in self.rig.cameras.values()]
        views = [
            Frustum(center, r @ R, pyramid(r) @ R, reach)
            for center, r, R, reach in zip(self.centers, rays, rotations, self.reach(), strict=True)
        ]
        left, groups = set(range(len(views))), []
        while left:
            queue = [left.pop()]
            group = list(queue)
            while queue:
                a = views[queue.pop()]
                near = [b for b in left if a.meets(views[b]) or views[b].meets(a)]
                left.difference_update(near)
                queue.extend(near)
                group.extend(near)
            groups.append(sorted(group))
        return sorted(groups, key=len, reverse=True)


def sees(camera: Camera, point: Floats) -> bool:
    """Whether a point (3,) lies in the picture of a camera."""
    pixel = camera.project(torch.from_numpy(np.asarray(point))).numpy()
    width, height = image_size(camera)
    return bool(
        np.isfinite(pixel).all()
        and (pixel > -0.5).all()
        and (pixel < [width - 0.5, height - 0.5]).all()
    )


@dataclass(frozen=True)
class Frustum:
    """What a camera sees.

    Parameters
    ----------
    apex
        Camera centre (3,).
    rays
        Unit directions (n, 3) over the picture, in the world.
    normals
        Inward normals (m, 3) of its borders, in the world.
    reach
        Distance up to which it is followed, may be infinite.
    """

    apex: Floats
    rays: Floats
    normals: Floats
    reach: float

    def meets(self, other: "Frustum") -> bool:
        """Whether one of this camera's rays passes through what another sees.

        Along a ray every border allows an interval, and so does the other's reach; their
        intersection is exact, so that narrow views are found however far away they cross.
        """
        apart = self.apex - other.apex
        offset = other.normals @ apart
        slope = self.rays @ other.normals.T
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = -offset / slope
        enter = np.where(slope > 0, crossing, -np.inf).max(1)
        leave = np.where(slope < 0, crossing, np.inf).min(1)
        outside = ((slope == 0) & (offset < 0)).any(1)
        along = self.rays @ apart
        inside = along**2 - apart @ apart + other.reach**2  # of the sphere around the other
        half = np.sqrt(np.maximum(inside, 0))
        enter = np.maximum(np.maximum(enter, -along - half), 0)
        leave = np.minimum(np.minimum(leave, -along + half), self.reach)
        return bool((~outside & (inside > 0) & (enter < leave)).any())
