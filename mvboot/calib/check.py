"""Faults that a rig can have and still load: each found by name, none guessed away.

Most rigs look at one place. Where they do not, a small set of known mistakes (poses stored the
other way round, lengths in two units) is undone in thought; if that makes all cameras look at one
place, the mistake is named. Cameras of a sound rig need not share a focus: then only what is
impossible counts (no shared volume, equal poses, a camera under the floor).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mvboot.calib.views import Views, still
from mvboot.geometry import Pose
from mvboot.rig import UNITS_IN_M, Rig

FOCUSED = 0.9
"""Share of the cameras that must have the common focus in their picture."""

SAME_ANGLE_DEG = 0.05
SAME_CENTER = 1e-4
NEAR_ZERO_BASELINE = 0.005
"""Baseline over distance below which two views measure no depth (0.3 degrees of parallax)."""

BELOW_FLOOR = 0.005
"""How far under the floor, over the distance of the focus, before it is called a fault."""

GAP, SPREAD = 30.0, 10.0
NEAREST_M, FARTHEST_M = 1e-3, 1e3
UNIT_FACTORS = (1000.0, 100.0, 10.0)

REVERSED: dict[str, Callable[[Pose], Pose]] = {
    "the inverse pose (world from camera)": lambda pose: pose.inverse(),
    "the camera centre as translation": lambda pose: Pose(
        pose.R, -(pose.R @ pose.t[:, None])[:, 0]
    ),
    "the transposed rotation": lambda pose: Pose(pose.R.mT, pose.t),
}
"""How poses are stored the wrong way round, and what undoes it."""


@dataclass(frozen=True)
class Finding:
    """One fault of a rig.

    Parameters
    ----------
    code
        ``identical-blocks``, ``same-pose``, ``inverse-pose``, ``mixed-units``,
        ``implausible-units``, ``below-floor``, ``no-common-volume``, ``near-zero-baseline``.
    cameras
        Names of the cameras concerned.
    message
        What is wrong and what to do, in plain words.
    """

    code: str
    cameras: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def check_rig(rig: Rig) -> tuple[Finding, ...]:
    """Return every fault found, the most telling ones only; () for a sound rig.

    A transposed K and a mirrored world cannot be loaded at all: `load_rig` refuses them by name.
    Moving cameras are checked at their first frame.
    """
    views = Views(still(rig))
    doubles = _equal_cameras(views)
    whole = _whole_rig(views)
    if whole:
        return (*doubles, *whole)
    single = _single_cameras(views)
    named = {name for finding in (*doubles, *single) for name in finding.cameras}
    rest = (*_units(views), *_floor(views), *_volume(views, named), *_baselines(views, named))
    return (*doubles, *single, *rest)


def _equal_cameras(views: Views) -> list[Finding]:
    names = views.rig.names
    scale = _working_distance(views)
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


def _whole_rig(views: Views) -> list[Finding]:
    """Return the one mistake that explains a rig whose cameras do not look at one place."""
    if _is_focused(views):
        return _mixed(views)
    names = views.rig.names
    for what, undo in REVERSED.items():
        if _is_focused(_changed(views, undo, range(len(names)))):
            message = (
                f"the cameras look at no common place, but they do if the file holds {what}; "
                "store world-to-camera poses, x_cam = R x_world + t"
            )
            return [Finding("inverse-pose", names, message)]
    return _mixed(views)


def _mixed(views: Views) -> list[Finding]:
    """Return cameras whose lengths are in another unit than the others'."""
    length = np.array([float(c.cam_from_world.t.norm()) for c in views.rig.cameras.values()])
    order = np.argsort(length)
    with np.errstate(divide="ignore"):
        steps = np.diff(np.log(np.maximum(length[order], 1e-300)))
    if len(steps) == 0 or steps.max() < np.log(GAP) or _is_even(views):
        return []
    split = int(steps.argmax()) + 1
    small, large = order[:split], order[split:]
    for factor in UNIT_FACTORS:
        mended = _changed(views, partial(Pose.scaled, factor=factor), small)
        if _is_focused(mended) and _is_even(mended):
            few = small if len(small) <= len(large) else large
            cameras = tuple(views.rig.names[i] for i in sorted(few))
            message = (
                f"the translation of {', '.join(cameras)} is in another unit than the others' "
                f"(a factor of {factor:g}); bring all to {views.rig.units}"
            )
            return [Finding("mixed-units", cameras, message)]
    return []


