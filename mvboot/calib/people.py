"""Frames in which the cameras do not mean the same individual.

In a frame the detections of one individual agree between two cameras, or those of another one in
one of them agree much better. That is a matter of who is who, whatever the calibration is worth.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.finding import Finding
from mvboot.calib.rays import Floats, Mask, Rays
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig

FEWEST = 3
"""Common keypoints of an individual that judge a frame."""

BETTER = 3.0
"""How many times better another individual must agree."""

LEAST_PX = 4.0
"""Error in px below which two cameras mean the same one in any case."""

MANY = 0.2
"""Share of the frames that makes it a fault."""


@dataclass(frozen=True)
class Identity:
    """Who is meant.

    Parameters
    ----------
    everyone
        All individuals in the pictures of the rig's cameras, in its order.
    chosen
        Which of them each camera means (C, F, N), for N that were chosen; -1 for none.
    """

    everyone: Keypoints2D
    chosen: NDArray[np.int64]

    @staticmethod
    def of(everyone: Keypoints2D, chosen: Keypoints2D) -> "Identity":
        """Return who of ``everyone`` was chosen, by the detections themselves."""
        xy, own = everyone.xy, chosen.xy
        index = np.full((*own.shape[:2], own.shape[2]), -1)
        for n in range(own.shape[2]):
            there = ~np.isnan(own[:, :, n, :, 0])
            same = np.asarray(xy == own[:, :, n, None]).all(-1) | ~there[:, :, None]
            match = np.asarray(same.all(-1)) & np.asarray(there.any(-1))[:, :, None]
            index[..., n] = np.where(match.any(-1), match.argmax(-1), -1)
        return Identity(everyone, index)

    def at_rows(self, rows: NDArray[np.int64]) -> "Identity":
        """Return some frames, by position."""
        return Identity(self.everyone.at_rows(rows), self.chosen[:, rows])


@dataclass(frozen=True)
class Doubts:
    """In which frames who is meant is in doubt.

    Parameters
    ----------
    frames
        Where two cameras contradict each other and another individual agrees better (F,).
    judged
        Where there are enough detections to tell (F,).
    cameras
        In how many of the frames each camera has a part in it (C,).
    """

    frames: Mask
    judged: Mask
    cameras: NDArray[np.int64]

    @property
    def share(self) -> float:
        """Share of the judged frames."""
        return float(self.frames.sum() / max(1, self.judged.sum()))


def doubts(rig: Rig, identity: Identity) -> Doubts:
    """Compare in each frame the individuals that are meant with all the others."""
    everyone = identity.everyone
    cameras, frames, people, names = everyone.shape
    wrong, judged = (np.zeros(frames, bool) for _ in range(2))
    part = np.zeros((cameras, frames), bool)
    if people == 1:
        return Doubts(wrong, judged, part.sum(1))
    rays = Rays.of(rig, everyone)
    shape = (cameras, frames, people, names, 3)
    cube = Rays(rays.origin.reshape(shape), rays.direction.reshape(shape), rays.scale)
    for a, b in combinations(range(cameras), 2):
        for one, other in ((a, b), (b, a)):
            for own, best, sure in _compared(cube, identity.chosen, one, other):
                doubted = sure & (own > LEAST_PX) & (BETTER * best < own)
                judged |= sure
                wrong |= doubted
                part[[a, b]] |= doubted
    return Doubts(wrong, judged, part.sum(1))


def _compared(
    rays: Rays, chosen: NDArray[np.int64], a: int, b: int
) -> Iterator[tuple[Floats, Floats, Mask]]:
    """Yield, for each chosen one in a: its errors against the same in b, the best other, both."""
    frame = np.arange(rays.direction.shape[1])
    for n in range(chosen.shape[2]):
        mine, same = chosen[a, :, n], chosen[b, :, n]
        pair = Rays(
            _facing(rays.origin, a, b, mine),
            _facing(rays.direction, a, b, mine),
            rays.scale[[a, b]],
        )
        errors = _medians(pair)  # (F, I)
        known = (mine >= 0) & (same >= 0)
        own = errors[frame, same]
        errors[frame, same] = np.nan
        best = np.where(np.isnan(errors), np.inf, errors).min(1)
        yield own, best, known & ~np.isnan(own)


def _facing(values: Floats, a: int, b: int, mine: NDArray[np.int64]) -> Floats:
    """Return the chosen one's values in a beside those of everyone in b (2, F, I, K, 3)."""
    own = values[a, np.arange(len(mine)), mine][:, None]
    return np.stack([np.broadcast_to(own, values[b].shape), values[b]])


def _medians(pair: Rays) -> Floats:
    """Return the median error in px of each frame and individual (F, I), NaN for too few."""
    off = np.abs(_signed(pair)).mean(0)
    enough = np.isfinite(off).sum(-1) >= FEWEST
    return np.where(enough, np.nanmedian(np.where(enough[..., None], off, 0.0), axis=-1), np.nan)


def _signed(pair: Rays) -> Floats:
    flat = Rays(pair.origin.reshape(2, -1, 3), pair.direction.reshape(2, -1, 3), pair.scale).signed(
        0, 1
    )
    return flat.reshape(2, *pair.direction.shape[1:-1])


def in_words(rig: Rig, found: Doubts, largest: bool) -> str:
    """Return in how many frames who is meant is in doubt, and what to do."""
    count, of = int(found.frames.sum()), int(found.judged.sum())
    most = [rig.names[c] for c in np.flatnonzero(found.cameras == found.cameras.max())]
    who = f" (mostly camera {most[0]})" if len(most) == 1 and len(rig) > 2 else ""
    if largest:
        advice = (
            "the largest differs from view to view; have the individuals identified and choose one "
            "by its name with --subject, or hide the others from the detector"
        )
    else:
        advice = "mend who is who in the detections, or triangulate one with --subject"
    return (
        f"in {count} of {of} frames looked at, the cameras may not mean the same individual{who}: "
        f"another one agrees better; {advice}"
    )


def mixed_up(rig: Rig, found: Doubts, largest: bool) -> Finding | None:
    """Return a finding where the individuals are mixed up in many frames."""
    if found.share < MANY:
        return None
    return Finding("mixed-individuals", rig.names, in_words(rig, found, largest))
