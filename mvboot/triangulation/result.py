"""What triangulation returns: points with their evidence, or the reason there is none."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

REASONS = (
    "",
    "too few detections",
    "rays nearly parallel",
    "behind the cameras",
    "too few agreeing views",
    "did not converge",
)
"""Why a point is refused, by the engines' code; empty where it is accepted."""


@dataclass(frozen=True)
class TriangulationResult:
    """N points from C cameras; arrays are of the kind that was given (NumPy or torch).

    Parameters
    ----------
    points
        (N, 3) in the unit of the rig, NaN where refused.
    inliers
        (C, N) bool: the views that agree with the point.
    error_px
        (N,) mean reprojection error over the inlier views in px, through the full lens model.
    covariance
        (N, 3, 3) in units^2: ``noise_px^2 (sum w J^T J)^-1`` over the inlier views.
    residual
        (N,) mean distance of the point from the inlier rays, in units.
    score
        (N,) mean confidence of the inlier views.
    code
        (N,) index into `REASONS`.
    noise_px
        Noise of a detection (px per axis, at confidence 1) behind ``covariance``; where detections
        had covariances, of the median one.
    """

    points: Any
    inliers: Any
    error_px: Any
    covariance: Any
    residual: Any
    score: Any
    code: Any
    noise_px: float

    @property
    def reason(self) -> NDArray[np.object_]:
        """Why each point is refused, (N,) strings; "" where it is accepted."""
        words: NDArray[np.object_] = np.array(REASONS, dtype=object)[np.asarray(self.code)]
        return words

    @property
    def accepted(self) -> Any:
        """(N,) bool: where there is a point."""
        return self.code == 0
