"""Where in a picture a lens has no inverse: pixels there have no ray, and are lost.

Beyond its invertible radius a distortion polynomial folds the picture back onto itself. A fit that
saw no points near the corners, or has more terms than these determine, folds inside the picture.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.geometry.camera import Camera
from mvboot.geometry.gap import image_size
from mvboot.geometry.lenses import Fisheye

GRID = 65


def rayless_share(camera: Camera) -> float:
    """Return the share of a camera's picture, in [0, 1], whose pixels have no ray.

    Measured on a grid of 65 x 65 places from rim to rim, corners included; the picture's size is
    `image_size`. A lens is invertible in a disc around its axis, so that one with rays all along
    the rim has them everywhere. It is 0 for a fisheye that reaches 90 degrees off its axis: what
    lies farther out is the black around its image circle.
    """
    lens = camera.lens
    if isinstance(lens, Fisheye) and lens.max_theta >= math.pi / 2:
        return 0.0
    sides = [torch.linspace(-0.5, side - 0.5, GRID).to(camera.K) for side in image_size(camera)]
    places = torch.cartesian_prod(*sides).reshape(GRID, GRID, 2)
    rim = torch.cat([places[[0, -1]].flatten(0, 1), places[:, [0, -1]].flatten(0, 1)])
    if _has_ray(camera, rim).all():
        return 0.0
    side = np.ones(GRID)
    side[[0, -1]] = 0.5  # half of a place on the rim, three quarters of a corner, lie outside
    weight = np.outer(side, side)
    return float(weight[~_has_ray(camera, places)].sum() / weight.sum())


def _has_ray(camera: Camera, pixels: torch.Tensor) -> NDArray[np.bool_]:
    return camera.lens.unproject(camera.plane_from_pixels(pixels))[1].numpy()
