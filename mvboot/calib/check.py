"""Faults that a rig can have and still load: each found by name, none guessed away.

Only the cause is reported, not what follows from it: a camera that was named once is left out of
the later questions.
"""

from itertools import chain

import numpy as np

from mvboot.calib.finding import Finding
from mvboot.calib.mistakes import mixed_units, odd_cameras, reversed_rig
from mvboot.calib.views import Views, still
from mvboot.rig import Rig

SAME_ANGLE_DEG = 0.05
SAME_CENTER = 1e-4
NEAR_ZERO_BASELINE = 0.005
"""Baseline over distance below which two views measure no depth (0.3 degrees of parallax)."""

BELOW_FLOOR = 0.005
"""How far under the floor, over the distance of the focus, before it is called a fault."""

NEAREST_M, FARTHEST_M = 5e-3, 1e3


def check_rig(rig: Rig) -> tuple[Finding, ...]:
    """Return every fault found, the most telling ones only; () for a sound rig.

    A transposed K and a mirrored world cannot be loaded at all: `load_rig` refuses them by name.
    Moving cameras are checked at their first frame.
    """
    views = Views(still(rig))
    doubles = _equal_cameras(views)
    whole = mixed_units(views) or reversed_rig(views)
    if whole:
        return (*doubles, *whole)
    odd = odd_cameras(views)
    named = {name for finding in (*doubles, *odd) for name in finding.cameras}
    rest = (_units(views), _floor(views, named), _volume(views, named), _baselines(views, named))
    return (*doubles, *odd, *chain.from_iterable(rest))


def _equal_cameras(views: Views) -> list[Finding]:
    names = views.rig.names
    scale = views.working_distance
    gap = np.linalg.norm(views.centers[:, None] - views.centers[None], axis=-1)
    found = []
    for a, b in zip(*np.nonzero(np.triu(gap <= SAME_CENTER * scale, k=1)), strict=True):
        first, second = views.rig[names[a]], views.rig[names[b]]
        trace = float((first.cam_from_world.R * second.cam_from_world.R).sum())
        if np.degrees(np.arccos(np.clip((trace - 1) / 2, -1, 1))) > SAME_ANGLE_DEG:
            continue
        identical = bool((first.K == second.K).all()) and np.array_equal(
            first.lens.coefficients, second.lens.coefficients
        )
        pair = (names[a], names[b])
        if identical:
            message = (
                f"cameras {pair[0]} and {pair[1]} have identical parameters; one block was copied "
                "over the other: calibrate again or restore the lost one"
            )
        else:
            message = (
                f"cameras {pair[0]} and {pair[1]} have the same pose; two cameras cannot share "
                "one place: one of the poses is wrong"
            )
        found.append(Finding("identical-blocks" if identical else "same-pose", pair, message))
    return found


def _units(views: Views) -> list[Finding]:
    metres = views.working_distance_m
    if len(views.rig) < 2 or NEAREST_M < metres < FARTHEST_M:
        return []
    message = (
        f"the cameras are {metres:.3g} m from what they see; the unit is probably not "
        f"{views.rig.units}"
    )
    return [Finding("implausible-units", views.rig.names, message)]


def _floor(views: Views, named: set[str]) -> list[Finding]:
    if views.rig.up_vector is None:
        return []
    height = views.centers @ views.rig.up_vector.numpy()
    under = np.flatnonzero(height < -BELOW_FLOOR * views.working_distance)
    cameras = tuple(views.rig.names[i] for i in under if views.rig.names[i] not in named)
    if not cameras:
        return []
    message = (
        f"{', '.join(cameras)} under the floor by up to {-height[under].min():.3g} "
        f"{views.rig.units}; the world's up axis is not {views.rig.up}, its origin is not on the "
        "floor, or the pose is wrong"
    )
    return [Finding("below-floor", cameras, message)]


def _volume(views: Views, named: set[str]) -> list[Finding]:
    components = views.components()
    if len(components) == 1:
        return []
    tied = len(components[0]) == len(components[1])
    apart = {i for group in components[0 if tied else 1 :] for i in group}
    names = (views.rig.names[i] for i in sorted(apart))
    cameras = tuple(name for name in names if name not in named)
    if not cameras:
        return []
    message = (
        f"{', '.join(cameras)} shares no volume with the other cameras: nothing seen there can be "
        "triangulated; a pose or a focal length is wrong, or the cameras are of two rigs"
    )
    return [Finding("no-common-volume", cameras, message)]


def _baselines(views: Views, named: set[str]) -> list[Finding]:
    gap = np.linalg.norm(views.centers[:, None] - views.centers[None], axis=-1)
    close = np.triu(gap < NEAR_ZERO_BASELINE * views.working_distance, k=1)
    found = []
    for a, b in zip(*np.nonzero(close), strict=True):
        pair = (views.rig.names[a], views.rig.names[b])
        if named & set(pair):
            continue
        message = (
            f"cameras {pair[0]} and {pair[1]} are only {gap[a, b]:.3g} {views.rig.units} apart: "
            "together they measure no depth; check their translations"
        )
        found.append(Finding("near-zero-baseline", pair, message))
    return found
