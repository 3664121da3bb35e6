"""The loss of heat maps: zero for perfect ones, cross-entropy otherwise."""

import math

import pytest
import torch

from mvboot.heatmaps import Bumps, decode
from mvboot.losses import heatmap_divergence, heatmap_loss

SIZE, BLUR = 12, 1.0
POINTS = torch.tensor([[[4.3, 5.0], [-3.0, 2.0]]], dtype=torch.float64)
"""One on the picture, one beyond it."""


def perfect():
    """Return logits that say both, with a certainty of one in 10^9."""
    logits = Bumps.at(POINTS, SIZE, SIZE, BLUR).maps.log()
    return logits + torch.tensor([20.0, -40.0]).double()[:, None, None]


def test_a_perfect_map_costs_nothing():
    assert heatmap_loss(perfect(), POINTS, torch.ones(1, 2).double(), BLUR).item() < 1e-8


def test_an_empty_map_costs_as_much_as_it_does_not_know():
    bumps = Bumps.at(POINTS, SIZE, SIZE, BLUR)
    answers = SIZE * SIZE + 1
    found = heatmap_loss(torch.zeros(1, 2, SIZE, SIZE).double(), POINTS,
                         torch.ones(1, 2).double(), BLUR)  # fmt: skip
    on_picture = math.log(answers) - bumps.entropy[0, 0].item()
    assert found.item() == pytest.approx((on_picture + math.log(answers)) / 2)


def test_written_out():
    logits = torch.randn(2, 3, 5, 6).double()
    points, weight = 4 * torch.rand(2, 3, 2).double(), torch.rand(2, 3).double()
    found = heatmap_loss(logits, points, weight, 0.8)
    for n in range(2):
        total = 0.0
        for k in range(3):
            target = Bumps.at(points[n, k], 5, 6, 0.8).maps.flatten()
            p = torch.cat([logits[n, k].flatten(), torch.zeros(1).double()]).softmax(0)[:-1]
            total += weight[n, k] * (target * (target.log() - p.log())).sum()
        torch.testing.assert_close(found[n], total / weight[n].sum())


def test_missing_labels_teach_nothing_and_hidden_ones_that_they_are():
    points = POINTS.clone()
    points[0, 0] = torch.nan
    logits = torch.zeros(1, 2, SIZE, SIZE).double().requires_grad_()
    heatmap_loss(logits, points, torch.tensor([[0.0, 1.0]]), BLUR).sum().backward()
    assert (logits.grad[0, 0] == 0).all() and (logits.grad[0, 1] > 0).all()
    logits.grad = None
    heatmap_loss(logits, points, torch.tensor([[1.0, 0.0]]), BLUR).sum().backward()
    assert (logits.grad[0, 0] > 0).all()  # less likely anywhere
    assert heatmap_loss(logits, points, torch.zeros(1, 2), BLUR).item() == 0


def test_the_gradient():
    logits = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor([[1.0, 0.5]]).double()
    points = torch.tensor([[[1.2, 2.0], [-4.0, 0.0]]]).double()
    assert torch.autograd.gradcheck(lambda x: heatmap_loss(x, points, weight, 1.0), logits)


def test_maps_that_learn_become_beliefs():
    """Of labels that are here in seven of ten cases and there in three, both are remembered."""
    logits = torch.zeros(1, 1, SIZE, SIZE, requires_grad=True)
    here, there = torch.tensor([[[2.0, 2.0]]]), torch.tensor([[[9.4, 9.0]]])
    optimiser = torch.optim.Adam([logits], 0.3)
    one = torch.ones(1, 1)
    for _ in range(150):
        loss = 0.7 * heatmap_loss(logits, here, one, BLUR)
        loss = loss + 0.3 * heatmap_loss(logits, there, one, BLUR)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
    found = decode(logits.detach(), BLUR)
    assert found.confidence.item() == pytest.approx(0.7, abs=0.02)
    assert (found.xy - here).abs().max() < 0.1


def test_divergence_from_other_heat_maps():
    torch.manual_seed(0)
    logits, reference = (torch.randn(2, 3, 4, 5, dtype=torch.float64) for _ in range(2))
    reference.requires_grad_()
    own = logits.clone().requires_grad_()
    with_nowhere = [torch.cat([m.flatten(2), torch.zeros(2, 3, 1)], 2) for m in (own, reference)]
    p, q = (m.softmax(-1) for m in with_nowhere)
    expected = (q * (q / p).log()).sum(-1).mean(1)
    found = heatmap_divergence(own, reference)
    torch.testing.assert_close(found, expected)
    assert (found > 0.1).all() and heatmap_divergence(own, own).abs().max() < 1e-12
    found.sum().backward()
    assert reference.grad is None and own.grad.abs().max() > 0
