"""Transfer: other views say where on its line a match lies."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mvboot.geometry import Camera
from mvboot.geometry.epipolar import fundamental_matrix
from mvboot.losses import EpipolarError, Penalty, Sighting, transfer_rows
from mvboot.synthetic.scene import looking_at

REACH = 4.0


def ring(count, height=1.0):
    """Return level cameras about the origin, 35 degrees apart."""
    cameras = []
    for i in range(count):
        angle = np.radians(35 * i)
        center = np.array([4 * np.cos(angle), 4 * np.sin(angle), height])
        R = looking_at(center, np.array([0, 0, height]))
        K = np.array([[600.0, 0, 320], [0, 600, 240], [0, 0, 1]])
        cameras.append(Camera.from_opencv(K, None, R, -R @ center, size=(640, 480)))
    return cameras


@pytest.fixture
def points():
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.uniform(-0.5, 0.5, (50, 3)) + [0, 0, 1.0])


def sightings(cameras, points, weight=1.0):
    return [
        Sighting(camera, camera.project(points), torch.full((len(points),), weight), REACH)
        for camera in cameras
    ]


def off(row, pixels):
    """Return by how much px (N, 2) are off along the line, and how sure the row is."""
    sure = torch.linalg.vector_norm(row[:, :2], dim=1)
    measured = (row * torch.nn.functional.pad(pixels, (0, 1), value=1.0)).sum(1)
    return measured / sure, sure


def test_true_matches_are_where_the_others_say(points):
    first, *others = ring(4)
    rows = transfer_rows(first, first.project(points), sightings(others, points))
    assert rows.shape == (3, 50, 3)
    for camera, row in zip(others, rows, strict=True):
        gap, sure = off(row, camera.project(points))
        assert float(gap.abs().max()) < 1e-6
        assert bool(((sure > 0.8) & (sure < 1)).all())


def test_a_slip_along_the_line_is_measured_in_px(points):
    """Level cameras and points in their plane: the line sees nothing of it, the row all."""
    first, second, third = ring(3)
    points[:, 2] = 1.0
    seen = sightings([second, third], points)
    row = transfer_rows(first, first.project(points), seen)[0]
    slipped = second.project(points) + torch.tensor([7.0, 0.0])
    gap, _ = off(row, slipped)
    torch.testing.assert_close(gap.abs(), torch.full((50,), 7.0, dtype=torch.float64))
    F = fundamental_matrix(first, second)
    at = torch.arange(50)
    pixels = first.project(points)
    line = EpipolarError(pixels, slipped, F, Penalty("unsquared")).forth
    assert float(line.at(at).max()) < 1e-6
    both = EpipolarError(pixels, slipped, F, Penalty("unsquared"), row).forth
    assert float(both.at(at).min()) > 5


def test_a_wrong_sighting_is_outvoted_and_has_no_vote_on_itself(points):
    first, *others = ring(5)
    seen = sightings(others, points)
    seen[1] = seen[1]._replace(pixels=seen[1].pixels + torch.tensor([40.0, 0.0]))
    rows = transfer_rows(first, first.project(points), seen)
    for camera, row in zip(others, rows, strict=True):
        gap, _ = off(row, camera.project(points))
        assert float(gap.abs().max()) < 1e-3


def test_noise_is_averaged(points):
    first, *others = ring(6)
    rng = torch.Generator().manual_seed(0)
    seen = [
        s._replace(pixels=s.pixels + 0.5 * torch.randn(50, 2, generator=rng, dtype=torch.float64))
        for s in sightings(others, points)
    ]
    rows = transfer_rows(first, first.project(points), seen)
    own = torch.cat([off(row, c.project(points))[0] for c, row in zip(others, rows, strict=True)])
    assert float(own.square().mean().sqrt()) < 1.0


def test_one_other_view_says_nothing_about_itself(points):
    first, second = ring(2)
    assert not transfer_rows(first, first.project(points), sightings([second], points)).any()


def test_views_without_weight_do_not_vote(points):
    first, *others = ring(3)
    seen = sightings(others, points)
    seen[1] = seen[1]._replace(weight=torch.zeros(50))
    rows = transfer_rows(first, first.project(points), seen)
    assert not rows[0].any(), "the only other view does not show them"
    assert bool(rows[1].any(-1).all())


def test_sightings_off_the_line_do_not_count(points):
    first, *others = ring(3, 1.0)
    seen = sightings(others, points)
    seen[1] = seen[1]._replace(pixels=seen[1].pixels + torch.tensor([0.0, 60.0]))
    row = transfer_rows(first, first.project(points), seen)[0]
    sure = torch.linalg.vector_norm(row[:, :2], dim=1)
    assert float(sure.max()) < 1e-3


def test_the_unit_of_the_world_changes_nothing(points):
    cameras = ring(4)
    big = [replace(c, cam_from_world=c.cam_from_world.scaled(1000.0)) for c in cameras]
    small = transfer_rows(cameras[0], cameras[0].project(points), sightings(cameras[1:], points))
    large = transfer_rows(big[0], big[0].project(1000 * points), sightings(big[1:], 1000 * points))
    torch.testing.assert_close(small, large)
