"""`triangulate_points`: the one way from pixels to robust 3D points, on either engine."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mvboot.errors import InputError
from mvboot.geometry.arrays import like, to_tensor
from mvboot.rig import Rig
from mvboot.triangulation import batch, cpu
from mvboot.triangulation.hypotheses import table_for
from mvboot.triangulation.observations import Observations, observe, require_shapes
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.result import TriangulationResult
from mvboot.triangulation.whitening import whitening


class Groups(NamedTuple):
    """Points judged together: group g holds the points ``order[starts[g]:starts[g + 1]]``."""

    order: Tensor
    starts: Tensor

    @staticmethod
    def from_labels(labels: Any, points: int) -> "Groups":
        """Group points with equal labels (N,); None leaves every point alone."""
        if labels is None:
            return Groups(torch.arange(points), torch.arange(points + 1))
        values = np.asarray(labels)
        if values.shape != (points,):
            raise InputError(f"groups must have shape (N,) = ({points},), got {values.shape}")
        _, number, size = np.unique(values, return_inverse=True, return_counts=True)
        starts = np.concatenate([[0], np.cumsum(size)])
        return Groups(torch.from_numpy(np.argsort(number, kind="stable")), torch.from_numpy(starts))


class Solution(NamedTuple):
    """What an engine returns; tensors, rows are points."""

    points: Tensor
    inliers: Tensor
    code: Tensor
    normal: Tensor
    residual: Tensor


def triangulate_points(
    rig: Rig,
    pixels: Any,
    confidence: Any = None,
    options: TriangulationOptions | None = None,
    groups: Any = None,
    covariance: Any = None,
) -> TriangulationResult:
    """Triangulate N points robustly: RANSAC over camera pairs, then robust Gauss-Newton.

    Parameters
    ----------
    rig
        C >= 2 cameras. A moving rig must be selected with ``rig.at(frame of each point)`` first.
    pixels
        (C, N, 2) px in rig order, NaN where missing. NumPy arrays are solved by the compiled CPU
        kernel; torch tensors by its twin on their device, with gradients of ``points`` with
        respect to pixels and camera parameters (implicit function theorem).
    confidence
        (C, N) in [0, 1], a weight; None for 1 everywhere. 0 counts as missing.
    options
        Thresholds; see `TriangulationOptions`.
    groups
        (N,) labels: points with the same label are judged together, by their mean error in a
        view (Simon et al. 2017). None: each point alone.
    covariance
        (C, N, 2, 2) px^2, up to a common factor: how uncertain each detection is, and in which
        direction. Errors count relative to it; the threshold is that of the median detection.
        None: all are equally certain.

    Returns
    -------
    TriangulationResult
        NaN and a reason where a point is refused, never an exception for a bad point.

    Raises
    ------
    InputError
        Fewer than two cameras, wrong shapes, infinite pixels, confidences outside [0, 1],
        covariances that are not positive definite.
    """
    if len(rig) < 2:
        raise InputError(f"triangulation needs at least two cameras, the rig has {len(rig)}")
    options = options or TriangulationOptions()
    given = to_tensor(pixels).double()
    require_shapes(rig, given, confidence)
    labels = Groups.from_labels(groups, given.shape[1])
    roots = None if covariance is None else whitening(given, covariance)
    if isinstance(pixels, Tensor):
        observations = observe(rig, given, confidence)
        whitened = observations if roots is None else observations.whitened(roots)
        solution = solve_batch(whitened, options, labels)
        return _result(rig, given, whitened, solution, options, roots)
    return cpu.triangulate(
        _detached(rig),
        given.numpy(),
        None if confidence is None else np.asarray(confidence, dtype=np.float64),
        options,
        (labels.order.numpy(), labels.starts.numpy()),
        None if roots is None else roots.numpy(),
    )


def _detached(rig: Rig) -> Rig:
    """Return the rig in double precision on the CPU, without gradients."""
    with torch.no_grad():
        like = torch.zeros((), dtype=torch.float64)
        cameras = {name: camera.to(like) for name, camera in rig.cameras.items()}
    return replace(rig, cameras=cameras)


def solve_batch(
    observations: Observations, options: TriangulationOptions, groups: Groups
) -> Solution:
    """Solve with the torch twin, on the device of the observations and with gradients."""
    weight = observations.weight
    cameras = weight.shape[1]
    table = table_for(cameras, options)
    return Solution(
        *batch.solve_groups(
            observations.rays,
            weight,
            batch.padded_members(groups.order, groups.starts).to(weight.device),
            batch.Table(*(torch.from_numpy(part).long().to(weight.device) for part in table)),
            torch.from_numpy(options.required_views(cameras)).to(weight.device),
            options.threshold_px,
            options.min_sine2,
        )
    )


def reprojection_errors(rig: Rig, points: Tensor, pixels: Tensor) -> Tensor:
    """Return the distance in px (C, N) of each detection (C, N, 2) from its point (N, 3).

    NaN where the detection or the point is missing, or the camera cannot see the point.
    """
    errors: Tensor = torch.linalg.vector_norm(reprojections(rig, points) - pixels, dim=-1)
    return errors


def reprojections(rig: Rig, points: Tensor) -> Tensor:
    """Return where each camera sees points (N, 3): (C, N, 2) px, NaN where it does not."""
    return torch.stack([rig[name].project(points) for name in rig.names])


def _result(
    rig: Rig,
    pixels: Any,
    observations: Observations,
    solution: Solution,
    options: TriangulationOptions,
    roots: Tensor | None,
) -> TriangulationResult:
    inliers = solution.inliers.mT
    weight = torch.where(inliers, observations.weight.mT, 0.0)
    offsets = reprojections(rig, solution.points) - to_tensor(pixels).double()
    offsets = torch.where(inliers[..., None], offsets, 0.0)
    errors = torch.linalg.vector_norm(offsets, dim=-1)
    views = inliers.sum(0)
    whitened = offsets if roots is None else (roots @ offsets[..., None])[..., 0]
    relative = torch.linalg.vector_norm(whitened, dim=-1)
    noise = options.noise_px or estimated_noise(weight, relative, views)
    covariance = noise**2 * inverse_symmetric(solution.normal)
    return TriangulationResult(
        points=like(pixels, solution.points),
        inliers=like(pixels, inliers),
        error_px=like(pixels, errors.sum(0) / views),
        covariance=like(pixels, covariance),
        residual=like(pixels, solution.residual),
        score=like(pixels, weight.sum(0) / views),
        code=like(pixels, solution.code),
        noise_px=noise,
    )


def estimated_noise(weight: Tensor, errors: Tensor, views: Tensor) -> float:
    """Return the noise per axis in px at confidence 1, pooled over all points; NaN without any.

    Each point gives ``2 views - 3`` degrees of freedom: two coordinates a view less the three of
    the point.
    """
    freedom = float((2 * views[views > 0] - 3).sum())
    squares = float((weight * errors.detach() ** 2).sum())
    return (squares / freedom) ** 0.5 if freedom > 0 else float("nan")


def inverse_symmetric(upper: Tensor) -> Tensor:
    """Invert symmetric 3x3 matrices given by their upper triangles (N, 6); NaN where singular."""
    a, b, c, d, e, f = upper.unbind(-1)
    cofactors = torch.stack(
        [
            d * f - e * e,
            c * e - b * f,
            b * e - c * d,
            a * f - c * c,
            b * c - a * e,
            a * d - b * b,
        ],
        -1,
    )
    det = a * cofactors[..., 0] + b * cofactors[..., 1] + c * cofactors[..., 2]
    inverse = cofactors / torch.where(det > 0, det, torch.nan)[..., None]
    return inverse[..., [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(*upper.shape[:-1], 3, 3)
