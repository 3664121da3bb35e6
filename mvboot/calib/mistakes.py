"""Known mistakes of rig files, undone in thought: poses the wrong way round, lengths in two units.

No single number of a pose betrays them. But people set cameras up around a subject: the axes pass
near one point from many sides, at similar distances, mostly upright. A mistake is named only if
the rig as given does not look like that and undoing this one mistake makes it so. Parallel rows,
outward rings and corridors never look like that, so they are never called wrong; and a reversed
rig that looks as good as before needs keypoints to be told (`diagnose`).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.finding import Finding
from mvboot.calib.views import Floats, Views
from mvboot.geometry import Pose
from mvboot.rig import Rig

Undo = Callable[[Pose], Pose]
Indices = NDArray[np.intp]
Mask = NDArray[np.bool_]

FOCUSED = 0.9
"""Share of the cameras that must have the common focus in their picture."""

MOST = 0.6
"""Share of the other cameras that must, before a single one is said to miss it."""

CLEAR_DEG, CLEARER = 15.0, 4.0
"""Convergence a mended rig must reach, and how many times that of the rig as given."""

EVEN, UNEVEN = 10.0, 30.0
"""Farthest over nearest camera: what sound rigs stay below, and what only mistakes exceed."""

ROLLED = 1 / 3
"""Weight of cameras without a common upright: less proves nothing, some rigs are like that."""

AIM_DEG, ODD_AIM_DEG = 10.0, 8.0
"""How far beside the focus a camera may aim after a mistake of all, or of one, is undone."""

REVERSED: dict[str, Undo] = {
    "the inverse pose (world from camera)": lambda pose: pose.inverse(),
    "the camera centre as translation": lambda pose: Pose(pose.R, -pose.rotate(pose.t)),
    "the transposed rotation": lambda pose: Pose(pose.R.mT, pose.t),
}
"""How poses are stored the wrong way round, and what undoes it."""

UNIT_FACTORS = (1000.0, 100.0, 10.0)


def mixed_units(views: Views) -> list[Finding]:
    """Return the cameras whose lengths are in another unit than the others', as one finding.

    A camera at the world's origin has no length and belongs to both groups.
    """
    if _is_gathered(views, UNEVEN):
        return []
    length = np.array([float(c.cam_from_world.t.norm()) for c in views.rig.cameras.values()])
    order = np.flatnonzero(length > 1e-9 * length.max())
    order = order[np.argsort(length[order])]
    holes = length[order[1:]] / length[order[:-1]]
    for split in 1 + np.argsort(-holes):
        small, large = order[:split], order[split:]
        for factor in UNIT_FACTORS:
            if holes[split - 1] < max(factor / 10, 5.0):
                continue
            mended = _changed(views, _scaling(factor), small)
            if _mends(views, mended):
                wrong = _wrong_group(views, small, large, mended)
                return [_mixed([views.rig.names[i] for i in sorted(wrong)], factor)]
    return []


def reversed_rig(views: Views) -> list[Finding]:
    """Return the way all poses are stored the wrong way round, as one finding."""
    as_given = _convergence(views)
    everyone = range(len(views.rig))
    for what, undo in REVERSED.items():
        mended = _changed(views, undo, everyone)
        wanted = max(CLEAR_DEG, CLEARER * as_given)
        if _is_aimed(mended) and _convergence(mended) > wanted:
            message = (
                "the cameras do not look at one place from several sides, but they do if the file "
                f"holds {what}; store world-to-camera poses, x_cam = R x_world + t"
            )
            return [Finding("inverse-pose", views.rig.names, message)]
    return []


def odd_cameras(views: Views) -> list[Finding]:
    """Return single cameras that miss what most others look at, where one mistake explains it."""
    focus = views.focus()
    if len(views.rig) < 3 or focus is None:
        return []
    distance = views.distances(focus)
    typical = float(np.median(distance))
    is_near = (distance < UNEVEN * typical) & (distance > typical / UNEVEN)
    fine = is_near & views.seeing(focus)
    found = []
    for i in np.flatnonzero(~fine):
        if np.delete(fine, i).mean() >= MOST:
            found += _explained(views, int(i), focus, fine)
    return found


def reposed(rig: Rig, undo: Undo, which: Iterable[int]) -> Rig:
    """Return the rig with the poses of some cameras changed."""
    cameras = dict(rig.cameras)
    for i in which:
        name = rig.names[int(i)]
        cameras[name] = cameras[name].with_pose(undo(cameras[name].cam_from_world))
    return replace(rig, cameras=cameras)


def _changed(views: Views, undo: Undo, which: Iterable[int]) -> Views:
    return Views(reposed(views.rig, undo, which))


def _explained(views: Views, i: int, focus: Floats, fine: Mask) -> list[Finding]:
    name = views.rig.names[i]
    for what, undo in REVERSED.items():
        if _fits_in(_changed(views, undo, [i]), i, focus, fine):
            message = (
                f"camera {name} looks away from what the others see, but not if its pose is "
                f"{what}; store world-to-camera poses, x_cam = R x_world + t"
            )
            return [Finding("inverse-pose", (name,), message)]
    for factor in UNIT_FACTORS:
        for undo in (_scaling(factor), _scaling(1 / factor)):
            if _fits_in(_changed(views, undo, [i]), i, focus, fine):
                return [_mixed([name], factor)]
    return []


def _fits_in(views: Views, i: int, focus: Floats, fine: Mask) -> bool:
    """Whether a camera sees the focus, aims at it and is as far from it as those that are fine."""
    distance, aim = views.distances(focus), views.off_axis_deg(focus)
    near, far = distance[fine].min() / 2, 2 * distance[fine].max()
    widest = max(ODD_AIM_DEG, aim[fine].max())
    return bool(near <= distance[i] <= far and aim[i] <= widest and views.seeing(focus)[i])


def _mixed(names: list[str], factor: float) -> Finding:
    message = (
        f"the translation of {', '.join(names)} is in another unit than the others' "
        f"(a factor of {factor:g}); bring all to one unit"
    )
    return Finding("mixed-units", tuple(names), message)


def _wrong_group(views: Views, small: Indices, large: Indices, mended: Views) -> Indices:
    """Return the smaller group; of two equal ones that which puts the rig out of a building."""
    if len(small) != len(large):
        return small if len(small) < len(large) else large
    return small if views.working_distance_m < mended.working_distance_m < 30.0 else large


def _scaling(factor: float) -> Undo:
    return lambda pose: pose.scaled(factor)


def _mends(before: Views, after: Views) -> bool:
    if after.focus() is None:
        return not _is_even(before) and _is_even(after)
    return _is_gathered(after, EVEN)


def _is_even(views: Views) -> bool:
    """Whether no camera is far out, for those that look at no common place."""
    away = views.distances(np.median(views.centers, axis=0))
    return bool(away.max() <= UNEVEN * np.median(away))


def _is_gathered(views: Views, limit: float) -> bool:
    """Whether the cameras see a common focus, no one ``limit`` times farther than another."""
    focus = views.focus()
    if focus is None:
        return False
    distance = views.distances(focus)
    is_even = distance.max() <= limit * distance.min()
    return bool(is_even and views.seeing(focus).mean() >= FOCUSED)


def _is_aimed(views: Views) -> bool:
    """Whether the cameras are gathered and nearly all aim at their focus."""
    focus = views.focus()
    if focus is None or not _is_gathered(views, EVEN):
        return False
    return bool(np.quantile(views.off_axis_deg(focus), FOCUSED) <= AIM_DEG)


def _convergence(views: Views) -> float:
    """Return the spread in degrees of the cameras around their focus, 0 without one.

    Weighted by how upright they stand with one another and by the share that sees the focus: a
    reversed rig of level cameras is a bundle rolled about one axis.
    """
    focus = views.focus()
    if focus is None:
        return 0.0
    away = views.centers - focus
    sides = away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-300)
    spread = np.degrees(np.arccos(np.clip(np.linalg.norm(sides.mean(0)), 0, 1)))
    rows = np.stack([c.cam_from_world.R[:2].numpy() for c in views.rig.cameras.values()])
    upright = np.linalg.norm(rows.mean(0), axis=1).max()  # of the x axes for cameras on their side
    return float(spread * max(upright, ROLLED) * views.seeing(focus).mean() ** 2)
