"""Detections that are not equally certain: their errors measured in their own covariance.

A residual r of covariance S is as surprising as ``S^-1/2 r`` of covariance one. Rays measure
residuals with the rows of a matrix (`geometry.camera.Linearization`), so that a matrix times
``S^-1/2`` measures them whitened, and everything else stays as it is.
"""

from typing import Any

import torch
from torch import Tensor

from mvboot.errors import InputError
from mvboot.geometry.arrays import to_tensor


def whitening(pixels: Tensor, covariance: Any) -> Tensor:
    """Return the inverse roots (C, N, 2, 2) of the covariances of detections (C, N, 2).

    They are scaled so that the median detection is measured in px, and thresholds keep their
    meaning for it. The identity where a detection is missing (NaN).

    Raises
    ------
    InputError
        Another shape, or a detection whose covariance is not positive definite.
    """
    given = to_tensor(covariance).to(pixels)
    if given.shape != (*pixels.shape, 2):
        raise InputError(
            f"covariance must have shape (C, N, 2, 2) = {(*pixels.shape, 2)}, got "
            f"{tuple(given.shape)}"
        )
    there = torch.isfinite(pixels).all(-1)
    identity = torch.eye(2).to(given)
    given = torch.where(there[..., None, None], given, identity)
    symmetric = 0.5 * (given + given.mT)
    variances, axes = torch.linalg.eigh(torch.nan_to_num(symmetric, nan=-1.0))
    if not bool((variances > 0).all()):
        raise InputError(
            "covariance must be positive definite wherever there is a pixel; leave the pixel out "
            "(NaN) where nothing is known of it"
        )
    typical = variances.mean(-1)[there].median() if bool(there.any()) else variances.new_ones(())
    roots: Tensor = (axes * torch.sqrt(torch.div(typical, variances))[..., None, :]) @ axes.mT
    return roots
