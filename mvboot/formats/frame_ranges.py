"""What numbers of frames say about cameras: one that counts from 1, ends early, or shares none."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

FEW = 0.1
"""Share of a camera's frames; below it is nearly nothing in common with the others."""


def notes_on_frames(frames: Mapping[str, NDArray[np.int64]]) -> list[str]:
    """Return sentences on cameras whose numbers of frames (increasing) do not go with the others'.

    Numbers alone cannot tell whether a camera was late or only counts differently; people can.
    """
    ranges = {name: (int(f[0]), int(f[-1]), len(f)) for name, f in frames.items() if len(f)}
    if len(ranges) < 2:
        return []
    usual = Counter(ranges.values()).most_common(1)[0][0]
    odd = {name: own for name, own in ranges.items() if own != usual}
    notes = [note for name, own in odd.items() if (note := _shift(name, own, usual))]
    ends = {name: own[1] for name, own in odd.items() if own[0] == usual[0]}
    if ends:
        listed = ", ".join(f"{name} at {end}" for name, end in list(ends.items())[:8])
        notes.append(f"frames end at {usual[1]}, but {listed}: missing there")
    return notes + _lonely(frames)


def _shift(name: str, own: tuple[int, int, int], usual: tuple[int, int, int]) -> str | None:
    """Return what to say where a range is the usual one, moved; None where it is not."""
    moved = own[0] - usual[0]
    if not moved or own[1] - usual[1] != moved or own[2] != usual[2] or own[2] < 2:
        return None
    reason = "which looks like counting from 1" if moved == 1 and usual[0] == 0 else "as many"
    return (
        f"{name} has the frames {own[0]} to {own[1]}, others {usual[0]} to {usual[1]}, {reason}; "
        f"if they are the same instants, state it with --offset {name}={moved}"
    )


def _lonely(frames: Mapping[str, NDArray[np.int64]]) -> list[str]:
    """Return a note on cameras whose frames hardly any other camera has."""
    counts = Counter(int(frame) for own in frames.values() for frame in own)
    shared = {
        name: np.mean([counts[int(frame)] > 1 for frame in own])
        for name, own in frames.items()
        if len(own) > 1
    }
    lonely = [name for name, share in shared.items() if share < FEW]
    if not lonely:
        return []
    return [
        f"hardly any frame of camera {', '.join(lonely[:8])} has the number of one in another "
        "camera; check which number in the files' names is the frame"
    ]
