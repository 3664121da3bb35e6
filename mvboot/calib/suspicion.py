"""What an explanation of a contradiction must do to be believed.

A contradiction between detections and a rig has many possible causes. One is tried out by changing
the rays as if it were undone: it is believed if the cameras concerned then agree much better, and
as well as the noise of the detections allows.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from mvboot.calib.consistency import PIXEL_LEVEL, TIMES, Agreement, Evidence
from mvboot.calib.rays import Floats, Rays

BETTER = 2.0
"""How many times smaller the error must become."""

BEHIND = 10.0
"""Factor on the error of two cameras whose rays meet behind them."""


@dataclass(frozen=True)
class Suspicion:
    """Detections that contradict a rig, and by how much."""

    evidence: Evidence
    given: Agreement

    def error(self, rays: Rays, a: int, b: int) -> float:
        """Return the error in px of a pair of cameras; points behind them count as worse."""
        off = rays.off(a, b)
        seen = np.isfinite(off)
        if not seen.any():
            return float("nan")
        penalty = BEHIND if rays.behind(a, b)[seen].mean() > 0.5 else 1.0
        return penalty * max(float(np.median(off[seen])), PIXEL_LEVEL)

    def gain(self, rays: Rays, changed: Iterable[int]) -> float:
        """Return how much better the changed cameras agree, as a logarithm; 0 if not believed."""
        which = set(changed)
        pairs = [p for p in self.evidence.pairs if which & set(p)]
        before = np.array([self.error(self.evidence.rays, *p) for p in pairs])
        after = np.array([self.error(rays, *p) for p in pairs])
        allowed = np.array([self.given.allowed[p] for p in pairs])
        return believed(before, after, allowed)

    def is_noise(self, rays: Rays, changed: Iterable[int]) -> bool:
        """Whether every pair of the changed cameras is as near as the noise allows."""
        which = set(changed)
        pairs = [p for p in self.evidence.pairs if which & set(p)]
        return all(self.error(rays, *p) <= TIMES * self.given.allowed[p] for p in pairs)


def believed(before: Floats, after: Floats, allowed: Floats) -> float:
    """Return the mean logarithm of what errors became smaller by; 0 unless they are noise now."""
    if len(before) == 0 or np.isnan(after).any():
        return 0.0
    smaller = np.log(before / after)
    left = np.log(after / allowed)
    if np.median(smaller) < np.log(BETTER) or np.median(left) > np.log(TIMES):
        return 0.0
    return float(smaller.mean())
