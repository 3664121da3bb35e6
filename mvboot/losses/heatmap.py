"""The loss of heat maps against labels: one value for each picture (N,)."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from mvboot.heatmaps import Bumps


def heatmap_loss(
    logits: Float[Tensor, "n k h w"],
    points: Float[Tensor, "n k 2"],
    weight: Float[Tensor, "n k"],
    blur: float,
) -> Float[Tensor, " n"]:
    """Return the divergence of heat maps from bumps about the labels, in nats a keypoint.

    Cross-entropy of the answers "in this cell" and "nowhere on the picture" (logit 0), less that of
    a perfect map; so maps become beliefs, which `mvboot.heatmaps.decode` reads.

    Parameters
    ----------
    logits
        (N, K, h, w).
    points
        (N, K, 2) labels in cells. One that lies beyond the rim is known to be nowhere.
    weight
        (N, K) how much each counts. Where it is 0 the label may be NaN; NaN with a weight is a
        keypoint that is known to be hidden: nowhere, too.
    blur
        Standard deviation of the bumps in cells.

    Returns
    -------
    (N,) weighted means over the keypoints of each picture, 0 for one without any.
    """
    height, width = logits.shape[-2:]
    bumps = Bumps.at(points.to(logits), height, width, blur)
    nowhere = torch.zeros_like(logits[..., 0, 0])
    total = torch.logaddexp(logits.flatten(-2).logsumexp(-1), nowhere)
    there = total - bumps.mean_of(logits) - bumps.entropy
    cost = torch.where(bumps.inside, there, total)
    return (cost * weight).sum(1) / weight.sum(1).clamp(min=torch.finfo(weight.dtype).eps)


def heatmap_divergence(
    logits: Float[Tensor, "n k h w"], reference: Float[Tensor, "n k h w"]
) -> Float[Tensor, " n"]:
    """Return how far heat maps are from others, in nats a keypoint, means over the keypoints (N,).

    Kullback and Leibler's divergence of the answers that `heatmap_loss` knows; ``reference``,
    with the same shape, has no gradient.
    """
    answers, wanted = (_answers(maps) for maps in (logits, reference.detach()))
    return (wanted.exp() * (wanted - answers)).sum(-1).mean(1)


def _answers(logits: Float[Tensor, "n k h w"]) -> Float[Tensor, "n k answers"]:
    """Return the logarithms of the beliefs in each cell and, last, in "nowhere"."""
    return pad(logits.flatten(-2), (0, 1)).log_softmax(-1)
