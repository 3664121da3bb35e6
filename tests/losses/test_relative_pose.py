"""The pose term is the angle, and noise asks for points that are spread out."""

import math

import pytest
import roma
import torch

from mvboot.losses import relative_pose_loss


def rotations(count, seed=0):
    noise = torch.Generator().manual_seed(seed)
    return roma.special_procrustes(torch.randn(count, 3, 3, generator=noise).double())


def clouds(count, keypoints, spread=1.0, seed=0):
    noise = torch.Generator().manual_seed(seed)
    return spread * torch.randn(count, keypoints, 3, generator=noise).double()


def test_the_loss_is_the_angle():
    """Keypoints that turn by R and views that turn by Q: the loss is the angle between them."""
    R, Q, a = rotations(200), rotations(200, 1), clouds(200, 10)
    b = a @ R.mT + torch.tensor([0.3, -0.2, 7.0]).double()
    angle = torch.linalg.vector_norm(roma.rotmat_to_rotvec(Q.mT @ R), dim=-1)
    chord = 2 * torch.asin(torch.linalg.matrix_norm(R - Q) / (2 * math.sqrt(2)))
    found = relative_pose_loss(a, b, Q)
    torch.testing.assert_close(found, angle, atol=1e-9, rtol=0)
    torch.testing.assert_close(found, chord, atol=1e-6, rtol=0)


def test_the_angle_of_a_known_turn():
    axis = torch.nn.functional.normalize(clouds(5, 1)[:, 0], dim=-1)
    a = clouds(5, 6)
    for degrees in (0.0, 0.5, 60.0, 179.0):
        R = roma.rotvec_to_rotmat(math.radians(degrees) * axis)
        found = relative_pose_loss(a, a, R)
        torch.testing.assert_close(
            torch.rad2deg(found), torch.full_like(found, degrees), atol=1e-6, rtol=0
        )


def test_noise_rewards_spread_out_keypoints():
    """The mean angle with noise 0.1 and ten keypoints, by their spread (measured once by hand)."""
    noise = torch.Generator().manual_seed(0)
    for spread, degrees in ((0.05, 95), (0.1, 45), (0.25, 13.9), (0.5, 6.7), (0.7, 4.7)):
        a = clouds(600, 10, spread)
        found = relative_pose_loss(a, a, torch.eye(3).double(), 0.1, noise)
        assert torch.rad2deg(found).mean().item() == pytest.approx(degrees, rel=0.15)


def test_the_same_seed_draws_the_same_noise():
    a = clouds(2, 6)
    values = [
        relative_pose_loss(a, a, torch.eye(3).double(), 0.1, torch.Generator().manual_seed(s))
        for s in (0, 0, 1)
    ]
    assert torch.equal(values[0], values[1]) and not torch.equal(values[0], values[2])


def test_the_gradient_passes_through_the_rotation():
    a, b = clouds(3, 6).requires_grad_(), clouds(3, 6, seed=1).requires_grad_()
    Q = rotations(3)
    assert torch.autograd.gradcheck(lambda x, y: relative_pose_loss(x, y, Q), (a, b))
    mirrored = (a.detach() * torch.tensor([1.0, 1, -1]).double()).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: relative_pose_loss(x, y, Q), (a, mirrored))


def test_collapsed_and_perfect_keypoints_have_finite_gradients():
    for a in (torch.zeros(2, 5, 3), clouds(2, 5).float(), clouds(2, 5).float()[:, :1] * 2):
        points = a.expand(2, 5, 3).clone().requires_grad_()
        relative_pose_loss(points, points.detach(), torch.eye(3)).sum().backward()
        assert points.grad.isfinite().all()
