"""Our cameras and poses as pycolmap's, and back."""

import numpy as np
import pycolmap
import torch
from numpy.typing import NDArray

from mvboot.errors import InputError, take_signals_back
from mvboot.formats.colmap import HALF_PIXEL, focal_and_centre, matrix_of
from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig

take_signals_back()

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def solver_camera(number: int, name: str, camera: Camera, refined: bool) -> pycolmap.Camera:
    """Return pycolmap's camera: a pinhole that sees undistorted pixels where it has no better."""
    terms = _terms(camera)
    if refined and not expressible(camera):
        what = f"{terms} distortion terms" if terms > 8 else "a skewed K"
        raise InputError(
            f"camera {name} has {what}, which cannot be refined; freeze its intrinsics"
        )
    if not expressible(camera):
        terms, model = 0, "PINHOLE"
    elif camera.lens.name == "fisheye":
        model = "OPENCV_FISHEYE"
    else:
        model = "PINHOLE" if terms == 0 else "OPENCV" if terms <= 4 else "FULL_OPENCV"
    size = {"PINHOLE": 0, "OPENCV": 4, "OPENCV_FISHEYE": 4, "FULL_OPENCV": 8}[model]
    lens = np.zeros(size)
    lens[:terms] = camera.lens.coefficients[:terms].numpy()
    width, height = camera.size or (0, 0)
    return pycolmap.Camera(
        camera_id=number,
        model=model,
        width=width,
        height=height,
        params=[*focal_and_centre(camera), *lens],
    )


def expressible(camera: Camera) -> bool:
    """Whether the solver has this lens, and no skew."""
    return bool(camera.K[0, 1] == 0) and _terms(camera) <= 8


def _terms(camera: Camera) -> int:
    """Return the number of distortion terms; of more than eight, zeros at the end do not count."""
    coefficients = camera.lens.coefficients
    used = int(coefficients.nonzero().max()) + 1 if bool(coefficients.any()) else 0
    return min(len(coefficients), max(8, used))


def solver_pixels(rig: Rig, pixels: Floats, cameras: Ints) -> Floats:
    """Return pixels (N, 2), each of the camera of its row, as the solver's cameras see them.

    The solver counts from the corner of the first pixel, we from its centre.
    """
    pixels = pixels.copy()
    for c, camera in enumerate(rig.cameras.values()):
        if not expressible(camera):
            rows = cameras == c
            flat = camera.plane_from_pixels(torch.from_numpy(camera.undistort(pixels[rows])))
            K = camera.K.clone()
            K[0, 1] = 0
            pixels[rows] = (flat @ K[:2, :2].mT + K[:2, 2]).numpy()
    return pixels + HALF_PIXEL


def refined(camera: Camera, colmap: pycolmap.Camera) -> Camera:
    """Return a camera with the intrinsics of the solver's; its pose is that of the world."""
    fx, fy, cx, cy, *lens = np.asarray(colmap.params)
    terms = _terms(camera)
    unused = len(camera.lens.coefficients) - terms
    coefficients = [*lens[:terms], *[0.0] * unused]
    return Camera.from_opencv(
        matrix_of(fx, fy, cx, cy), coefficients, size=camera.size, lens=camera.lens.name
    )


def rigid(pose: Pose) -> pycolmap.Rigid3d:
    """Return a pose as a transform of the solver."""
    return pycolmap.Rigid3d(pycolmap.Rotation3d(pose.R.numpy()), pose.t.numpy())


def pose_of(rigid: pycolmap.Rigid3d | None) -> Pose:
    """Return a transform of the solver as a pose."""
    assert rigid is not None, "every sensor and frame was given a pose"
    matrix = torch.from_numpy(rigid.matrix())
    return Pose(matrix[:, :3], matrix[:, 3])
