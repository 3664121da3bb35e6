"""Keypoints should not lie in one place."""

import torch
from jaxtyping import Float
from torch import Tensor


def separation_loss(points: Float[Tensor, "*batch k 3"], delta2: float) -> Float[Tensor, "*batch"]:
    """Return how far keypoints (..., K, 3) are within a distance of one another.

    ``1/K^2 sum_i sum_{j != i} max(0, delta^2 - |X_i - X_j|^2)`` with ``delta2`` = delta^2
    (Suwajanakorn et al., NeurIPS 2018, eq. 8): 0 where all are farther apart. In space, not in
    the picture: two keypoints may share a pixel at different depths.
    """
    gap2 = (points[..., :, None, :] - points[..., None, :, :]).square().sum(-1)
    count = points.shape[-2]
    others = ~torch.eye(count, dtype=torch.bool, device=points.device)
    return ((delta2 - gap2).clamp(min=0) * others).sum((-2, -1)) / count**2
