"""Multiview bootstrapping: a detector teaches itself from frames in which its views agree.

After Simon, Joo, Matthews and Sheikh (CVPR 2017). It knows detectors only by what `Detector` asks
of them: our networks, or any command that reads and writes files.
"""

from mvboot.bootstrap.config import BootstrapSettings, Heuristics
from mvboot.bootstrap.detector import Detector
from mvboot.bootstrap.round import Round, Selection
from mvboot.bootstrap.run import Bootstrapping
from mvboot.bootstrap.verdict import Verdict, verdict

__all__ = [
    "BootstrapSettings",
    "Bootstrapping",
    "Detector",
    "Heuristics",
    "Round",
    "Selection",
    "Verdict",
    "verdict",
]
