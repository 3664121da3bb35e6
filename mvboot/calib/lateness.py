"""Cameras whose frames come late: which shift makes them agree with the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mvboot.calib.consistency import FEWEST
from mvboot.calib.finding import Finding
from mvboot.calib.rays import Floats, Rays
from mvboot.calib.suspicion import Suspicion

LATEST = 10
"""Frames that are tried, both ways."""

CLEARLY = 1.5
"""How many times smaller a shift must make the errors."""


def late_cameras(suspicion: Suspicion, stated: Mapping[str, int]) -> list[Finding]:
    """Return the cameras that come late or early, where that explains the contradiction.

    ``stated`` has the frames that a camera was said to be late, and is moved by, already.
    """
    if suspicion.evidence.rig.is_moving:
        return []
    shifts: dict[int, int] = {}
    rays = suspicion.evidence.rays
    while len(shifts) < max(1, len(rays.scale) - 1):
        found = _best(suspicion, rays, set(shifts))
        if found is None:
            break
        shifts[found.camera] = found.frames
        rays = found.rays
    if not shifts or not suspicion.gain(rays, shifts):
        return []
    return [_finding(suspicion, c, frames, stated) for c, frames in sorted(shifts.items())]


@dataclass(frozen=True)
class _Shift:
    camera: int
    frames: int
    rays: Rays
    gain: float


def _best(suspicion: Suspicion, rays: Rays, done: set[int]) -> _Shift | None:
    """Return the shift of one camera that makes its errors smallest, if clearly smaller."""
    best: _Shift | None = None
    for c in range(len(rays.scale)):
        if c in done:
            continue
        others = [pair for pair in suspicion.evidence.pairs if c in pair]
        before = np.array([suspicion.error(rays, *pair) for pair in others])
        for frames in (*range(1, LATEST + 1), *range(-1, -LATEST - 1, -1)):
            moved = shifted(suspicion, rays, c, frames)
            counts = [(moved.present[a] & moved.present[b]).sum() for a, b in others]
            if not counts or min(counts) < FEWEST:
                continue
            after = np.array([suspicion.error(moved, *pair) for pair in others])
            gain = float(np.median(np.log(before / after)))
            if gain > np.log(CLEARLY) and (best is None or gain > best.gain):
                best = _Shift(c, frames, moved, gain)
    return best


def shifted(suspicion: Suspicion, rays: Rays, camera: int, frames: int) -> Rays:
    """Return the rays with those of one camera taken from so many frames later."""
    numbers = suspicion.evidence.keypoints.frames
    at = np.searchsorted(numbers, numbers + frames)
    row = np.minimum(at, len(numbers) - 1)
    there = numbers[row] == numbers + frames

    def later(values: Floats) -> Floats:
        own = values[camera].reshape(len(numbers), -1, 3)
        changed = values.copy()
        changed[camera] = np.where(there[:, None, None], own[row], np.nan).reshape(-1, 3)
        return changed

    return Rays(later(rays.origin), later(rays.direction), rays.scale)


def _finding(suspicion: Suspicion, camera: int, frames: int, stated: Mapping[str, int]) -> Finding:
    names = suspicion.evidence.rig.names
    name = names[camera]
    frames += stated.get(name, 0)
    count = abs(frames)
    when = f"{count} frame{'s' if count > 1 else ''} {'late' if frames > 0 else 'early'}"
    against = f"camera {names[1 - camera]}" if len(names) == 2 else "the others"
    message = (
        f"camera {name} runs {when}: its detections agree with {against} once that is undone; "
        f"state it with --offset {name}={frames}"
    )
    return Finding("late-camera", (name,), message)
