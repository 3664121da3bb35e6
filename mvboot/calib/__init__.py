"""Calibration: what is known about a rig, and whether it can be true."""

from mvboot.calib.check import check_rig
from mvboot.calib.compare import compare_rigs
from mvboot.calib.consistency import check_keypoints
from mvboot.calib.finding import Finding

__all__ = ["Finding", "check_keypoints", "check_rig", "compare_rigs"]
