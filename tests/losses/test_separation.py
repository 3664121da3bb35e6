import pytest
import torch

from mvboot.losses import separation_loss

DELTA2 = 0.05


def test_keypoints_farther_apart_than_delta_cost_nothing():
    line = DELTA2**0.5 * 1.0001 * torch.arange(5.0).double()[:, None] * torch.tensor([0, 0, 1.0])
    points = line.requires_grad_()
    value = separation_loss(points, DELTA2)
    assert value.item() == 0
    value.backward()
    assert (points.grad == 0).all()


def test_by_hand():
    """Three keypoints: two 0.1 apart, the third far off; depth separates as well."""
    points = torch.tensor([[0, 0, 0], [0, 0, 0.1], [5, 0, 0]]).double()
    assert separation_loss(points, DELTA2).item() == pytest.approx(2 * (0.05 - 0.01) / 9)


def test_all_in_one_place():
    """Each of n(n - 1) ordered pairs costs delta^2, and no keypoint repels itself."""
    for n in (2, 10):
        value = separation_loss(torch.zeros(4, n, 3), DELTA2)
        torch.testing.assert_close(value, torch.full((4,), DELTA2 * (n - 1) / n))


def test_it_pushes_apart():
    points = (0.05 * torch.randn(6, 3).double()).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: separation_loss(x, DELTA2), points)
