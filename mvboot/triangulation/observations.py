"""Detections as viewing rays: the one input that both engines solve from."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mvboot.errors import InputError
from mvboot.geometry.arrays import to_tensor
from mvboot.rig import Rig


@dataclass(frozen=True)
class Observations:
    """What C cameras saw of N points.

    Parameters
    ----------
    rays
        (N, C, 12): origin (3), B (2x3, row by row) and e (3) of `geometry.camera.Linearization`.
    weight
        (N, C): confidence, 0 where there is no detection (or no ray through it).
    """

    rays: Tensor
    weight: Tensor

    def whitened(self, roots: Tensor) -> "Observations":
        """Return the same with residuals times ``roots`` (C, N, 2, 2) (`whitening`)."""
        matrix = roots.transpose(0, 1) @ self.rays[..., 3:9].reshape(*self.rays.shape[:2], 2, 3)
        rays = torch.cat([self.rays[..., :3], matrix.flatten(-2), self.rays[..., 9:]], -1)
        return Observations(rays, self.weight)


def observe(rig: Rig, pixels: Any, confidence: Any = None) -> Observations:
    """Turn pixels (C, N, 2), rows in rig order, NaN = missing, into `Observations`.

    ``confidence`` (C, N) in [0, 1], or None for 1 everywhere; 0 counts as missing. A moving rig
    must be selected with `Rig.at` first, one pose per point. InputError for shapes that do not
    match the rig, infinite pixels, confidences outside [0, 1] or missing where a pixel is not.
    """
    px = to_tensor(pixels).double()
    weight = checked_weight(rig, px, confidence)
    rays = px.new_empty(px.shape[1], len(rig), 12)
    seen = torch.empty_like(weight, dtype=torch.bool)
    for c, name in enumerate(rig.names):
        lin = rig[name].linearize(px[c])
        rays[:, c, :3] = lin.origin
        rays[:, c, 3:9] = lin.matrix.flatten(-2)
        rays[:, c, 9:] = lin.gauge
        seen[c] = lin.valid
    return Observations(rays, torch.where(seen, weight, 0.0).mT.contiguous())


def checked_weight(rig: Rig, pixels: Tensor, confidence: Any) -> Tensor:
    """Return the confidences (C, N), 0 where the pixel is missing; raise InputError if unusable."""
    require_shapes(rig, pixels, confidence)
    total = pixels.abs().sum(-1)
    if bool(torch.isinf(total).any()):
        raise InputError("pixels has an infinite value; use NaN for a missing detection")
    missing = torch.isnan(total)
    if confidence is None:
        return (~missing).to(pixels)
    weight = to_tensor(confidence).to(pixels)
    weight = torch.where(missing, 0.0, weight)
    if not bool(((weight >= 0) & (weight <= 1)).all()):
        raise InputError("confidence must be in [0, 1] wherever there is a pixel; rescale it")
    return weight


def require_shapes(rig: Rig, pixels: Tensor, confidence: Any) -> None:
    """Raise InputError unless pixels are (C, N, 2) of the rig's cameras, confidences (C, N).

    Also for poses that are not one for all points or one for each (N,), chosen with `Rig.at`.
    """
    if pixels.ndim != 3 or pixels.shape[0] != len(rig) or pixels.shape[2] != 2:
        raise InputError(
            f"pixels must have shape (C, N, 2) with C = {len(rig)} cameras in rig order "
            f"({', '.join(rig.names)}), got {tuple(pixels.shape)}"
        )
    for name, camera in rig.cameras.items():
        batch = camera.cam_from_world.batch_shape
        if camera.is_moving or batch not in ((), tuple(pixels.shape[1:2])):
            raise InputError(
                f"camera {name} has poses of batch {batch} for pixels of shape "
                f"{tuple(pixels.shape)}; choose one for each of the {pixels.shape[1]} points with "
                "rig.at(frame of each point)"
            )
    shape = None if confidence is None else tuple(to_tensor(confidence).shape)
    if shape is not None and shape != pixels.shape[:2]:
        raise InputError(
            f"confidence must have shape (C, N) = {tuple(pixels.shape[:2])}, got {shape}"
        )
