"""Keypoints should lie on the subject."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def silhouette_loss(
    logits: Float[Tensor, "*batch k h w"], mask: Bool[Tensor, "*batch h w"]
) -> Float[Tensor, "*batch"]:
    """Return how unlikely heat maps think it that keypoints lie on the mask.

    ``1/K sum_i -log sum_{u,v} b(u, v) g_i(u, v)`` for the softmax g of the logits
    (Suwajanakorn et al., NeurIPS 2018, eq. 9), computed in logarithms, so that a keypoint far off
    still has a gradient. A mask without a cell asks for nothing: 0.
    """
    on = mask.flatten(-2)[..., None, :]
    flat = logits.flatten(-2)
    anywhere = flat.logsumexp(-1)
    least = torch.finfo(flat.dtype).min / 4  # finite: a mask without a cell has no NaN behind it
    there = flat.masked_fill(~on, least).logsumexp(-1)
    return torch.where(on.any(-1), anywhere - there, torch.zeros_like(there)).mean(-1)
