"""Lists of people, one entry a person and frame, put on a dense axis of individuals."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.detection_format import CameraDetections, clean
from mvboot.keypoints import are_identified
from mvboot.sizes import require_size


class PersonPose(NamedTuple):
    """One person in one frame: track (a number, or a name) or None, xy (K, 2) px, scores (K,).

    Points that are missing, and people of no point, may be there as files have them.
    """

    frame: int
    track: int | str | None
    xy: NDArray[np.float64]
    confidence: NDArray[np.float64]


def from_people(
    poses: Sequence[PersonPose],
    keypoints: tuple[str, ...],
    where: Path,
    frames: Iterable[int] = (),
    stored: int | None = None,
) -> CameraDetections:
    """Return one camera's detections; people are identified by names alone, not by numbers.

    With a track for every pose individuals are tracks, otherwise the order within a frame; one
    track number for everybody is none. ``frames`` are frames that exist even if nobody was seen in
    them; ``stored`` is the size of the file in bytes. People of no point are nobody, and are told
    in the notes. InputError where a track appears twice in a
    frame, or where frames times individuals are far more than the file holds.
    """
    numbers = np.array(sorted({*frames, *(pose.frame for pose in poses)}), dtype=np.int64)
    nobody = sum(not len(pose.xy) for pose in poses)
    poses = [pose for pose in poses if len(pose.xy)]
    owners = _owners(poses)
    people = sorted(set(owners), key=lambda owner: (isinstance(owner, str), owner)) or [0]
    size = where.stat().st_size if stored is None else stored
    what = f"{len(numbers)} frames x {len(people)} individuals or tracks x {len(keypoints)} points"
    require_size((len(numbers), len(people), len(keypoints), 3), what, where, size)
    xy = np.full((len(numbers), len(people), len(keypoints), 2), np.nan)
    confidence = np.full(xy.shape[:-1], np.nan)
    place = {person: i for i, person in enumerate(people)}
    filled = set()
    for pose, person in zip(poses, owners, strict=True):
        if (pose.frame, person) in filled:
            raise InputError(f"track {person} appears twice in frame {pose.frame}", where=where)
        filled.add((pose.frame, person))
        f, i = int(np.searchsorted(numbers, pose.frame)), place[person]
        xy[f, i], confidence[f, i] = pose.xy, pose.confidence
    names = tuple(person if isinstance(person, str) else f"person_{person}" for person in people)
    notes = [f"entries of people without keypoints, left out: {nobody}"] if nobody else []
    xy, confidence = clean(xy, confidence, where, notes)
    return CameraDetections(
        numbers, names, keypoints, xy, confidence, True, are_identified(names), tuple(notes)
    )


def _owners(poses: Sequence[PersonPose]) -> list[int | str]:
    """Return the track of each pose, or its place in its frame where people were not tracked."""
    tracks = [pose.track for pose in poses if pose.track is not None]
    slots, slot = [], Counter[int]()
    for pose in poses:
        slots.append(slot[pose.frame])
        slot[pose.frame] += 1
    untracked = len(tracks) < len(poses) or (len(set(tracks)) == 1 and max(slots, default=0) > 0)
    return list(slots) if untracked else list(tracks)
