import math

import pytest
import torch

from mvboot.losses import silhouette_loss


def test_by_hand():
    """A quarter of a flat map lies on the mask: -log 1/4."""
    mask = torch.zeros(4, 4, dtype=torch.bool)
    mask[:2, :2] = True
    assert silhouette_loss(torch.zeros(3, 4, 4), mask).item() == pytest.approx(math.log(4))


def test_the_equation_written_out():
    logits, mask = torch.randn(2, 3, 5, 6).double(), torch.rand(2, 5, 6) > 0.6
    g = logits.flatten(2).softmax(2)
    expected = -(g * mask.flatten(1)[:, None]).sum(2).log().mean(1)
    torch.testing.assert_close(silhouette_loss(logits, mask), expected)


def test_on_the_subject_it_costs_nothing_and_far_off_it_still_pulls():
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[:, :, :2] = True
    on = torch.full((1, 1, 8, 8), -200.0)
    on[..., 3, 1] = 0
    assert silhouette_loss(on, mask).item() == 0
    off = torch.full((1, 1, 8, 8), -200.0)
    off[..., 3, 6] = 0
    off.requires_grad_()
    value = silhouette_loss(off, mask)
    value.sum().backward()
    assert value.item() == pytest.approx(200 - math.log(16), abs=1e-3)
    assert off.grad[..., :2].sum() < -0.99 and off.grad.isfinite().all()


def test_an_empty_mask_asks_for_nothing():
    logits = torch.randn(1, 2, 4, 4, requires_grad=True)
    value = silhouette_loss(logits, torch.zeros(1, 4, 4, dtype=torch.bool))
    value.sum().backward()
    assert value.item() == 0 and (logits.grad == 0).all()
