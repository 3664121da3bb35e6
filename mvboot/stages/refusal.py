"""What to say, and how to end, when most points of a triangulation are refused.

One diagnosis serves `mvboot rig check` and `mvboot triangulate`: names, time and people are
suspected before the calibration, and a larger threshold is advised only where nothing is wrong.
"""

import numpy as np

from mvboot.calib import Diagnosis
from mvboot.calib.consistency import MOST_SHARE
from mvboot.errors import QualityMissed
from mvboot.geometry import image_size
from mvboot.report.triangulation import REMEDIES, Funnel
from mvboot.stages.output import Output

LEAST_SHARE = 0.05
"""Of the points that two cameras saw: with fewer accepted a run has failed."""

MOST_REFUSED = 0.5
"""Share accepted below which it is said why."""

TWO_VIEWS = (
    "most of the refused points are seen by two cameras only: accept them with --min-views 2 (a "
    "wrong detection may then go unnoticed)"
)


def nothing(funnel: Funnel, diagnosis: Diagnosis) -> str:
    """Return why no point was accepted."""
    if funnel.above_threshold.sum() == 0:
        return "nothing could be triangulated: no detection is confident enough"
    if funnel.two_or_more_views.sum() == 0:
        return (
            "nothing could be triangulated: no point is seen by two cameras; check that frame "
            "numbers and names of keypoints are the same in all cameras"
        )
    return (
        f"nothing could be triangulated, mostly for {funnel.main_reason()!r}: "
        f"{_cause(funnel, diagnosis)}"
    )


def say_refused(
    funnel: Funnel, linear_px: float | None, threshold_px: float, diagnosis: Diagnosis, say: Output
) -> None:
    """Warn where most points that two cameras saw are refused, with the likeliest cause.

    Nothing is said where so few are accepted that the run fails (`require_enough`).
    ``linear_px`` is the median error of a plain triangulation of all detections.
    """
    if not LEAST_SHARE <= funnel.share < MOST_REFUSED:
        return
    if funnel.lacks_views:
        say.warn(TWO_VIEWS)
        return
    if diagnosis.findings:
        codes = ", ".join(dict.fromkeys(finding.code for finding in diagnosis.findings))
        say.warn(f"most points are refused, for what was found above ({codes})")
        return
    off = "unknown" if linear_px is None else f"{linear_px:.3g} px"
    say.warn(
        f"most points are refused; a plain triangulation of all detections is off by {off}, and no "
        f"fault of names, time, people or calibration was found: "
        f"{_allowed(linear_px, threshold_px, diagnosis)}"
    )


def _allowed(linear_px: float | None, threshold_px: float, diagnosis: Diagnosis) -> str:
    """Return the advice for detections that are noisy, not wrong."""
    wide = 0 if linear_px is None else max(1, round(2 * linear_px))
    diagonal = min(float(np.hypot(*image_size(c))) for c in diagnosis.rig.cameras.values())
    if threshold_px < wide <= MOST_SHARE * diagonal:
        return f"allow that with --threshold-px {wide}"
    return "look at the detections; --min-confidence leaves out doubtful ones"


def require_enough(funnel: Funnel, diagnosis: Diagnosis) -> None:
    """Raise QualityMissed where hardly any point that two cameras saw was accepted."""
    if funnel.share < LEAST_SHARE:
        seen = int(funnel.two_or_more_views.sum())
        raise QualityMissed(
            f"only {int(funnel.accepted.sum()):,} of {seen:,} points that two or more cameras saw "
            f"are accepted: {_cause(funnel, diagnosis)}"
        )


def _cause(funnel: Funnel, diagnosis: Diagnosis) -> str:
    """Return the likeliest cause and what to do."""
    if funnel.lacks_views:
        return TWO_VIEWS
    if diagnosis.findings:
        first, *others = diagnosis.findings
        more = f" (and {len(others)} more, see the warnings)" if others else ""
        return f"{first}{more}"
    if diagnosis.doubts:
        return diagnosis.doubts[0]
    return REMEDIES.get(funnel.main_reason() or "", "look at the detections")
