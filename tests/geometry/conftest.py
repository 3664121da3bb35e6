"""Every lens, with skew and without: one test body runs over all of them."""

import numpy as np
import pytest

from mvboot.geometry import Camera

BROWN = [-0.28, 0.09, 1e-3, -2e-3, 0.01, 0.02, -0.01, 3e-3, 1e-3, -2e-3, 3e-3, 1e-4, 0.02, -0.03]
COEFFICIENTS = {"pinhole": [], "fisheye": [-0.03, 0.01, -2e-3, 5e-4]}
COEFFICIENTS |= {f"brown{n}": BROWN[:n] for n in (4, 5, 8, 12, 14)}
SIZE = (1280, 1024)
ROTATION, TRANSLATION = np.array([0.1, -0.2, 0.3]), np.array([0.1, 0.2, 3.0])


@pytest.fixture(params=[0.0, 1.5], ids=["", "skew"])
def K(request):
    return np.array([[900.0, request.param, 640.0], [0.0, 880.0, 500.0], [0.0, 0.0, 1.0]])


@pytest.fixture(params=COEFFICIENTS)
def lens_name(request):
    return request.param


@pytest.fixture
def camera(K, lens_name):
    lens = lens_name.rstrip("0123456789")
    return Camera.from_opencv(K, COEFFICIENTS[lens_name], ROTATION, TRANSLATION, SIZE, lens)


@pytest.fixture
def pixels():
    """A grid (5, 7, 2) over the whole picture, its outermost borders included."""
    x, y = np.linspace(-0.5, SIZE[0] - 0.5, 7), np.linspace(-0.5, SIZE[1] - 0.5, 5)
    return np.stack(np.meshgrid(x, y), -1)


@pytest.fixture
def points(camera, pixels):
    """World points (5, 7, 3) behind those pixels, at different distances."""
    origin, direction = camera.ray(pixels)
    return origin + np.linspace(0.5, 6.0, 35).reshape(5, 7, 1) * direction
