"""Parts: pixels of different body parts should not match, however near their coordinates are."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor


def with_parts(
    u: Float[Tensor, "*n d"], parts: Float[Tensor, "*n k"], apart: float
) -> Float[Tensor, "*n d_plus_k"]:
    """Return coordinates (..., D + K) in which different parts are ``apart``, in units of u.

    ``parts`` (..., K) are probabilities (soft; the gradient reaches them) or one-hot rows (hard,
    `one_hot`): the squared distance of two pixels grows by ``apart^2 / 2 |p - p'|^2``, which is
    ``apart^2`` between two certain parts. With ten sigma or more nothing matches across parts.
    """
    return torch.cat([u, apart / math.sqrt(2) * parts.to(u.dtype)], -1)


def one_hot(parts: Int[Tensor, "*n"], count: int) -> Float[Tensor, "*n k"]:
    """Return labels 1 .. count, as in a field of charts, as certain parts (..., count).

    0, the background, is no part.
    """
    return torch.nn.functional.one_hot(parts.long(), count + 1)[..., 1:].float()
