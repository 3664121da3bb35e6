"""Which views make a sample: cameras that constrain each other, and neighbours in time.

A pair of views cannot see a slip along its epipolar lines; a third camera can, unless its centre
lies in the plane of the other two and the subject. So each camera is put together with two others
that span a volume with it, and over training each view meets both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mvboot.datasets.capture import Capture, Split
from mvboot.datasets.sample import View
from mvboot.errors import InputError
from mvboot.rig import Rig

Floats = NDArray[np.float64]
FLAT = 0.05
"""Triplets below this volume (1 is three right angles) hardly see slips along epipolar lines."""
CANDIDATES = 12
"""Partners that are tried for each camera: those whose direction is nearest to `WANTED_DEG`."""
WANTED_DEG = 50.0
"""Angle at the subject: far enough for depth, near enough to see the same side of it."""
WIDEST_DEG = 100.0
"""Beyond this angle two cameras hardly see the same side of the subject."""


@dataclass(frozen=True)
class CameraGroups:
    """Cameras to look at together, and what a user should know about them.

    ``groups`` are tuples of camera names, each group once; ``warnings`` are sentences.
    """

    groups: tuple[tuple[str, ...], ...]
    warnings: tuple[str, ...] = ()


def camera_groups(rig: Rig, cameras: Sequence[str] | None = None, size: int = 2) -> CameraGroups:
    """Choose pairs, triplets or larger groups so that every camera has at least two partners.

    Parameters
    ----------
    rig
        The cameras; moving ones count with their first pose.
    cameras
        Names to choose from; None: all.
    size
        2 for pairs, 3 for triplets, more for larger groups, 1 for single views.

    Returns
    -------
        For each camera the two partners that span the largest volume with it as seen from the
        subject, which is taken to be where the optical axes meet best, among those that see the
        same side of it (`WIDEST_DEG`). Larger groups have more of such partners, those nearest to
        `WANTED_DEG` first, as far as there are any. Two cameras are one pair with a warning, also
        where more were asked for; so are cameras in a plane with the subject warned of.

    Raises
    ------
    InputError
        Unknown names, or one camera where pairs or triplets are asked for.
    """
    chosen = rig.subset(cameras) if cameras is not None else rig
    names = chosen.names
    if size == 1:
        return CameraGroups(tuple((name,) for name in names))
    if len(names) < 2:
        raise InputError(f"only camera {', '.join(names)} is left; pairs need two cameras")
    if len(names) == 2:
        return CameraGroups(
            (names,),
            (
                "the rig has two cameras: nothing can see slips along the epipolar lines; hold "
                "the fields with labels or a teacher, or add a camera",
            ),
        )
    directions = _directions(chosen)
    triplets = [_best_triplet(directions, camera) for camera in range(len(names))]
    flat = [names[c] for c, (_, volume) in enumerate(triplets) if volume < FLAT]
    warnings: tuple[str, ...] = ()
    if flat:
        warnings = (
            f"camera {', '.join(flat)} lies almost in a plane with every two others and the "
            "subject: slips along the epipolar lines are hardly seen; raise or lower a camera",
        )
    if size > 2:
        sets = {tuple(sorted(_enlarged(directions, t, size))) for t, _ in triplets}
    else:
        sets = {tuple(sorted((t[0], other))) for t, _ in triplets for other in t[1:]}
    groups = tuple(tuple(names[c] for c in group) for group in sorted(sets))
    return CameraGroups(groups, warnings)


def sample_views(
    capture: Capture,
    split: Split = "train",
    size: int = 2,
    neighbours: Sequence[int] = (),
) -> tuple[list[tuple[View, ...]], tuple[str, ...]]:
    """List the views of every sample of a split, and the warnings of `camera_groups`.

    Parameters
    ----------
    capture
        Held-out cameras do not train; validation has all cameras.
    split
        Its frames. Samples are listed frame by frame, for each frame every group of cameras that
        filmed it.
    size
        Cameras a sample, at most (`camera_groups`).
    neighbours
        Frame offsets, such as (1,) or (-2, 2): every view's own camera at those frames joins the
        sample, where it filmed them and they are of the same split.

    Raises
    ------
    InputError
        As `camera_groups`; an offset of 0; no frame of the split was filmed by a whole group.
    """
    if 0 in neighbours or len(set(neighbours)) < len(neighbours):
        raise InputError(f"neighbours are different offsets other than 0, got {list(neighbours)}")
    cameras = capture.training_cameras if split == "train" else capture.cameras
    plan = camera_groups(capture.rig.still(), cameras, size)
    frames = capture.split(split).tolist()
    inside = set(frames)
    found = []
    for frame in frames:
        for group in plan.groups:
            if not all(capture.has(camera, frame) for camera in group):
                continue
            later = [
                View(camera, frame + step)
                for step in neighbours
                for camera in group
                if frame + step in inside and capture.has(camera, frame + step)
            ]
            found.append((*(View(camera, frame) for camera in group), *later))
    if frames and not found:
        raise InputError(
            f"no frame of the {split} split was filmed by {size} cameras of one group at once; "
            "do the cameras share frame numbers?",
            where=capture.folder,
        )
    return found, plan.warnings


def meeting_point(rig: Rig) -> Floats:
    """Return the point (3,) in the world that is nearest to all optical axes.

    Where the axes are parallel, the one of these points that is nearest to the cameras.
    """
    still = rig.still().cameras.values()
    centers = np.stack([camera.center.numpy() for camera in still])
    forward = np.stack([camera.forward.numpy() for camera in still])
    across = np.eye(3) - forward[:, :, None] * forward[:, None, :]
    middle = centers.mean(0)
    wanted = (across @ (centers - middle)[:, :, None]).sum(0)[:, 0]
    offset = np.linalg.lstsq(across.sum(0), wanted, rcond=1e-6)[0]
    return np.asarray(middle + offset)


def _directions(rig: Rig) -> Floats:
    """Return unit vectors (C, 3) from the subject to the cameras."""
    centers = np.stack([camera.center.numpy() for camera in rig.still().cameras.values()])
    offsets = centers - meeting_point(rig)
    length = np.linalg.norm(offsets, axis=1, keepdims=True)
    return np.asarray(offsets / np.where(length > 0, length, 1))


def _best_triplet(directions: Floats, camera: int) -> tuple[tuple[int, int, int], float]:
    """Return a camera with its two best partners, and the volume that the three span."""
    own = directions[camera]
    pairs = list(combinations(_partners(directions, camera)[:CANDIDATES], 2))
    first, second = (directions[[pair[i] for pair in pairs]] for i in (0, 1))
    volume = np.abs(np.cross(first, second) @ own)
    # Among flat triplets the one whose cameras see the subject from the most different sides.
    apart = np.linalg.norm(np.cross(first, own), axis=1) * np.linalg.norm(
        np.cross(second, own), axis=1
    )
    best = int(np.argmax(volume + 0.01 * apart))
    return (camera, *pairs[best]), float(volume[best])


def _partners(directions: Floats, camera: int) -> list[int]:
    """Return the cameras that see the same side as one, the best angle first; at least two."""
    angles = np.degrees(np.arccos(np.clip(directions @ directions[camera], -1, 1)))
    order = [int(c) for c in np.argsort(np.abs(angles - WANTED_DEG), kind="stable") if c != camera]
    near = [c for c in order if angles[c] <= WIDEST_DEG]
    return near if len(near) > 1 else order[:2]


def _enlarged(directions: Floats, triplet: tuple[int, ...], size: int) -> tuple[int, ...]:
    """Return a triplet with more partners of its first camera, up to ``size`` cameras."""
    more = [c for c in _partners(directions, triplet[0]) if c not in triplet]
    return (*triplet, *more[: size - len(triplet)])
