"""Metrics: how right fields are where there is a truth, and how consistent without one."""

from mvboot.metrics.drift import drift_errors, drift_summary
from mvboot.metrics.epipolar import MatchErrors, epipolar_errors, epipolar_summary
from mvboot.metrics.gps import Kappa, average_precision, geodesic_similarity
from mvboot.metrics.landmarks import (
    LandmarkErrors,
    landmark_errors,
    landmark_pixels,
    landmark_summary,
)
from mvboot.metrics.lifted import (
    LiftedErrors,
    chosen_vertices,
    lifted_errors,
    lifted_summary,
)
from mvboot.metrics.measures import Instant, Settings, measured
from mvboot.metrics.rules import Rules
from mvboot.metrics.surface import SurfaceErrors, surface_errors, surface_summary

__all__ = [
    "Instant",
    "Kappa",
    "LandmarkErrors",
    "LiftedErrors",
    "MatchErrors",
    "Rules",
    "Settings",
    "SurfaceErrors",
    "average_precision",
    "chosen_vertices",
    "drift_errors",
    "drift_summary",
    "epipolar_errors",
    "epipolar_summary",
    "geodesic_similarity",
    "landmark_errors",
    "landmark_pixels",
    "landmark_summary",
    "lifted_errors",
    "lifted_summary",
    "measured",
    "surface_errors",
    "surface_summary",
]
