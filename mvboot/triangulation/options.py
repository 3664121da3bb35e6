"""What a user may choose about robust triangulation, with defaults that are safe."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError

FEWEST_CHECKED_VIEWS = 3
"""Two views agree as soon as each detection is near the other's epipolar line: no check at all."""


@dataclass(frozen=True)
class TriangulationOptions:
    """Settings of `triangulate_points`.

    Parameters
    ----------
    threshold_px
        A view agrees with a point when it sees it within this many pixels.
    min_views
        Views that must agree. None: ``max(3, min_share * views with a detection)`` where the rig
        has at least three cameras, else 2.
    min_share
        Share of the views with a detection that must agree, when ``min_views`` is None. Guards
        against chance agreement, which grows with the number of views (methods.md A.9).
    min_parallax_deg
        Two rays that meet at a smaller angle do not start a hypothesis: their depth is a guess.
    max_hypotheses
        Camera pairs tried for one point at most; beyond it a seeded draw of them.
    certainty
        Pairs are tried until one free of outliers was among them with this probability.
    noise_px
        Standard deviation of a detection with confidence 1, in px and per axis, that the
        covariance is made of. None: estimated from the residuals of the call.
    seed
        Seed of the order in which pairs are tried.

    Raises
    ------
    InputError
        A value outside its range, named.
    """

    threshold_px: float = 8.0
    min_views: int | None = None
    min_share: float = 0.4
    min_parallax_deg: float = 0.5
    max_hypotheses: int = 300
    certainty: float = 0.99
    noise_px: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        _require(self.threshold_px > 0, "threshold_px", self.threshold_px, "positive")
        _require(self.min_views is None or self.min_views >= 2, "min_views", self.min_views, ">= 2")
        _require(0 <= self.min_share <= 1, "min_share", self.min_share, "in [0, 1]")
        _require(
            0 <= self.min_parallax_deg < 90, "min_parallax_deg", self.min_parallax_deg, "in [0, 90)"
        )
        _require(self.max_hypotheses >= 1, "max_hypotheses", self.max_hypotheses, ">= 1")
        _require(0 < self.certainty < 1, "certainty", self.certainty, "in (0, 1)")
        _require(self.noise_px is None or self.noise_px > 0, "noise_px", self.noise_px, "positive")

    @property
    def min_sine2(self) -> float:
        """Squared sine of ``min_parallax_deg``."""
        return float(np.sin(np.radians(self.min_parallax_deg)) ** 2)

    def required_views(self, cameras: int) -> NDArray[np.int64]:
        """Return how many views must agree, by the number of views with a detection (C + 1,)."""
        detections = np.arange(cameras + 1)
        if self.min_views is not None:
            return np.full(cameras + 1, self.min_views)
        if cameras < FEWEST_CHECKED_VIEWS:
            return np.full(cameras + 1, 2)
        share = np.ceil(self.min_share * detections - 1e-9)
        required: NDArray[np.int64] = np.maximum(FEWEST_CHECKED_VIEWS, share).astype(np.int64)
        return required


def _require(holds: bool, name: str, value: object, range_: str) -> None:
    if not holds or (isinstance(value, float) and math.isnan(value)):
        raise InputError(f"{name} must be {range_}, got {value}")
