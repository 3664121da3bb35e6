"""Lists of people, one entry a person and frame, put on a dense axis of individuals."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.detection_format import CameraDetections


class PersonPose(NamedTuple):
    """One person in one frame: track number or None, xy (K, 2) px and confidence (K,)."""

    frame: int
    track: int | None
    xy: NDArray[np.float64]
    confidence: NDArray[np.float64]


def from_people(
    poses: Sequence[PersonPose],
    keypoints: tuple[str, ...],
    where: Path,
    frames: Iterable[int] = (),
) -> CameraDetections:
    """Return one camera's detections; individuals are never identified across cameras.

    With a track number for every pose individuals are tracks, otherwise the order within a frame.
    ``frames`` are frames that exist even if nobody was seen in them. InputError where a track
    appears twice in a frame.
    """
    numbers = np.array(sorted({*frames, *(pose.frame for pose in poses)}), dtype=np.int64)
    tracked = bool(poses) and all(pose.track is not None for pose in poses)
    slot = Counter[int]()
    owner = []
    for pose in poses:
        owner.append(pose.track if tracked and pose.track is not None else slot[pose.frame])
        slot[pose.frame] += 1
    people = sorted(set(owner)) or [0]
    xy = np.full((len(numbers), len(people), len(keypoints), 2), np.nan)
    confidence = np.full(xy.shape[:-1], np.nan)
    filled = set()
    for pose, person in zip(poses, owner, strict=True):
        if (pose.frame, person) in filled:
            raise InputError(f"track {person} appears twice in frame {pose.frame}", where=where)
        filled.add((pose.frame, person))
        f, i = int(np.searchsorted(numbers, pose.frame)), people.index(person)
        xy[f, i], confidence[f, i] = pose.xy, pose.confidence
    names = tuple(f"person_{person}" for person in people)
    return CameraDetections(numbers, names, keypoints, xy, confidence, True, identified=False)
