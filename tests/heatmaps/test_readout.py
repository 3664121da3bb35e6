"""The readout moves with the map."""

import pytest
import torch

from mvboot.heatmaps import expected, moments, probabilities


def bump(place, size=24, spread=1.5):
    """Return logits of a round bump about x, y that ends well inside the map."""
    y, x = torch.meshgrid(*[torch.arange(size).double()] * 2, indexing="ij")
    gap2 = (x - place[0]).square() + (y - place[1]).square()
    return torch.where(gap2 < 36, -gap2 / (2 * spread**2), -1e4)


def test_the_readout_shifts_with_the_map():
    logits = torch.randn(3, 8, 8, dtype=torch.float64)
    framed = torch.full((3, 20, 24), -1e4, dtype=torch.float64)
    framed[:, 4:12, 5:13] = logits
    found = moments(probabilities(framed))
    moved = moments(probabilities(framed.roll((5, -3), (1, 2))))
    torch.testing.assert_close(moved.mean, found.mean + torch.tensor([-3.0, 5.0]).double())
    torch.testing.assert_close(moved.covariance, found.covariance)


def test_a_depth_shifts_with_its_map():
    logits, depth = bump((9, 12)), torch.randn(24, 24, dtype=torch.float64)
    here = expected(probabilities(logits), depth)
    there = expected(probabilities(logits.roll(4, 1)), depth.roll(4, 1))
    torch.testing.assert_close(here, there)


def test_moments_against_all_cells_written_out():
    weights = torch.rand(2, 3, 5, 7, dtype=torch.float64)
    x, y = torch.linspace(-1, 1, 7).double(), torch.linspace(2, 3, 5).double()
    found = moments(weights, x, y)
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)
    share = (weights / weights.sum((-2, -1), keepdim=True)).flatten(-2)
    mean = share @ places
    off = places - mean[..., None, :]
    torch.testing.assert_close(found.mean, mean)
    torch.testing.assert_close(
        found.covariance, torch.einsum("abn,abni,abnj->abij", share, off, off)
    )


def test_axes_state_the_unit():
    weights = torch.rand(4, 6, 6)
    plain, scaled = moments(weights), moments(weights, 0.5 * torch.arange(6), 0.5 * torch.arange(6))
    torch.testing.assert_close(scaled.mean, plain.mean / 2)
    torch.testing.assert_close(scaled.covariance, plain.covariance / 4)


def test_single_precision_suffices_far_from_the_corner():
    logits = bump((410.3, 407.8), 420, 0.8).float()
    spread = moments(probabilities(logits)).covariance
    assert spread.diagonal().tolist() == pytest.approx([0.64, 0.64], rel=1e-3)


def test_gradients():
    logits = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: tuple(moments(probabilities(x))), logits)
