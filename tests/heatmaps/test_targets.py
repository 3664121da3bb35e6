"""Bumps about labels."""

import torch

from mvboot.heatmaps import Bumps, moments

POINTS = torch.tensor([[5.3, 7.0], [10.0, 4.49]], dtype=torch.float64)


def test_a_bump_has_the_mean_and_width_that_was_asked_for():
    bumps = Bumps.at(POINTS, 14, 16, 0.9)
    torch.testing.assert_close(bumps.maps.sum((-2, -1)), torch.ones(2).double())
    found = moments(bumps.maps)
    torch.testing.assert_close(found.mean, POINTS, atol=2e-3, rtol=0)
    torch.testing.assert_close(
        found.covariance, (0.81 * torch.eye(2)).double().expand(2, 2, 2), atol=5e-3, rtol=0
    )


def test_entropy_and_means_are_those_of_the_maps():
    bumps, values = Bumps.at(POINTS, 14, 16, 1.3), torch.randn(2, 14, 16).double()
    torch.testing.assert_close(bumps.entropy, torch.special.entr(bumps.maps).sum((-2, -1)))
    torch.testing.assert_close(bumps.mean_of(values), (bumps.maps * values).sum((-2, -1)))


def test_the_picture_ends_half_a_cell_beyond_its_outermost_cells():
    nan = float("nan")
    points = torch.tensor([[-0.4, 0.0], [-0.6, 0.0], [3.4, 2.4], [3.4, 2.6], [nan, 1.0]])
    bumps = Bumps.at(points, 3, 4, 1.0)
    assert bumps.inside.tolist() == [True, False, True, False, False]
    assert bumps.maps.isfinite().all()