def _single_cameras(views: Views) -> list[Finding]:
    """Return single cameras that look away from what all others look at, and why."""
    if len(views.rig) < 3:
        return []
    found = []
    for i in np.flatnonzero(~views.seeing(views.focus())):
        focus = views.focus(without=int(i))
        seeing = views.seeing(focus)
        if seeing[i] or np.delete(seeing, i).mean() < FOCUSED:
            continue
        name = views.rig.names[i]
        for what, undo in REVERSED.items():
            if _changed(views, undo, [int(i)]).seeing(focus)[i]:
                message = (
                    f"camera {name} looks away from what the others see, but not if its pose is "
                    f"{what}; store world-to-camera poses, x_cam = R x_world + t"
                )
                found.append(Finding("inverse-pose", (name,), message))
                break
    return found


def _units(views: Views) -> list[Finding]:
    metres = _working_distance(views) * UNITS_IN_M[views.rig.units]
    if NEAREST_M < metres < FARTHEST_M:
        return []
    message = (
        f"the cameras are {metres:.3g} m from what they see; the unit is probably not "
        f"{views.rig.units}"
    )
    return [Finding("implausible-units", views.rig.names, message)]


def _floor(views: Views) -> list[Finding]:
    if views.rig.up_vector is None:
        return []
    height = views.centers @ views.rig.up_vector.numpy()
    under = np.flatnonzero(height < -BELOW_FLOOR * _working_distance(views))
    if len(under) == 0:
        return []
    cameras = tuple(views.rig.names[i] for i in under)
    message = (
        f"{', '.join(cameras)} under the floor by up to {-height.min():.3g} {views.rig.units}; "
        f"the world's up axis is not {views.rig.up}, or its origin is not on the floor"
    )
    return [Finding("below-floor", cameras, message)]


def _volume(views: Views, named: set[str]) -> list[Finding]:
    components = views.components()
    if len(components) == 1:
        return []
    apart = [views.rig.names[i] for group in components[1:] for i in group]
    cameras = tuple(name for name in apart if name not in named)
    if not cameras:
        return []
    message = (
        f"{', '.join(cameras)} shares no volume with the other cameras: nothing it sees can be "
        "triangulated; its pose or its focal length is wrong, or it belongs to another rig"
    )
    return [Finding("no-common-volume", cameras, message)]


def _baselines(views: Views, named: set[str]) -> list[Finding]:
    gap = np.linalg.norm(views.centers[:, None] - views.centers[None], axis=-1)
    close = np.triu(gap < NEAR_ZERO_BASELINE * _working_distance(views), k=1)
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


def _changed(views: Views, undo: Callable[[Pose], Pose], which: Iterable[int]) -> Views:
    cameras = dict(views.rig.cameras)
    for i in which:
        name = views.rig.names[int(i)]
        cameras[name] = cameras[name].with_pose(undo(cameras[name].cam_from_world))
    return Views(replace(views.rig, cameras=cameras))


def _is_focused(views: Views) -> bool:
    return bool(views.seeing(views.focus()).mean() >= FOCUSED)


def _is_even(views: Views) -> bool:
    """Whether no camera is many times farther from the focus than another."""
    focus = views.focus()
    if focus is None:
        return False
    distance = views.distances(focus)
    return bool(distance.max() <= SPREAD * max(distance.min(), 1e-300))


def _working_distance(views: Views) -> float:
    """Return the cameras' median distance from their focus, or from one another without one."""
    focus = views.focus()
    if focus is not None and views.seeing(focus).any():
        return float(np.median(views.distances(focus)))
    gap = np.linalg.norm(views.centers[:, None] - views.centers[None], axis=-1)
    return float(np.median(gap[gap > 0])) if (gap > 0).any() else 1.0
