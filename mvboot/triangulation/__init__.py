"""Robust triangulation of keypoints from many calibrated views."""

from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.points import triangulate_points
from mvboot.triangulation.result import REASONS, TriangulationResult

__all__ = ["REASONS", "TriangulationOptions", "TriangulationResult", "triangulate_points"]
