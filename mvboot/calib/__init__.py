"""Calibration: rigs from boards and subjects, and whether what is known of one can be true.

Names are loaded on first use: to print a rig takes no bundle adjustment.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mvboot.calib.board_spec import load_board as load_board
    from mvboot.calib.calibrate import Calibration as Calibration
    from mvboot.calib.calibrate import CalibrationOptions as CalibrationOptions
    from mvboot.calib.calibrate import calibrate_rig as calibrate_rig
    from mvboot.calib.check import check_rig as check_rig
    from mvboot.calib.compare import compare_rigs as compare_rigs
    from mvboot.calib.diagnosis import Diagnosis as Diagnosis
    from mvboot.calib.diagnosis import diagnose as diagnose
    from mvboot.calib.finding import Finding as Finding
    from mvboot.calib.refine import Refinement as Refinement
    from mvboot.calib.refine import RefineOptions as RefineOptions
    from mvboot.calib.refine import refine_rig as refine_rig
    from mvboot.calib.shots import Shots as Shots

_HOME_OF = {
    "Calibration": "mvboot.calib.calibrate",
    "CalibrationOptions": "mvboot.calib.calibrate",
    "Diagnosis": "mvboot.calib.diagnosis",
    "Finding": "mvboot.calib.finding",
    "RefineOptions": "mvboot.calib.refine",
    "Refinement": "mvboot.calib.refine",
    "Shots": "mvboot.calib.shots",
    "calibrate_rig": "mvboot.calib.calibrate",
    "check_rig": "mvboot.calib.check",
    "compare_rigs": "mvboot.calib.compare",
    "diagnose": "mvboot.calib.diagnosis",
    "load_board": "mvboot.calib.board_spec",
    "refine_rig": "mvboot.calib.refine",
}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mvboot.calib' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)
