"""Two-view geometry. Source: Hartley and Zisserman, Multiple View Geometry, 2nd ed., chapter 9."""

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.geometry.batches import require_leading, spread, times
from mvboot.geometry.camera import Camera


def cross_matrix(v: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Return [v]_x, the matrix with ``[v]_x w = v x w``."""
    zero = torch.zeros_like(v[..., 0])
    x, y, z = v.unbind(-1)
    entries = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1)
    return entries.reshape(*v.shape, 3)


def fundamental_matrix(a: Camera, b: Camera) -> Float[Tensor, "*batch 3 3"]:
    """Return F with ``x_b^T F x_a = 0`` for undistorted homogeneous pixels of the same point.

    ``F @ x_a`` is the epipolar line of x_a in b. F = K_b^-T [t]_x R K_a^-1 with
    ``b_from_a = (R, t)`` (H&Z eq. 9.12), scaled to unit norm. Two cameras at one place have no
    epipolar geometry: F is then NaN. Lens distortion is not part of F: undistort the pixels first
    (`Camera.undistort`). Cameras with poses (F,) give matrices (F, 3, 3); ValueError where the
    poses of two moving cameras are those of other frames.
    """
    if a.frames is not None and b.frames is not None and not torch.equal(a.frames, b.frames):
        raise ValueError("the two cameras have poses for different frames; choose them with `at`")
    b_from_a = b.cam_from_world @ a.cam_from_world.inverse()
    essential = cross_matrix(_baseline(a, b, b_from_a.t)) @ b_from_a.R
    F: Tensor = torch.linalg.inv(b.K).mT @ essential @ torch.linalg.inv(a.K)
    return torch.div(F, torch.linalg.vector_norm(F, dim=(-2, -1), keepdim=True))


def _baseline(a: Camera, b: Camera, t: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """Return t, or zeros where it is only the rounding error of two equal centres."""
    shifts = [spread(camera.cam_from_world.t, 1, t.ndim - 1) for camera in (a, b)]
    far_a, far_b = (torch.linalg.vector_norm(shift, dim=-1, keepdim=True) for shift in shifts)
    rounding = 8 * torch.finfo(t.dtype).eps * (far_a + far_b)
    near = torch.linalg.vector_norm(t, dim=-1, keepdim=True) <= rounding
    return torch.where(near, torch.zeros_like(t), t)


def epipolar_distance(
    fundamental: Float[Tensor, "*batch 3 3"],
    pixels_a: Float[Tensor, "*points_a 2"],
    pixels_b: Float[Tensor, "*points_b 2"],
) -> Float[Tensor, "*points"]:
    """Return the distance in px of each pixel in b from the epipolar line of its partner in a.

    Both are undistorted pixels, (..., 2); their shapes broadcast. With matrices (F, 3, 3) both are
    (F, ..., 2) of equally many dimensions, else ValueError (see `batches`). NaN stays NaN.
    """
    batch = fundamental.shape[:-2]
    for pixels in (pixels_a, pixels_b):
        require_leading(batch, pixels.shape, "pixels")
    if batch and pixels_a.ndim != pixels_b.ndim:
        raise ValueError(
            f"with matrices {tuple(batch)} pixels of shapes {tuple(pixels_a.shape)} and "
            f"{tuple(pixels_b.shape)} must have equally many dimensions"
        )
    line = times(fundamental[..., :2], pixels_a)
    line = line + spread(fundamental[..., 2], 1, pixels_a.ndim - 1)
    value = (line[..., :2] * pixels_b).sum(-1) + line[..., 2]
    return torch.div(value.abs(), torch.linalg.vector_norm(line[..., :2], dim=-1))
