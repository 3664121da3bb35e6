"""How far apart two models of one camera are, in pixels of its picture."""

import numpy as np
from numpy.typing import ArrayLike

from mvboot.geometry.camera import Camera

GRID = 9


def image_size(camera: Camera) -> tuple[float, float]:
    """Return width and height in px; twice the principal point where the size is unknown."""
    if camera.size is not None:
        return float(camera.size[0]), float(camera.size[1])
    return 2 * float(camera.K[0, 2]) + 1, 2 * float(camera.K[1, 2]) + 1


def pixel_gap(a: Camera, b: Camera, depths: ArrayLike) -> float:
    """Return the largest distance in px between where two cameras see the same points.

    The points lie on a grid of rays over the picture of ``a``, at the given depths along them
    (D,), in its unit. Infinite where ``b`` cannot see one of them, or ``a`` none.
    """
    width, height = image_size(a)
    x, y = np.meshgrid(np.linspace(0, width - 1, GRID), np.linspace(0, height - 1, GRID))
    origin, direction = a.ray(np.stack([x.ravel(), y.ravel()], -1))
    cloud = origin + np.asarray(depths, dtype=np.float64)[:, None, None] * direction
    seen = a.project(cloud)
    known = ~np.isnan(seen[..., 0])
    gap = np.linalg.norm(seen - b.project(cloud), axis=-1)[known]
    return float(np.nan_to_num(gap, nan=np.inf).max()) if known.any() else float("inf")
