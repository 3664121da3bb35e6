"""Whether the detections of a recording fit the rig, pair of cameras by pair of cameras.

Two views of the same points agree if the rays meet. How near they must pass is told by the
detections themselves: as near as they pass where any calibration may be chosen (`attainable`).
Behind a camera they must not meet: geometry alone cannot see that a world is mirrored.
"""

from dataclasses import dataclass

import numpy as np

from mvboot.calib.attainable import Frames, attainable, every_pair
from mvboot.calib.rays import Floats, Mask, Rays
from mvboot.calib.views import Views
from mvboot.geometry import image_size
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig

POINTS = 2000
FEWEST = 20
"""Common points below which a pair of cameras is not judged."""

MANY_KEYPOINTS = 8
"""Keypoints from which every other one only judges."""

PIXEL_LEVEL = 0.5
"""Detections are not believed to be better than this, in px."""

TIMES = 2.0
"""How many times what their noise allows an error must be before it is a fault."""

ALIKE = 2.0
"""How many times the usual noise that of a pair may be: more is a fault that no bending undoes."""

MOST_SHARE = 0.02
"""Over the picture's diagonal: no noise of a detector is so large."""


@dataclass(frozen=True)
class Agreement:
    """How well C cameras agree; NaN for pairs and cameras that were not judged.

    Parameters
    ----------
    px
        Median distance (C, C) from the epipolar line, symmetric.
    allowed
        The same where any calibration near this one may be chosen: what the noise allows.
    behind
        Share (C, C) of the points whose rays meet behind a camera.
    left_out, left_out_allowed
        Median distance (C,) in px of a camera's detections from the points of the others.
    """

    px: Floats
    allowed: Floats
    behind: Floats
    left_out: Floats
    left_out_allowed: Floats

    @property
    def judged(self) -> Mask:
        """Pairs that have enough points in common, (C, C)."""
        return np.asarray(~np.isnan(self.px))

    @property
    def bad(self) -> Mask:
        """Pairs that disagree by more than the noise allows, (C, C)."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.px > TIMES * self.allowed) | (self.behind > 0.5))

    @property
    def excess(self) -> Floats:
        """By how much pairs miss what the noise allows, (C, C): 1 where twice, 2 where four times.

        Pairs whose rays meet behind a camera miss it by at least 3.
        """
        with np.errstate(invalid="ignore"):
            times = np.log2(np.maximum(self.px / self.allowed, 1.0))
            return np.where(self.behind > 0.5, np.maximum(times, 3.0), times)

    @property
    def bad_left_out(self) -> Mask:
        """Cameras whose detections are farther from the points of the others than noise, (C,)."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.left_out > TIMES * self.left_out_allowed)

    @property
    def fits(self) -> bool:
        """Whether no pair and no camera disagrees."""
        return not (self.bad.any() or self.bad_left_out.any())


