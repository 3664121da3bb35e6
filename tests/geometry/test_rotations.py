import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mvboot.geometry.rotations import matrix_of, polished, rotvec_of

ANGLES = [0.0, 1e-12, 1e-7, 1e-3, 1.0, 3.0, math.pi - 1e-7, math.pi]


def axes(count):
    found = np.random.default_rng(0).normal(size=(count, 3))
    found[:3] = np.eye(3)
    return torch.from_numpy(found / np.linalg.norm(found, axis=1, keepdims=True))


@pytest.mark.parametrize("angle", ANGLES)
def test_vectors_and_matrices_are_scipys_and_undo_each_other(angle):
    vectors = angle * axes(50)
    R = matrix_of(vectors)
    expected = Rotation.from_rotvec(vectors.numpy()).as_matrix()
    np.testing.assert_allclose(R.numpy(), expected, atol=1e-14)
    back = rotvec_of(R)
    np.testing.assert_allclose(back.norm(dim=-1).numpy(), angle, atol=1e-14)
    np.testing.assert_allclose(matrix_of(back).numpy(), expected, atol=1e-14)
    if angle < math.pi:  # a half turn about an axis is one about its opposite
        np.testing.assert_allclose(back.numpy(), vectors.numpy(), rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize("angle", ANGLES)
def test_gradients_hold_everywhere(angle):
    vectors = (angle * axes(4)).requires_grad_()
    assert torch.autograd.gradcheck(matrix_of, (vectors,))


def test_leading_dimensions_and_precision_are_kept():
    vectors = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    R = matrix_of(vectors)
    assert R.shape == (2, 5, 3, 3) and R.dtype == rotvec_of(R).dtype == torch.float32
    torch.testing.assert_close(R[1, 2], matrix_of(vectors[1, 2]))
    torch.testing.assert_close(rotvec_of(R)[1, 2], rotvec_of(R[1, 2]))


def test_a_matrix_of_four_digits_becomes_the_nearest_rotation():
    R = matrix_of(2 * axes(20)) + 3e-4 * torch.randn(20, 3, 3).double()
    left, _, right = np.linalg.svd(R.numpy())
    np.testing.assert_allclose(polished(R).numpy(), left @ right, atol=1e-14)
