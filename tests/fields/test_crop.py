"""Crops: pixels of cut, resized, turned and mirrored pictures in the original."""

import numpy as np
import pytest

from mvboot.fields import Crop


def test_a_whole_picture_is_itself():
    crop = Crop.whole((5, 3))
    assert crop.centers().shape == (3, 5, 2)
    assert crop.centers()[2, 4].tolist() == [4, 2]
    assert crop.scale == 1 and not crop.is_mirrored


def test_a_resized_picture_keeps_its_edges():
    half = Crop.of_box(-0.5, -0.5, 7.5, 3.5, (4, 2))
    assert half.scale == 2
    assert half.to_original([0, 0]).tolist() == [0.5, 0.5]  # between four original pixels
    assert half.to_original([-0.5, -0.5]).tolist() == [-0.5, -0.5]
    assert half.to_original([3.5, 1.5]).tolist() == [7.5, 3.5]


def test_cells_of_a_network_have_the_centre_of_their_pixels():
    cells = Crop.whole((8, 4)).strided(4)
    assert cells.size == (2, 1)
    assert cells.centers().tolist() == [[[1.5, 1.5], [5.5, 1.5]]]
    with pytest.raises(ValueError, match="8 x 4 px has no cells of 3 px"):
        Crop.whole((8, 4)).strided(3)


def test_a_turned_crop_stays_about_its_middle():
    crop = Crop.around((30.0, 20.0), 2.0, (11, 11), turn=np.pi / 2)
    np.testing.assert_allclose(crop.to_original([5, 5]), [30, 20], atol=1e-12)
    # a quarter turn clockwise (x to the right, y down): right in the crop is down in the original
    np.testing.assert_allclose(crop.to_original([6, 5]), [30, 22], atol=1e-12)
    assert crop.scale == pytest.approx(2)


def test_a_mirrored_crop_swaps_columns():
    crop = Crop.of_box(1.5, 0.5, 5.5, 3.5, (4, 3))
    mirrored = crop.mirrored()
    assert mirrored.is_mirrored and not mirrored.mirrored().is_mirrored
    np.testing.assert_array_equal(mirrored.centers(), crop.centers()[:, ::-1])
    assert mirrored.mirrored().same_as(crop)


def test_crops_of_crops_and_back():
    rng = np.random.default_rng(0)
    outer = Crop.around((300, 200), 1.7, (128, 96), 0.4).mirrored()
    inner = Crop.around((60, 40), 0.5, (64, 64), -1.2)
    both = outer.of(inner)
    px = rng.uniform(-50, 200, (7, 2, 2))
    np.testing.assert_allclose(both.to_original(px), outer.to_original(inner.to_original(px)))
    np.testing.assert_allclose(both.to_crop(both.to_original(px)), px, atol=1e-9)
    assert np.isnan(both.to_crop([np.nan, 1])).all()


@pytest.mark.parametrize(
    ("matrix", "size", "message"),
    [
        (np.eye(3), (2, 2), "2 x 3"),
        ([[1, 0, np.nan], [0, 1, 0]], (2, 2), "finite"),
        ([[1, 1, 0], [1, 1, 0]], (2, 2), "no inverse"),
        ([[1, 0, 0], [0, 1, 0]], (0, 2), "at least one pixel, got 0 x 2"),
    ],
)
def test_unusable_maps_are_refused(matrix, size, message):
    with pytest.raises(ValueError, match=message):
        Crop(np.array(matrix), size)
