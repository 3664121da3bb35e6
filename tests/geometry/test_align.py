"""Procrustes and the angle between rotations."""

import math

import numpy as np
import pytest
import roma
import torch
from scipy.spatial.transform import Rotation

from mvboot.geometry import rotation_angle, rotation_between


def rotations(count, seed=0):
    drawn = Rotation.random(count, random_state=np.random.default_rng(seed))
    return torch.from_numpy(drawn.as_matrix())


def clouds(*shape, seed=0):
    return torch.randn(*shape, 3, generator=torch.Generator().manual_seed(seed)).double()


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_exact_points_give_the_rotation_back(batch):
    a = clouds(*batch, 6)
    R = rotations(max(1, math.prod(batch))).reshape(*batch, 3, 3)
    b = a @ R.mT + clouds(*batch, 1, seed=1)
    torch.testing.assert_close(rotation_between(a, b), R, atol=1e-12, rtol=0)


def test_three_points_suffice_and_a_plane_too():
    R = rotations(20)
    for a in (clouds(20, 3), clouds(20, 8) * torch.tensor([1.0, 1.0, 0.0]).double()):
        torch.testing.assert_close(rotation_between(a, a @ R.mT), R, atol=1e-10, rtol=0)


def test_a_reflection_is_never_the_answer():
    """Of mirrored and noisy points the best rotation, as another solver finds it."""
    a = clouds(30, 7)
    b = a * torch.tensor([-1.0, 1, 1]).double() + 0.1 * clouds(30, 7, seed=4)
    found = rotation_between(a, b)
    torch.testing.assert_close(torch.linalg.det(found), torch.ones(30).double())
    for i in range(30):
        a0, b0 = (x[i] - x[i].mean(0) for x in (a, b))
        best = Rotation.align_vectors(b0.numpy(), a0.numpy())[0].as_matrix()
        np.testing.assert_allclose(found[i].numpy(), best, atol=1e-7)


def test_the_size_of_the_world_changes_nothing():
    a, b = clouds(5, 9), clouds(5, 9, seed=2)
    a.requires_grad_()
    gradients = []
    for size in (1e-3, 1.0, 1e3):
        R = rotation_between(size * a, size * b)
        gradients.append(torch.autograd.grad(R[..., 0, 1].sum(), a)[0])
    torch.testing.assert_close(gradients[0], gradients[1], atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(gradients[1], gradients[2], atol=1e-6, rtol=1e-4)


def test_gradients_of_rotations():
    a, b = clouds(3, 5).requires_grad_(), clouds(3, 5, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(rotation_between, (a, b))
    mirrored = (a.detach() * torch.tensor([1.0, -1, 1]).double()).requires_grad_()
    assert torch.autograd.gradcheck(rotation_between, (a, mirrored))


def test_points_that_leave_the_rotation_open_have_finite_gradients():
    line = (clouds(2, 6)[..., :1] * torch.ones(3).double()).requires_grad_()
    place = torch.ones(2, 6, 3).double().requires_grad_()
    for points in (line, place):
        rotation_between(points, points.detach()).sum().backward()
        assert points.grad.isfinite().all()


def test_single_precision_is_solved_in_double():
    R = rotations(4)
    a = clouds(4, 10) + 30
    found = rotation_between(a.float(), (a @ R.mT).float())
    assert found.dtype == torch.float32
    assert (found.double() - R).abs().max() < 1e-5


def test_the_angle_is_the_one_of_the_paper():
    R, Q = rotations(200), rotations(200, 1)
    chord = torch.linalg.matrix_norm(R - Q)
    expected = 2 * torch.asin((chord / (2 * math.sqrt(2))).clamp(max=1))
    torch.testing.assert_close(rotation_angle(R, Q), expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize("angle", [0.0, 1e-9, 0.1, 1.5, 3.0, math.pi - 1e-9, math.pi])
def test_known_angles(angle):
    axis = torch.nn.functional.normalize(clouds(10), dim=-1)
    Q = rotations(10)
    R = roma.rotvec_to_rotmat(angle * axis) @ Q
    assert (rotation_angle(R, Q) - angle).abs().max() < 1e-14 + 1e-15 * angle + 4e-15 * 10


def test_the_gradient_of_the_angle_is_one_and_finite_at_its_ends():
    axis = torch.nn.functional.normalize(clouds(), dim=-1)
    for angle in (0.0, 1e-7, 0.5, 2.0, math.pi - 1e-7, math.pi):
        turn = torch.tensor(angle, dtype=torch.float64, requires_grad=True)
        value = rotation_angle(roma.rotvec_to_rotmat(turn * axis), torch.eye(3).double())
        (slope,) = torch.autograd.grad(value, turn)
        assert slope.isfinite()
        if 0 < angle < math.pi:
            assert slope.item() == pytest.approx(1, abs=1e-4)
