"""Whether the detections of a recording fit the rig, pair of cameras by pair of cameras.

Two views of the same points agree if the rays meet. This tells a camera that was moved or is
called by another's name, and what geometry alone cannot see: a rig whose poses are all reversed
but which looks like a rig, and a mirrored world, where the rays meet behind the cameras.
"""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.finding import Finding
from mvboot.calib.mistakes import REVERSED, reposed
from mvboot.errors import InputError
from mvboot.geometry import Camera, image_size
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig

Floats = NDArray[np.float64]

POINTS = 2000
FEWEST = 20
"""Common points below which a pair of cameras is not judged."""

BAD_SHARE = 0.02
"""Median distance from the epipolar line, over the picture's diagonal: no detector is so bad."""

BAD_TIMES = 4.0
"""And how many times worse than the best pairs of the same rig a bad pair must be."""

MOST_SWAPS = 12
"""Among more suspects no two swapped names are searched for."""


@dataclass(frozen=True)
class Agreement:
    """How well pairs of cameras agree; symmetric matrices, NaN for pairs not judged.

    Parameters
    ----------
    px
        Median distance (C, C) from the epipolar line.
    share
        The same over the picture's diagonal.
    behind
        Share (C, C) of the points whose rays meet behind a camera.
    """

    px: Floats
    share: Floats
    behind: Floats

    @property
    def bad(self) -> NDArray[np.bool_]:
        """Pairs that disagree, (C, C)."""
        judged = self.share[~np.isnan(self.share)]
        best = np.quantile(judged, 0.25) if len(judged) else 0.0
        limit = BAD_SHARE if best > BAD_SHARE else max(BAD_SHARE, BAD_TIMES * best)
        with np.errstate(invalid="ignore"):
            return np.asarray((self.share > limit) | (self.behind > 0.5))

    @property
    def outcasts(self) -> list[int]:
        """Cameras to leave out, the worst first, until none disagrees with most others.

        All of them where no two cameras agree.
        """
        kept = list(range(len(self.px)))
        judged, bad = ~np.isnan(self.share), self.bad
        while len(kept) > 1:
            inner = np.ix_(kept, kept)
            share = bad[inner].sum(1) / np.maximum(judged[inner].sum(1), 1)
            if share.max() <= 0.5:
                return sorted(set(range(len(self.px))) - set(kept))
            error = np.nan_to_num(np.where(bad[inner], self.share[inner], 0)).sum(1)
            kept.pop(int(np.lexsort((error, share))[-1]))
        return list(range(len(self.px)))


def check_keypoints(rig: Rig, keypoints: Keypoints2D, seed: int = 0) -> tuple[Finding, ...]:
    """Return the cameras whose detections contradict the rig, and why if one mistake explains it.

    Parameters
    ----------
    rig
        The cameras; every one must have keypoints of its name (InputError).
    keypoints
        Detections of the same points by several cameras, confident ones; InputError where an
        individual is not the same one in all cameras (choose one first, `Keypoints2D.largest`).
    seed
        Of the draw of frames, where there are many.

    Returns
    -------
    tuple of Finding
        ``swapped-names``, ``inverse-pose``, ``mirrored-world`` or ``inconsistent-keypoints``.
    """
    if not keypoints.identified:
        raise InputError("choose one individual first: the cameras list them in different orders")
    drawn = keypoints.for_cameras(rig.names).sample(POINTS, np.random.default_rng(seed))
    given = agreement(rig, drawn)
    outcasts = given.outcasts
    if not outcasts or len(rig) < 2:
        return ()
    if len(outcasts) == len(rig) and _is_mirrored(given):
        return (_mirrored(rig),)
    swapped = _swapped(rig, drawn, given)
    if swapped:
        return (swapped,)
    if len(outcasts) == len(rig):
        return (_reversed(rig, drawn, outcasts) or _nothing_agrees(rig, given),)
    single = (_reversed(rig, drawn, [i]) or _odd_one(rig, given, i) for i in outcasts)
    return tuple(single)


def agreement(rig: Rig, keypoints: Keypoints2D) -> Agreement:
    """Measure every pair of cameras on the detections, cameras in rig order."""
    rays = [_rays(rig[name], keypoints, c) for c, name in enumerate(rig.names)]
    scale = [float((c.K[0, 0] * c.K[1, 1]).sqrt()) for c in rig.cameras.values()]
    diagonal = [float(np.hypot(*image_size(c))) for c in rig.cameras.values()]
    px, share, behind = (np.full((len(rig), len(rig)), np.nan) for _ in range(3))
    for a, b in combinations(range(len(rig)), 2):
        angle_a, angle_b, meets_behind = _pair(*rays[a], *rays[b])
        if len(angle_a) < FEWEST:
            continue
        error_a, error_b = float(np.median(angle_a)), float(np.median(angle_b))
        px[a, b] = px[b, a] = (error_a * scale[a] + error_b * scale[b]) / 2
        shares = error_a * scale[a] / diagonal[a], error_b * scale[b] / diagonal[b]
        share[a, b] = share[b, a] = max(shares)
        behind[a, b] = behind[b, a] = meets_behind.mean()
    return Agreement(px, share, behind)


