"""Losses of dense fields against labels or a teacher: one value for each picture (N,).

Means over the cells that have a target; a picture without any has 0. Labelled and distilled terms
(L_L and L_R of Yu et al., NeurIPS 2021, as read in part B.3 of the methods) are the same
functions with another target.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

ROOT_TWO_PI = 0.5 * math.log(2 * math.pi)


def embedding_loss(
    predicted: Float[Tensor, "n d h w"],
    target: Float[Tensor, "n d h w"],
    weight: Float[Tensor, "n h w"],
    unit: float,
) -> Float[Tensor, " n"]:
    """Return the Huber loss of the distance on the surface, in units of ``unit``.

    Quadratic below one ``unit`` (a length in the template's unit), linear beyond, so that cells
    on the wrong limb do not outweigh all others.
    """
    distance = torch.linalg.vector_norm(predicted - target, dim=1) / unit
    return _mean(
        functional.huber_loss(distance, torch.zeros_like(distance), reduction="none"), weight
    )


def uncertainty_loss(
    predicted: Float[Tensor, "n d h w"],
    log_variance: Float[Tensor, "n h w"],
    target: Float[Tensor, "n d h w"],
    weight: Float[Tensor, "n h w"],
) -> Float[Tensor, " n"]:
    """Return how badly the stated variance explains the error; no gradient reaches the field.

    Negative log likelihood of a Gaussian with that variance in each of the D coordinates (Kendall
    and Gal, NeurIPS 2017, eq. 5), so that confidence is learned beside a field, not against it.
    """
    squared = (predicted.detach() - target).square().mean(1)
    return _mean(0.5 * (log_variance + squared * torch.exp(-log_variance)) + ROOT_TWO_PI, weight)


def foreground_loss(
    logit: Float[Tensor, "n h w"], target: Float[Tensor, "n h w"], weight: Float[Tensor, "n h w"]
) -> Float[Tensor, " n"]:
    """Return the cross-entropy of the foreground with its target in [0, 1]."""
    return _mean(
        functional.binary_cross_entropy_with_logits(logit, target, reduction="none"), weight
    )


def part_loss(
    logits: Float[Tensor, "n p_plus_1 h w"],
    part: Int[Tensor, "n h w"],
    weight: Float[Tensor, "n h w"],
) -> Float[Tensor, " n"]:
    """Return the cross-entropy of the parts, 0 the background."""
    return _mean(functional.cross_entropy(logits, part, reduction="none"), weight)


def uv_loss(
    uv: Float[Tensor, "n 2 h w"],
    target: Float[Tensor, "n 2 h w"],
    weight: Float[Tensor, "n h w"],
    unit: float = 0.1,
) -> Float[Tensor, " n"]:
    """Return the smooth L1 loss of u and v of the true part (Guler et al., CVPR 2018)."""
    error = functional.smooth_l1_loss(uv, target, reduction="none", beta=unit) / unit
    return _mean(error.sum(1), weight)


def _mean(cost: Float[Tensor, "n h w"], weight: Float[Tensor, "n h w"]) -> Float[Tensor, " n"]:
    """Return the weighted mean over the cells of each picture; costs of weight 0 may be NaN."""
    counted = torch.where(weight > 0, cost, torch.zeros_like(cost)) * weight
    return counted.sum((1, 2)) / weight.sum((1, 2)).clamp(min=torch.finfo(weight.dtype).eps)
