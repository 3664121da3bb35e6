"""Faults that a rig can have and still load: each found by name, none guessed away.

Only the cause is reported, not what follows from it: a camera that was named once is left out of
the later questions.
"""

from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.calib.finding import Finding
from mvboot.calib.mistakes import mixed_units, odd_cameras, reversed_rig
from mvboot.calib.scale import NEAREST_M, smallest_m
from mvboot.calib.views import Views
from mvboot.geometry import Camera, rayless_share
from mvboot.rig import Rig

Mask = NDArray[np.bool_]

SAME_ANGLE_DEG = 0.05
SAME_CENTER = 1e-4
NEAR_ZERO_BASELINE = 0.005
"""Baseline over distance below which two views measure no depth (0.3 degrees of parallax)."""

BELOW_FLOOR = 0.005
"""How far under the floor, over the distance of the focus, before it is called a fault."""

FARTHEST_M = 1e3
SHOWN = 6
"""Cameras that a message lists."""


def check_rig(rig: Rig) -> tuple[Finding, ...]:
    """Return every fault found, the most telling ones only; () for a sound rig.

    A transposed K and a rotation with determinant -1 cannot be loaded at all: `load_rig` refuses
    them by name. Moving cameras are checked at their first frame. What only detections can tell
    is asked by `diagnose`.
    """
    views = Views(rig.still())
    doubles = _equal_cameras(views)
    folds = folding_lenses(rig)
    whole = mixed_units(views) or reversed_rig(views)
    if whole:
        return (*doubles, *whole, *folds)
    odd = odd_cameras(views)
    named = {name for finding in (*doubles, *odd) for name in finding.cameras}
    rest = (_units(views), _floor(views, named), _volume(views, named), _baselines(views, named))
    return (*doubles, *odd, *chain.from_iterable(rest), *folds)


def folding_lenses(rig: Rig) -> list[Finding]:
    """Return one finding with the cameras in whose picture some pixels have no ray, if any."""
    shares = {name: rayless_share(camera) for name, camera in rig.cameras.items()}
    folding = {name: share for name, share in shares.items() if share > 0}
    if not folding:
        return []
    each = ", ".join(f"{name} ({100 * share:.2g} %)" for name, share in [*folding.items()][:SHOWN])
    more = f" and {len(folding) - SHOWN} more cameras" if len(folding) > SHOWN else ""
    message = (
        f"the lens has no inverse in a part of the picture of {each}{more}: detections there have "
        "no ray and are lost; calibrate with points out to the corners, or a simpler lens"
    )
    return [Finding("lens-folds", tuple(folding), message)]


def _equal_cameras(views: Views) -> list[Finding]:
    found = []
    for group in _groups(_same_pose(views)):
        names = tuple(views.rig.names[i] for i in group)
        first, *others = (views.rig[name] for name in names)
        if all(_same_inside(first, other) for other in others):
            message = (
                f"cameras {_listed(names)} have identical parameters; one block was copied over "
                "the other: calibrate again or restore the lost one"
            )
            found.append(Finding("identical-blocks", names, message))
        else:
            message = (
                f"cameras {_listed(names)} have the same pose; two cameras cannot share one "
                "place: one of the poses is wrong or missing"
            )
            found.append(Finding("same-pose", names, message))
    return found


def _same_pose(views: Views) -> Mask:
    R = np.stack([c.cam_from_world.R.numpy() for c in views.rig.cameras.values()])
    cosine = (np.einsum("aij,bij->ab", R, R) - 1) / 2
    aligned = np.degrees(np.arccos(np.clip(cosine, -1, 1))) <= SAME_ANGLE_DEG
    return np.asarray(aligned & (views.gaps <= SAME_CENTER * views.working_distance))


def _same_inside(a: Camera, b: Camera) -> bool:
    return torch.equal(a.K, b.K) and torch.equal(a.lens.coefficients, b.lens.coefficients)


def _groups(alike: Mask) -> list[list[int]]:
    """Return the groups of two or more cameras that are alike, from a symmetric matrix (C, C)."""
    if not np.triu(alike, 1).any():
        return []
    from scipy.sparse.csgraph import connected_components  # slow to load

    count, label = connected_components(alike, directed=False)
    groups = [np.flatnonzero(label == i).tolist() for i in range(count)]
    return [group for group in groups if len(group) > 1]


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _units(views: Views) -> list[Finding]:
    metres = views.working_distance_m
    if len(views.rig) < 2 or smallest_m(views.rig, NEAREST_M) < metres < FARTHEST_M:
        return []
    message = (
        f"the cameras are {metres:.3g} m from what they see, or from one another; the unit is "
        f"probably not {views.rig.units}"
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
    close = views.gaps < NEAR_ZERO_BASELINE * views.working_distance
    known = np.array([name in named for name in views.rig.names])
    found = []
    for group in _groups(close & ~known & ~known[:, None]):
        names = tuple(views.rig.names[i] for i in group)
        widest = views.gaps[np.ix_(group, group)].max()
        message = (
            f"cameras {_listed(names)} are only {widest:.3g} {views.rig.units} apart: together "
            "they measure no depth; check their translations"
        )
        found.append(Finding("near-zero-baseline", names, message))
    return found
