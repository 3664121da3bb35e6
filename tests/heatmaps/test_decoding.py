"""Decoded keypoints: exact to a fraction of a cell, and as sure and as exact as they say."""

import math

import pytest
import torch

from mvboot.heatmaps import Bumps, decode
from mvboot.heatmaps.decoding import LEAST_SPREAD

SIZE, BLUR = 28, 1.0
SURE = 20.0
"""Logit of the whole map against "nowhere": certain that the keypoint is on the picture."""


def beliefs(middle, covariance, log_mass=SURE):
    """Return logits of Gaussian beliefs, blurred by the bump; the exponentials sum to a mass."""
    y, x = torch.meshgrid(*[torch.arange(SIZE).double()] * 2, indexing="ij")
    off = torch.stack([x, y], -1) - middle[..., None, None, :]
    precision = torch.linalg.inv(covariance + BLUR**2 * torch.eye(2).double())
    logits = -0.5 * torch.einsum("...hwi,...ij,...hwj->...hw", off, precision, off)
    return logits - logits.flatten(-2).logsumexp(-1)[..., None, None] + log_mass


def random_covariances(count, largest, noise):
    deviation = 0.4 + (largest - 0.4) * torch.rand(count, 2, generator=noise).double()
    turn = math.pi * torch.rand(count, generator=noise).double()
    axes = torch.stack([turn.cos(), -turn.sin(), turn.sin(), turn.cos()], -1).reshape(-1, 2, 2)
    return axes @ torch.diag_embed(deviation.square()) @ axes.mT


def drawn(middle, covariance, noise):
    white = torch.randn(*middle.shape, 1, generator=noise).double()
    return middle + (torch.linalg.cholesky(covariance) @ white)[..., 0]


def test_a_perfect_map_is_read_to_a_thousandth_of_a_cell():
    points = 6 + 14 * torch.rand(50, 2, generator=torch.Generator().manual_seed(0)).double()
    logits = Bumps.at(points, SIZE, SIZE, BLUR).maps.log() + SURE
    found = decode(logits, BLUR)
    torch.testing.assert_close(found.xy, points, atol=2e-3, rtol=0)
    assert found.confidence.min() > 0.999
    spread = LEAST_SPREAD**2 * torch.eye(2).double()
    torch.testing.assert_close(found.covariance, spread.expand(50, 2, 2), atol=1e-2, rtol=0)


def test_the_covariance_is_that_of_the_error():
    """The 90 % ellipses of beliefs of every shape hold 90 % of the truths drawn from them."""
    noise = torch.Generator().manual_seed(1)
    middle = 11 + 6 * torch.rand(3000, 2, generator=noise).double()
    covariance = random_covariances(3000, 1.1, noise)
    found = decode(beliefs(middle, covariance), BLUR)
    error = found.xy - drawn(middle, covariance, noise)
    squared = torch.einsum("ni,nij,nj->n", error, torch.linalg.inv(found.covariance), error)
    assert squared.mean() / 2 == pytest.approx(1, abs=0.07)
    for share in (0.5, 0.9):
        held = (squared <= -2 * math.log(1 - share)).double().mean()
        assert held == pytest.approx(share, abs=0.02)
    gap = (found.covariance - covariance).abs().amax((1, 2))
    assert gap.max() < 0.2  # the tail that the window leaves out


def test_confidence_is_how_often_the_place_is_right():
    """Beliefs in two places and in none: the truth is drawn from them, bins are compared."""
    noise = torch.Generator().manual_seed(2)
    count = 4000
    first = torch.tensor([7.0, 8.0]).double().expand(count, 2)
    second = torch.tensor([20.0, 19.0]).double().expand(count, 2)
    covariance = random_covariances(count, 0.8, noise)
    shares = torch.rand(count, 3, generator=noise).double()
    shares = shares / shares.sum(1, keepdim=True)
    logits = torch.logaddexp(
        beliefs(first, covariance, (shares[:, 0] / shares[:, 2]).log()[:, None, None]),
        beliefs(second, covariance, (shares[:, 1] / shares[:, 2]).log()[:, None, None]),
    )
    found = decode(logits, BLUR)
    answer = torch.multinomial(shares, 1, generator=noise)[:, 0]
    truth = torch.where((answer == 0)[:, None], first, second)
    right = ((found.xy - truth).norm(dim=1) < 4) & (answer < 2)
    for low, high in ((0.34, 0.5), (0.5, 0.65), (0.65, 0.95)):
        bin_ = (found.confidence >= low) & (found.confidence < high)
        assert bin_.sum() > 300
        said = found.confidence[bin_].mean()
        assert right[bin_].double().mean() == pytest.approx(said.item(), abs=0.05)


def test_a_far_second_peak_moves_neither_place_nor_covariance():
    one = beliefs(torch.tensor([8.2, 9.0]).double(), 0.5 * torch.eye(2).double())
    two = torch.logaddexp(one, beliefs(torch.tensor([20.0, 20.0]).double(), torch.eye(2).double(),
                                       SURE - 1))  # fmt: skip
    alone, both = decode(one, BLUR), decode(two, BLUR)
    torch.testing.assert_close(both.xy, alone.xy, atol=1e-4, rtol=0)
    torch.testing.assert_close(both.covariance, alone.covariance, atol=1e-3, rtol=0)
    share = 1 / (1 + math.exp(-1))
    assert both.confidence == pytest.approx(share, abs=1e-3)


def test_maps_without_labels_are_read_whole():
    logits = torch.randn(2, 3, 6, 7)
    found = decode(logits, 0.0)
    share = logits.flatten(-2).softmax(-1).reshape(2, 3, 6, 7)
    torch.testing.assert_close(found.xy[..., 0], (share.sum(-2) * torch.arange(7.0)).sum(-1))
    assert (found.confidence == 1).all()


def test_the_window_is_cut_at_the_rim():
    points = torch.tensor([[0.0, 0.0], [27.0, 13.0]]).double()
    found = decode(Bumps.at(points, SIZE, SIZE, BLUR).maps.log() + SURE, BLUR)
    assert (found.xy - points).abs().max() < 0.8  # half of the bump is missing
    assert found.confidence.min() > 0.99


def test_round_maps_have_finite_gradients():
    logits = Bumps.at(torch.tensor([[10.0, 10.0]]), 21, 21, 1.0).maps.log().requires_grad_()
    found = decode(logits, BLUR)
    (found.xy.sum() + found.covariance.sum()).backward()
    assert logits.grad.isfinite().all()


def test_covariances_are_positive_definite():
    noise = torch.Generator().manual_seed(3)
    found = decode(6 * torch.randn(200, 12, 12, generator=noise), BLUR)
    assert torch.linalg.eigvalsh(found.covariance).min() > 0.99 * LEAST_SPREAD**2
    torch.testing.assert_close(found.covariance, found.covariance.mT)
