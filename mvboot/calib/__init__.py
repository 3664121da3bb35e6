"""Calibration: rigs from boards and subjects, and whether what is known of one can be true."""

from mvboot.calib.board_spec import load_board
from mvboot.calib.calibrate import Calibration, CalibrationOptions, calibrate_rig
from mvboot.calib.check import check_rig
from mvboot.calib.compare import compare_rigs
from mvboot.calib.diagnosis import Diagnosis, diagnose
from mvboot.calib.finding import Finding
from mvboot.calib.refine import Refinement, RefineOptions, refine_rig
from mvboot.calib.shots import Shots

__all__ = [
    "Calibration",
    "CalibrationOptions",
    "Diagnosis",
    "Finding",
    "RefineOptions",
    "Refinement",
    "Shots",
    "calibrate_rig",
    "check_rig",
    "compare_rigs",
    "diagnose",
    "load_board",
    "refine_rig",
]
