"""Rotation vectors and matrices.

Every command reads poses, so this is done here: importing roma loads torch's compiler, which takes
longer than most commands (docs/decisions/0003-dependencies.md).
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

POLAR_STEPS = 4
"""Newton's steps to the nearest rotation: each squares the gap, which is 1e-3 at most."""


def matrix_of(rotvec: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the rotation of a Rodrigues vector (axis times angle in radians), differentiable.

    Rodrigues' formula ``I + sin(a)/a K + (1 - cos a)/a^2 K^2``, K the cross product with the
    vector and a its length.
    """
    x, y, z = rotvec.unbind(-1)
    o = torch.zeros_like(x)
    K = torch.stack([o, -z, y, z, o, -x, -y, x, o], -1).reshape(*x.shape, 3, 3)
    turns = torch.linalg.vector_norm(rotvec, dim=-1)[..., None, None] / math.pi
    half = torch.sinc(turns / 2)
    R: Tensor = torch.eye(3).to(rotvec) + torch.sinc(turns) * K + half**2 / 2 * (K @ K)
    return R


def rotvec_of(R: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """Return the Rodrigues vector of a rotation, its angle in [0, pi] radians.

    By the unit quaternion q of Shepperd (1978), which is exact near half turns too: the row of
    ``4 q q^T`` with the largest diagonal entry.
    """
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(-1) for row in R.unbind(-2))
    rows = [
        [1 + a + e + i, h - f, c - g, d - b],
        [h - f, 1 + a - e - i, b + d, c + g],
        [c - g, b + d, 1 - a + e - i, f + h],
        [d - b, c + g, f + h, 1 - a - e + i],
    ]
    products = torch.stack([torch.stack(row, -1) for row in rows], -2)
    best = products.diagonal(dim1=-2, dim2=-1).argmax(-1)
    q = torch.take_along_dim(products, best[..., None, None], -2)[..., 0, :]
    q = torch.where(q[..., :1] < 0, -q, q) / torch.linalg.vector_norm(q, dim=-1, keepdim=True)
    sine = torch.linalg.vector_norm(q[..., 1:], dim=-1, keepdim=True)
    angle = 2 * torch.atan2(sine, q[..., :1])
    rotvec: Tensor = q[..., 1:] * torch.where(sine > 0, angle / sine, 2.0)
    return rotvec


def polished(R: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return the rotation nearest to a matrix close to one: the polar factor (Higham 1986)."""
    for _ in range(POLAR_STEPS):
        R = (R + torch.linalg.inv(R).mT) / 2
    return R
