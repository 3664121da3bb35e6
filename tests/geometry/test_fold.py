"""The share of a picture without rays, against what the fold radius says."""

import numpy as np
import pytest

from mvboot.geometry import Camera, rayless_share

SIZE = (1280, 1024)


def camera(distortion, focal=900.0, lens="brown", size=SIZE):
    K = [[focal, 0, 639.5], [0, focal, 511.5], [0, 0, 1]]
    return Camera.from_opencv(K, distortion, size=size, lens=lens)


def beyond(radius_px):
    """Share of the picture's pixels that lie farther than a radius from its middle."""
    x, y = np.meshgrid(np.arange(SIZE[0]) - 639.5, np.arange(SIZE[1]) - 511.5)
    return float((np.hypot(x, y) > radius_px).mean())


@pytest.mark.parametrize("k1", [-0.3, -0.4, -0.6])
def test_barrel_distortion_folds_where_its_slope_vanishes(k1):
    fold = 1 / np.sqrt(-3 * k1)  # r (1 + k1 r^2) has its top there
    expected = beyond(900 * fold * (1 + k1 * fold**2))
    assert expected > 0.01
    assert rayless_share(camera([k1, 0, 0, 0])) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("k1", [0.0, 0.4, -0.1, -0.15])
def test_a_lens_that_reaches_the_corners_has_none(k1):
    assert rayless_share(camera([k1, 0, 0, 0])) == 0


def test_a_corner_is_enough():
    """The picture ends two pixels beyond the fold, in its corners alone."""
    fold = 2 / 3 / np.sqrt(0.9)
    focal = (np.hypot(640, 512) - 2) / fold
    assert 0 < rayless_share(camera([-0.3, 0, 0, 0], focal)) < 1e-3
    assert rayless_share(camera([-0.3, 0, 0, 0], focal * 1.01)) == 0


def test_a_pole_of_a_rational_lens():
    share = rayless_share(camera([0, 0, 0, 0, 0, -2.5, 0, 0]))
    assert share == 0  # the radius grows without end before the pole, so every pixel has a ray
    assert rayless_share(camera([-2.4, 0, 0, 0, 0, -2.5, 4, 0])) > 0.2


def test_a_fisheye_folds_before_ninety_degrees_or_has_an_image_circle():
    narrow = camera([-0.4, 0, 0, 0], 500, "fisheye")
    assert narrow.lens.max_theta < np.pi / 2
    assert rayless_share(narrow) > 0.2
    assert rayless_share(camera([-0.08, 0, 0, 0], 300, "fisheye")) == 0


def test_a_pinhole_and_a_picture_of_unknown_size():
    assert rayless_share(camera(None)) == 0
    known, unknown = (camera([-0.4, 0, 0, 0], size=size) for size in (SIZE, None))
    assert rayless_share(unknown) == pytest.approx(rayless_share(known), abs=1e-12)
