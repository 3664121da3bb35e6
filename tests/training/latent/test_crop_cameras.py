"""Crops of calibrated cameras as plain ones, in the unit of the subject."""

import numpy as np
import pytest
import torch

from mvboot.errors import InputError
from mvboot.training.latent.crop_cameras import plain_views, to_places

LENS = (-0.25, 0.08, 0.001, -0.001)
WORLD = ((0.5, 0.1, 0.1), (-0.6, 0, 0), (0.1, 0.4, -0.1), (0.1, -0.4, 0.2))


def points_of(plain, unit):
    """Return the spots in the world of the plain cameras: about the middle, in its unit."""
    world = torch.tensor(WORLD, dtype=torch.float64)
    return unit * world / plain.unit[0]


@pytest.mark.parametrize("unit", [1.0, 1000.0])
@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_plain_cameras_see_what_the_calibrated_ones_see(spots, unit, turn):
    sample = spots(unit=unit, turn=turn, off=7.0)
    plain = plain_views(sample)
    assert plain.gap_px.max() < 1e-8
    points = points_of(plain, unit)  # the crops are about their middle
    in_cameras = torch.stack([plain.cameras.cam_from_world[i].apply(points) for i in range(3)])
    places = plain.cameras.project(in_cameras)
    torch.testing.assert_close(places, to_places(sample, sample.keypoints), atol=1e-8, rtol=0)


def test_mirrored_crops_are_plain_cameras_too(spots):
    sample = spots(mirror=True, turn=0.3)
    plain = plain_views(sample)
    assert (plain.cameras.matrix.det() < 0).all() and plain.gap_px.max() < 1e-8
    points = points_of(plain, 1.0)[[0, 1, 3, 2]]
    in_camera = plain.cameras.cam_from_world[1].apply(points)
    places = plain.cameras[torch.tensor([1])].project(in_camera[None])[0]
    torch.testing.assert_close(places, to_places(sample, sample.keypoints)[1], atol=1e-8, rtol=0)


def test_the_subject_is_one_unit_to_every_side(spots):
    """The crops show 256 to 307 px about a middle 4 and more away, with a focal length of 605."""
    for unit in (1.0, 1000.0):
        plain = plain_views(spots(unit=unit))
        distances = np.array([4 * np.hypot(1, 0.3 * i) for i in range(3)])
        shown = np.mean(distances * 32 * (4 + 0.4 * np.arange(3)) / np.sqrt(600 * 610))
        assert plain.unit.tolist() == pytest.approx([unit * shown] * 3)
        assert (plain.distance * plain.unit).tolist() == pytest.approx(unit * distances)


def test_a_lens_that_distorts_leaves_a_gap_that_is_stated(spots):
    sample = spots(dist=LENS)
    plain = plain_views(sample)
    assert 0.02 < plain.gap_px.max() < 2
    points = points_of(plain, 1.0)
    for i in range(3):
        in_camera = plain.cameras.cam_from_world[i].apply(points)
        places = plain.cameras[torch.tensor([i])].project(in_camera[None])[0]
        off = 32 * (places - to_places(sample, sample.keypoints)[i]).norm(dim=1)
        assert off.max() < 1.2 * plain.gap_px[i]


def test_one_direction_says_nothing_of_depth(spots):
    for angles in ((0.0,), (0.0, 0.05)):
        sample = spots(angles=angles)
        if len(angles) == 2:  # the second camera stands higher: put it beside the first
            sample = type(sample)(**{**vars(sample), "cameras": (sample.cameras[0],) * 2,
                                     "crops": (sample.crops[0],) * 2})  # fmt: skip
        with pytest.raises(InputError, match="two cameras at an instant"):
            plain_views(sample)
