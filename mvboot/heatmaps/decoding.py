"""From a heat map to a keypoint: where it is to a fraction of a cell, how sure, and how exact.

A map that was learned by cross-entropy from Gaussian bumps (`Bumps`) is the network's belief
where the label lies, blurred by the bump. Beside the cells there is one more answer, that the
keypoint is nowhere on the picture, with the logit 0. So, all about the likeliest cell:

- the place is the mean of the belief in a window,
- the confidence is the belief that the keypoint is in that window at all,
- the covariance is that of the belief in the window, less the bump's own.

If the belief is right, the confidence is the chance that the place is right but for the
covariance, which is then that of the error: triangulation takes one as the chance of an inlier and
the other as its noise. What is more than ours in it: local means of heat maps are common; reading
confidence and covariance off the same window is our own choice.
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.heatmaps.readout import moments, probabilities

WINDOW_BLURS, LEAST_WINDOW = 4.0, 2
"""How far the window reaches, in widths of the bump, and in cells at least."""

LEAST_SPREAD = 0.25
"""No keypoint is more exact than this standard deviation in cells, whatever its map says."""


ROUND = 1e-6
"""Difference of variances, cells^2, below which a covariance counts as round: no axes to turn."""


class Decoded(NamedTuple):
    """Keypoints of maps (..., h, w).

    ``xy`` (..., 2) in cells; ``confidence`` (...,) in [0, 1]; ``covariance`` (..., 2, 2) in
    cells^2, positive definite.
    """

    xy: Float[Tensor, "*batch 2"]
    confidence: Float[Tensor, "*batch"]
    covariance: Float[Tensor, "*batch 2 2"]


def decode(logits: Float[Tensor, "*batch h w"], blur: float) -> Decoded:
    """Return the keypoint of each map (..., h, w).

    Parameters
    ----------
    logits
        Of the cells; finite.
    blur
        Standard deviation in cells of the bumps that were learned. 0: the maps were learned
        without labels, by their mean alone (`moments`): then the window is the whole map, and
        there is no belief that the keypoint is nowhere.

    The place and the covariance have gradients, but for the choice of the window.
    """
    belief = probabilities(logits)
    if blur == 0:
        found = moments(belief)
        certain = torch.ones_like(found.mean[..., 0])
        return Decoded(found.mean, certain, _at_least(found.covariance, LEAST_SPREAD))
    window = _window(logits, max(LEAST_WINDOW, math.ceil(WINDOW_BLURS * blur)))
    inside = belief * window
    found = moments(inside)
    somewhere = logits.flatten(-2).logsumexp(-1).sigmoid()
    covariance = found.covariance - blur**2 * torch.eye(2).to(logits)
    confidence = (somewhere * inside.sum((-2, -1))).clamp(0, 1)
    return Decoded(found.mean, confidence, _at_least(covariance, LEAST_SPREAD))


def _window(logits: Float[Tensor, "*batch h w"], reach: int) -> Float[Tensor, "*batch h w"]:
    """Return 1 on the square of cells within ``reach`` of the likeliest one, else 0."""
    height, width = logits.shape[-2:]
    best = logits.flatten(-2).argmax(-1)
    rows, columns = (
        ((torch.arange(count, device=logits.device) - place[..., None]).abs() <= reach).to(logits)
        for count, place in ((height, best // width), (width, best % width))
    )
    return rows[..., :, None] * columns[..., None, :]


def _at_least(
    covariance: Float[Tensor, "*batch 2 2"], spread: float
) -> Float[Tensor, "*batch 2 2"]:
    """Return covariances whose standard deviations along both axes are at least ``spread``."""
    xx, xy, yy = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    middle = (xx + yy) / 2
    radius = (((xx - yy) / 2).square() + xy.square() + ROUND**2).sqrt()
    large = (middle + radius).clamp(min=spread**2)
    small = (middle - radius).clamp(min=spread**2)
    turn = (large - small) / (2 * radius)
    identity = torch.eye(2).to(covariance)
    off = covariance - middle[..., None, None] * identity
    return ((large + small) / 2)[..., None, None] * identity + turn[..., None, None] * off
