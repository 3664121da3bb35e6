"""Agreement with OpenCV and COLMAP, to a millionth of a pixel."""

import cv2
import numpy as np
import pycolmap
import pytest
import torch

from mvboot.geometry import Camera

ROTATION, TRANSLATION = np.array([0.1, -0.2, 0.3]), np.array([0.1, 0.2, 3.0])
STRICT = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 500, 1e-15)


def from_plane(camera, plane):
    """K by hand: OpenCV's ``projectPoints`` ignores skew."""
    K = camera.K.numpy()
    return plane @ K[:2, :2].T + K[:2, 2]


def test_project_agrees_with_opencv(camera, points, pixels):
    flat = points.reshape(-1, 1, 3)
    if camera.lens.name == "fisheye":
        K = camera.K.numpy().copy()
        alpha, K[0, 1] = K[0, 1] / K[0, 0], 0.0
        coefficients = camera.lens.coefficients.numpy()
        px, _ = cv2.fisheye.projectPoints(flat, ROTATION, TRANSLATION, K, coefficients, alpha=alpha)
    else:
        coefficients = camera.lens.coefficients.numpy()
        plane, _ = cv2.projectPoints(flat, ROTATION, TRANSLATION, np.eye(3), coefficients)
        px = from_plane(camera, plane)
    np.testing.assert_allclose(camera.project(points), px.reshape(pixels.shape), atol=1e-6, rtol=0)


def test_undistort_agrees_with_opencv(camera, pixels):
    plane = camera.plane_from_pixels(torch.tensor(pixels)).numpy().reshape(-1, 1, 2)
    coefficients = camera.lens.coefficients.numpy()
    if camera.lens.name == "fisheye":
        flat = cv2.fisheye.undistortPoints(plane, np.eye(3), coefficients, criteria=STRICT)
    else:
        solve = getattr(cv2, "undistortPointsIter", cv2.undistortPoints)  # its name in OpenCV 4
        flat = solve(plane, np.eye(3), coefficients, R=None, P=None, criteria=STRICT)
    np.testing.assert_allclose(
        camera.undistort(pixels), from_plane(camera, flat).reshape(pixels.shape), atol=1e-6, rtol=0
    )


COLMAP = {
    "PINHOLE": ("pinhole", []),
    "OPENCV": ("brown", [-0.28, 0.09, 1e-3, -2e-3]),
    "FULL_OPENCV": ("brown", [-0.28, 0.09, 1e-3, -2e-3, 0.01, 0.02, -0.01, 3e-3]),
    "OPENCV_FISHEYE": ("fisheye", [-0.03, 0.01, -2e-3, 5e-4]),
}


@pytest.mark.parametrize("model", COLMAP)
def test_project_and_undistort_agree_with_colmap(model, pixels):
    lens, coefficients = COLMAP[model]
    camera = Camera.from_opencv(
        [[900.0, 0, 640], [0, 880, 500], [0, 0, 1]], coefficients, lens=lens
    )
    peer = pycolmap.Camera(
        model=model, width=1280, height=1024, params=[900.0, 880, 640.5, 500.5, *coefficients]
    )
    _, direction = camera.ray(pixels.reshape(-1, 2))
    in_colmap = peer.img_from_cam(3.0 * direction) - 0.5
    np.testing.assert_allclose(camera.project(3.0 * direction), in_colmap, atol=1e-6, rtol=0)
    plane = peer.cam_from_img(pixels.reshape(-1, 2) + 0.5)
    np.testing.assert_allclose(
        camera.undistort(pixels.reshape(-1, 2)), from_plane(camera, plane), atol=1e-6, rtol=0
    )
