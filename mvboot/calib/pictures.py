"""Pictures that are not those of the calibration, and keypoints that are not the same ones.

Pictures may have been mirrored, turned upside down or resized since; a detector may exchange left
and right, or two individuals, in one camera. Each is undone in thought, camera by camera and, for
sizes, in all cameras at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

import numpy as np

from mvboot.calib.finding import Finding
from mvboot.calib.rays import Floats, Rays, rays_of
from mvboot.calib.suspicion import Suspicion
from mvboot.geometry import image_size
from mvboot.keypoints import Keypoints2D

SIZES = tuple(Fraction(size) for size in ("2", "3", "4", "3/2", "4/3"))
"""Factors by which pictures are resized, either way."""

MOST_INDIVIDUALS = 6


@dataclass(frozen=True)
class _Change:
    """What may have been done to the detections of cameras, undone."""

    code: str
    cameras: tuple[int, ...]
    keypoints: Keypoints2D
    message: str


def other_pictures(suspicion: Suspicion, sides: Mapping[str, str]) -> Finding | None:
    """Return the change of pictures or keypoints that explains the contradiction best, or None.

    ``sides`` has the other side's keypoint by name, in both directions.
    """
    best: tuple[float, _Change] | None = None
    for change in _changes(suspicion, sides):
        gain = suspicion.gain(_rays(suspicion, change), change.cameras)
        if gain and (best is None or gain > best[0]):
            best = gain, change
    if best is None:
        return None
    names = suspicion.evidence.rig.names
    return Finding(best[1].code, tuple(names[c] for c in best[1].cameras), best[1].message)


def _rays(suspicion: Suspicion, change: _Change) -> Rays:
    evidence = suspicion.evidence
    origin, direction = evidence.rays.origin.copy(), evidence.rays.direction.copy()
    for c in change.cameras:
        camera = evidence.rig[evidence.rig.names[c]]
        origin[c], direction[c] = rays_of(camera, change.keypoints, c)
    return Rays(origin, direction, evidence.rays.scale)


def _changes(suspicion: Suspicion, sides: Mapping[str, str]) -> Iterator[_Change]:
    keypoints, names = suspicion.evidence.keypoints, suspicion.evidence.rig.names
    every = tuple(range(len(names)))
    for c in every:
        yield from _people(keypoints, c)
        yield from _sides(keypoints, c, sides)
    for which in (*((c,) for c in every), every):
        yield from _flips(suspicion, which)
        yield from _sizes(suspicion, which)


def _people(keypoints: Keypoints2D, c: int) -> Iterator[_Change]:
    count = len(keypoints.individuals)
    if count > MOST_INDIVIDUALS:
        return
    for i, j in combinations(range(count), 2):
        order = list(range(count))
        order[i], order[j] = j, i
        a, b = keypoints.individuals[i], keypoints.individuals[j]
        message = (
            f"camera {keypoints.cameras[c]} calls {a} what the other cameras call {b}, and the "
            "other way round: they agree once the two are swapped; mend the names of the "
            "individuals in its detections"
        )
        changed = keypoints.xy.copy()
        changed[c] = changed[c][:, order]
        yield _Change("exchanged-individuals", (c,), _with(keypoints, changed), message)


def _sides(keypoints: Keypoints2D, c: int, sides: Mapping[str, str]) -> Iterator[_Change]:
    names = keypoints.keypoints
    order = [names.index(sides.get(name, name)) for name in names]
    if order == list(range(len(names))):
        return
    message = (
        f"camera {keypoints.cameras[c]} has left and right exchanged: it agrees with the others "
        "once its left keypoints are its right ones; were its pictures mirrored for the detector?"
    )
    changed = keypoints.xy.copy()
    changed[c] = changed[c][:, :, order]
    yield _Change("exchanged-sides", (c,), _with(keypoints, changed), message)


def _flips(suspicion: Suspicion, which: Sequence[int]) -> Iterator[_Change]:
    keypoints, rig = suspicion.evidence.keypoints, suspicion.evidence.rig
    for what, flipped in (("mirrored", (True, False)), ("upside down", (True, True))):
        changed = keypoints.xy.copy()
        for c in which:
            last = np.array(image_size(rig[rig.names[c]])) - 1
            changed[c] = np.where(flipped, last - changed[c], changed[c])
        message = (
            f"the pictures of {_whose(suspicion, which)} are {what} against the calibration: the "
            "detections agree once they are turned back; detect on pictures as calibrated"
        )
        yield _Change("flipped-pictures", tuple(which), _with(keypoints, changed), message)


def _whose(suspicion: Suspicion, which: Sequence[int]) -> str:
    names = suspicion.evidence.rig.names
    return f"camera {names[which[0]]}" if len(which) == 1 else "all cameras"


def _sizes(suspicion: Suspicion, which: Sequence[int]) -> Iterator[_Change]:
    keypoints, rig = suspicion.evidence.keypoints, suspicion.evidence.rig
    for factor in (*SIZES, *(1 / size for size in SIZES)):
        changed = keypoints.xy.copy()
        for c in which:
            changed[c] = (changed[c] + 0.5) / float(factor) - 0.5
        if not _inside(suspicion, changed, which):
            continue
        sizes = " ".join(
            f"--resize {rig.names[c]}={'x'.join(str(round(v * factor)) for v in size)}"
            for c, size in ((c, image_size(rig[rig.names[c]])) for c in which[:2])
        )
        more = " ..." if len(which) > 2 else ""
        message = (
            f"the pictures of {_whose(suspicion, which)} have {float(factor):.3g} times the "
            f"size of the calibration: the detections agree once that is undone; mvboot rig "
            f"convert ... {sizes}{more}"
        )
        yield _Change("resized-pictures", tuple(which), _with(keypoints, changed), message)


def _inside(suspicion: Suspicion, xy: Floats, which: Sequence[int]) -> bool:
    """Whether nearly all detections lie in the calibrated pictures."""
    rig = suspicion.evidence.rig
    for c in which:
        seen = xy[c][np.isfinite(xy[c][..., 0])]
        inside = ((seen > -1) & (seen < np.array(image_size(rig[rig.names[c]])))).all(-1)
        if len(seen) and inside.mean() < 0.95:
            return False
    return True


def _with(keypoints: Keypoints2D, xy: Floats) -> Keypoints2D:
    confidence = np.where(np.isnan(xy[..., 0]), np.nan, 1.0)
    return replace(keypoints, xy=xy, confidence=confidence, covariance=None)
