"""Cutting pictures: every pixel lands where the crop says, and fine patterns do not alias."""

import cv2
import numpy as np
import pytest

from mvboot.datasets.crops import cut, square_crop, subject_box
from mvboot.fields import Crop, DenseField


def ramp(width=200, height=150):
    """Return a picture whose red and green values are its own x and y."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x, y, np.zeros_like(x)], -1)


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.7, 2.0, 3.3, 6.0])
@pytest.mark.parametrize("turn", [0.0, 0.5])
@pytest.mark.parametrize("mirrored", [False, True])
def test_pixels_come_from_where_the_crop_says(scale, turn, mirrored):
    crop = Crop.around((101.3, 74.6), scale, (20, 16), turn)
    crop = crop.mirrored() if mirrored else crop
    shown = cut(ramp(), crop)[..., :2]
    wanted = crop.centers()
    inside = ((wanted > 8) & (wanted < (190, 140))).all(-1)
    assert inside.sum() > 100
    assert np.abs(shown - wanted)[inside].max() < 0.05 * max(scale, 1)  # OpenCV: 1/32 px


def test_outside_is_black():
    shown = cut(np.full((10, 10, 3), 255, np.uint8), Crop.of_grid((-5, 0), 1, (10, 10)))
    assert not shown[:, :5].any() and (shown[:, 5:] == 255).all()
    assert shown.dtype == np.uint8


def test_fine_patterns_are_averaged():
    stripes = np.zeros((400, 400), np.uint8)
    stripes[:, ::2] = 200
    coarse = cut(stripes, Crop.of_box(-0.5, -0.5, 399.5, 399.5, (50, 50)))
    assert np.abs(coarse[2:-2, 2:-2].astype(int) - 100).max() <= 2
    plain = cv2.warpAffine(stripes, np.array([[0.125, 0, 0], [0, 0.125, 0]]), (50, 50))
    assert plain.std() > 50 or np.abs(plain.astype(int) - 100).max() > 50  # what it prevents


def test_rims_of_odd_sizes_stay_in_place():
    picture = np.zeros((103, 101), np.float32)
    picture[100:, 98:] = 1
    crop = Crop.of_box(-0.5, -0.5, 100.5, 102.5, (25, 25))
    assert cut(picture, crop)[-1, -1] > 0.4 and cut(picture, crop)[:-2, :-2].max() == 0


def test_the_subject_is_boxed_by_what_shows_it():
    mask = np.zeros((50, 60), np.float32)
    mask[10:20, 30:36] = 1
    part = (np.arange(60) > 50) * np.ones((50, 1), int)
    field = DenseField.of_charts(part, np.zeros((50, 60, 2)), "0" * 16, "a", 0)
    points = np.array([[3, 4], [7, 9], [np.nan, np.nan]])
    assert subject_box(mask, field, points) == (29.5, 9.5, 35.5, 19.5)
    assert subject_box(mask * 0, field, points) == (50.5, -0.5, 59.5, 49.5)
    assert subject_box(None, None, points) == pytest.approx((2.2, 3.2, 7.8, 9.8))
    assert subject_box(None, None, points * np.nan) is None
    assert subject_box(None, None, None) is None


def test_square_crops_have_room_around_the_box():
    crop = square_crop((29.5, 9.5, 35.5, 19.5), 24, 0.1)
    assert crop.scale == pytest.approx(0.5)
    np.testing.assert_allclose(
        crop.to_original([[-0.5, -0.5], [23.5, 23.5]]), [[26.5, 8.5], [38.5, 20.5]]
    )