def _rays(camera: Camera, keypoints: Keypoints2D, c: int) -> tuple[Floats, Floats]:
    """Return origins and unit directions (P, 3) of all detections in the world, NaN if missing."""
    per_frame = keypoints.xy.shape[2] * keypoints.xy.shape[3]
    pixels = keypoints.xy[c].reshape(-1, 2)
    try:
        origin, direction = camera.at(np.repeat(keypoints.frames, per_frame)).ray(pixels)
    except ValueError as error:
        raise InputError(f"camera {keypoints.cameras[c]}: {error}") from None
    return np.broadcast_to(origin, direction.shape), direction


def _pair(
    origin_a: Floats, ray_a: Floats, origin_b: Floats, ray_b: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return each ray's angle from the other's epipolar plane, and whether they meet behind."""
    base = origin_b - origin_a
    normal_a, normal_b = np.cross(base, ray_a), np.cross(base, ray_b)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_b = np.abs((normal_a * ray_b).sum(-1)) / np.linalg.norm(normal_a, axis=-1)
        of_a = np.abs((normal_b * ray_a).sum(-1)) / np.linalg.norm(normal_b, axis=-1)
    cosine = (ray_a * ray_b).sum(-1)
    along_a, along_b = (base * ray_a).sum(-1), (base * ray_b).sum(-1)
    depth_a, depth_b = along_a - cosine * along_b, cosine * along_a - along_b
    seen = np.isfinite(of_a) & np.isfinite(of_b)
    behind = (depth_a < 0) | (depth_b < 0)
    return np.arcsin(np.minimum(of_a, 1))[seen], np.arcsin(np.minimum(of_b, 1))[seen], behind[seen]


def _swapped(rig: Rig, keypoints: Keypoints2D, given: Agreement) -> Finding | None:
    suspects = given.outcasts if len(given.outcasts) < len(rig) else list(range(len(rig)))
    if len(suspects) > MOST_SWAPS:
        return None
    for a, b in combinations((rig.names[i] for i in suspects), 2):
        cameras = {**rig.cameras, a: rig[b], b: rig[a]}
        if not agreement(replace(rig, cameras=cameras), keypoints).bad.any():
            message = (
                f"cameras {a} and {b} have each other's keypoints: everything agrees once the two "
                "names are swapped; rename them in the rig or in the keypoint files"
            )
            return Finding("swapped-names", (a, b), message)
    return None


def _reversed(rig: Rig, keypoints: Keypoints2D, which: list[int]) -> Finding | None:
    names = tuple(rig.names[i] for i in which)
    for what, undo in REVERSED.items():
        mended = agreement(reposed(rig, undo, which), keypoints)
        if not mended.bad[which].any():
            message = (
                f"the detections of {', '.join(names)} contradict the rig, but not if the file "
                f"holds {what}; store world-to-camera poses, x_cam = R x_world + t"
            )
            return Finding("inverse-pose", names, message)
    return None


def _is_mirrored(given: Agreement) -> bool:
    judged = ~np.isnan(given.share)
    return bool((given.share[judged] < BAD_SHARE).all() and (given.behind[judged] > 0.5).all())


def _mirrored(rig: Rig) -> Finding:
    message = (
        "the detections fit the rig, but all points lie behind the cameras: the world is mirrored; "
        "flip one axis of the world in the program that wrote the rig"
    )
    return Finding("mirrored-world", rig.names, message)


def _nothing_agrees(rig: Rig, given: Agreement) -> Finding:
    message = (
        f"no two cameras agree on the detections (median distance from the epipolar line "
        f"{np.nanmedian(given.px):.3g} px): the rig is of another recording, the cameras are not "
        "synchronous, or the pictures were cropped or resized"
    )
    return Finding("inconsistent-keypoints", rig.names, message)


def _odd_one(rig: Rig, given: Agreement, i: int) -> Finding:
    name = rig.names[i]
    message = (
        f"camera {name} contradicts all others (median distance from the epipolar line "
        f"{np.nanmedian(given.px[i]):.3g} px): it was moved, is called by another's name, is out "
        "of step, or its pictures were cropped or resized"
    )
    return Finding("inconsistent-keypoints", (name,), message)
