"""The keypoints of two views should turn as the cameras do."""

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.geometry.align import rotation_angle, rotation_between


def relative_pose_loss(
    points_a: Float[Tensor, "*batch k 3"],
    points_b: Float[Tensor, "*batch k 3"],
    b_from_a: Float[Tensor, "*#batch 3 3"],
    noise: float = 0.0,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "*batch"]:
    """Return the angle, in radians, between the true rotation and the one of the points.

    ``2 arcsin(|R^ - R|_F / (2 sqrt 2))`` for the rotation R^ that carries points (..., K, 3) in
    camera a to those in camera b best (Suwajanakorn et al., NeurIPS 2018, eq. 4-5, with the norm
    not squared). The gradient passes through R^.

    ``noise`` is the standard deviation of Gaussian noise added to both sets of points, in their
    unit: it rewards points that are spread out, and keeps the rotation determined. Draws are made
    on the CPU, in float64, so that a seed means the same on every device.
    """
    found = rotation_between(
        points_a.double() + _noise(points_a, noise, generator),
        points_b.double() + _noise(points_b, noise, generator),
    )
    return rotation_angle(found, b_from_a.to(found)).to(points_a.dtype)


def _noise(like: Tensor, noise: float, generator: torch.Generator | None) -> Tensor:
    drawn = torch.randn(like.shape, dtype=torch.float64, generator=generator)
    return noise * drawn.to(like.device)