@dataclass(frozen=True)
class Evidence:
    """What is judged: a rig, its detections, their rays, and the pairs with enough in common."""

    rig: Rig
    keypoints: Keypoints2D
    rays: Rays

    @staticmethod
    def of(rig: Rig, keypoints: Keypoints2D) -> "Evidence":
        """Return the evidence of detections whose cameras have the rig's names."""
        ordered = keypoints.for_cameras(rig.names)
        return Evidence(rig, ordered, Rays.of(rig, ordered))

    def subset(self, cameras: list[int]) -> "Evidence":
        """Return the evidence of some cameras."""
        names = [self.rig.names[c] for c in cameras]
        kept = self.keypoints.for_cameras(names)
        return Evidence(self.rig.subset(names), kept, self.rays.subset(cameras))

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Pairs of cameras with enough points in common."""
        there = self.rays.present
        return [p for p in every_pair(len(there)) if (there[p[0]] & there[p[1]]).sum() >= FEWEST]


def agreement(evidence: Evidence) -> Agreement:
    """Measure every pair of cameras and every camera; what the noise allows on held-out points."""
    rig, rays = evidence.rig, evidence.rays
    count, pairs = len(rig), evidence.pairs
    px, allowed, behind = (np.full((count, count), np.nan) for _ in range(3))
    left, left_allowed = (np.full(count, np.nan) for _ in range(2))
    if not pairs:
        return Agreement(px, allowed, behind, left, left_allowed)
    training, held_out = _split(evidence.keypoints)
    fitted = attainable(rays, _frames(rig), pairs, training).where(held_out)
    for a, b in pairs:
        error, turned_back = rays.off(a, b), rays.behind(a, b)
        seen = np.isfinite(error)
        if not seen.any():
            continue
        px[a, b] = px[b, a] = np.median(error[seen])
        behind[a, b] = behind[b, a] = turned_back[seen].mean()
        allowed[a, b] = allowed[b, a] = _median(fitted.off(a, b))
    diagonal = np.array([np.hypot(*image_size(c)) for c in rig.cameras.values()])
    most = MOST_SHARE * (diagonal[:, None] + diagonal) / 2
    left = np.array([_median(row) for row in rays.left_out()])
    left_allowed = np.array([_median(row) for row in fitted.left_out()])
    left_allowed = np.where(np.isnan(left_allowed), left, left_allowed)
    return Agreement(
        px,
        _noise(px, np.where(np.isnan(allowed), px, allowed), most),
        behind,
        left,
        np.maximum(left_allowed, PIXEL_LEVEL),
    )


def outcasts(evidence: Evidence, given: Agreement) -> list[int]:
    """Return the fewest cameras without which the others fit; the worst are taken first.

    What the noise allows is asked anew each time, of the others. All cameras where most would go.
    Of two that only disagree with each other both: nothing tells which is wrong.
    """
    kept, out, now = list(range(len(given.px))), [], given
    while not now.fits:
        if not now.bad.any() or len(kept) == 2:
            return list(range(len(given.px)))
        if now.bad.sum() == 2:
            out += [kept[i] for i in np.flatnonzero(now.bad.any(0))]
            break
        excess = np.where(now.bad, now.excess, 0).sum(1)
        out.append(kept.pop(int(excess.argmax())))
        now = agreement(evidence.subset(kept))
    if 2 * len(out) > len(given.px):
        return list(range(len(given.px)))
    return sorted(out)


def _noise(px: Floats, allowed: Floats, most: Floats) -> Floats:
    """Return what is believed of the noise of each pair: no more than the usual pair's twice."""
    least = np.fmin(px, allowed)
    usual = _median(least)
    believed = np.minimum(np.minimum(allowed, ALIKE * usual), most / TIMES)
    return np.asarray(np.maximum(believed, PIXEL_LEVEL))


def _median(values: Floats) -> float:
    seen = values[np.isfinite(values)]
    return float(np.median(seen)) if len(seen) else np.nan


def _split(keypoints: Keypoints2D) -> tuple[Mask, Mask]:
    """Return which points (P,) a calibration is fitted to and which judge it.

    Other frames and, where there are many, other keypoints: a detector errs in each keypoint in
    its own way, in all frames alike, and a calibration must not learn that.
    """
    _, frames, individuals, names = keypoints.shape
    cells = np.arange(frames * individuals * names).reshape(frames, individuals, names)
    if frames >= 8:
        early = np.broadcast_to(
            (np.arange(frames) * 8 // frames % 2 == 0)[:, None, None], cells.shape
        )
    else:
        early = cells % 2 == 0
    if frames < 8 or names < MANY_KEYPOINTS:
        return early.ravel(), ~early.ravel()
    even = np.broadcast_to(np.arange(names) % 2 == 0, cells.shape)
    return (early & even).ravel(), (~early & ~even).ravel()


def _frames(rig: Rig) -> Frames:
    still = rig.still()
    axes = np.stack([c.cam_from_world.R.numpy() for c in still.cameras.values()])
    return Frames(axes, Views(still).working_distance)
