"""Reading a whole heat map: the spatial softmax, and means under it.

The mean of the places moves with the map, so that the keypoints of a network move with what it
sees (Suwajanakorn et al., NeurIPS 2018, eq. 6-7). All of it has gradients.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Moments(NamedTuple):
    """``mean`` (..., 2) as x, y and ``covariance`` (..., 2, 2) of a map, in units of its axes."""

    mean: Float[Tensor, "*batch 2"]
    covariance: Float[Tensor, "*batch 2 2"]


def probabilities(logits: Float[Tensor, "*batch h w"]) -> Float[Tensor, "*batch h w"]:
    """Return the softmax over the cells of each map: they sum to one."""
    return logits.flatten(-2).softmax(-1).reshape(logits.shape)


def moments(
    weights: Float[Tensor, "*batch h w"],
    x: Float[Tensor, " w"] | None = None,
    y: Float[Tensor, " h"] | None = None,
) -> Moments:
    """Return mean and covariance of the places of cells, weighted by a map.

    Parameters
    ----------
    weights
        Maps (..., h, w) that are nowhere negative, in any scale; without any mass the result is
        NaN.
    x, y
        Places of the columns (w,) and of the rows (h,); none: their numbers, 0, 1, ...
    """
    height, width = weights.shape[-2:]
    x = torch.arange(width).to(weights) if x is None else x.to(weights)
    y = torch.arange(height).to(weights) if y is None else y.to(weights)
    weights = weights / weights.sum((-2, -1), keepdim=True)
    columns, rows = weights.sum(-2), weights.sum(-1)
    mean = torch.stack([columns @ x, rows @ y], -1)
    off_x, off_y = x - mean[..., :1], y - mean[..., 1:]  # centred first: differences round less
    xx, yy = (columns * off_x.square()).sum(-1), (rows * off_y.square()).sum(-1)
    xy = ((weights @ off_x[..., None])[..., 0] * off_y).sum(-1)
    return Moments(mean, torch.stack([xx, xy, xy, yy], -1).reshape(*xx.shape, 2, 2))


def expected(
    weights: Float[Tensor, "*batch h w"], values: Float[Tensor, "*batch h w"]
) -> Float[Tensor, "*batch"]:
    """Return the mean of the values of cells (a depth, say) under maps that sum to one (eq. 7)."""
    return (weights * values).sum((-2, -1))
