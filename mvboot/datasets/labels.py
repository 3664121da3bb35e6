"""Labels as sets of pictures: those of people, those of a round, and both together."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def on_axes(keypoints: Keypoints2D, cameras: Sequence[str], frames: Sequence[int]) -> Keypoints2D:
    """Return keypoints of exactly these cameras and frames, missing where there were none."""
    numbers = np.unique(np.asarray(frames, np.int64))
    _, to, of = np.intersect1d(numbers, keypoints.frames, return_indices=True)

    def moved(values: Floats) -> Floats:
        found = np.full((len(cameras), len(numbers), *values.shape[2:]), np.nan)
        for c, name in enumerate(cameras):
            if name in keypoints.cameras:
                found[c, to] = values[keypoints.cameras.index(name), of]
        return found

    return replace(
        keypoints,
        cameras=tuple(cameras),
        frames=numbers,
        xy=moved(keypoints.xy),
        confidence=moved(keypoints.confidence),
        covariance=None if keypoints.covariance is None else moved(keypoints.covariance),
    )


def of_pictures(keypoints: Keypoints2D, keep: Bools) -> Keypoints2D:
    """Return the keypoints of some pictures (C, F); those of the others become missing."""
    return keypoints.where(keep[:, :, None, None])


def of_views(
    keypoints: Keypoints2D, cameras: Collection[str], frames: Collection[int]
) -> Keypoints2D:
    """Return the keypoints of these cameras in these frames; the others become missing."""
    chosen = np.isin(keypoints.frames, np.array(sorted(frames), np.int64))
    rows = np.array([name in cameras for name in keypoints.cameras])
    return of_pictures(keypoints, rows[:, None] & chosen)


def labelled_pictures(keypoints: Keypoints2D) -> Bools:
    """Return which pictures (C, F) have a keypoint."""
    return np.asarray(keypoints.present.any(axis=(2, 3)))


def labelled_part(keypoints: Keypoints2D, fewest: int = 1) -> Keypoints2D:
    """Return keypoints of the cameras with a label, in the frames that ``fewest`` cameras label.

    InputError where nothing is labelled.
    """
    pictures = labelled_pictures(keypoints)
    cameras = [name for name, own in zip(keypoints.cameras, pictures, strict=True) if own.any()]
    return keypoints.for_cameras(cameras).at_rows(np.flatnonzero(pictures.sum(0) >= fewest))


def united(first: Keypoints2D, later: Keypoints2D) -> Keypoints2D:
    """Return the labels of both; a picture that both have keeps those of ``first``.

    InputError where they are of different keypoints.
    """
    if first.keypoints != later.keypoints:
        raise InputError(
            f"labels of {', '.join(first.keypoints)} and of {', '.join(later.keypoints)} cannot "
            "be one set"
        )
    cameras = tuple(dict.fromkeys((*first.cameras, *later.cameras)))
    frames = np.union1d(first.frames, later.frames).tolist()
    ours, theirs = (on_axes(one, cameras, frames) for one in (first, later))
    own = labelled_pictures(ours)[:, :, None, None]
    return replace(
        ours,
        xy=np.where(own[..., None], ours.xy, theirs.xy),
        confidence=np.where(own, ours.confidence, theirs.confidence),
        covariance=None,
    )


def subject_size_px(labels: Keypoints2D) -> float:
    """Return the median longer side in px of the boxes about labels with two keypoints or more.

    InputError where there is none.
    """
    known = labels.present
    low = np.where(known[..., None], labels.xy, np.inf).min(3)
    high = np.where(known[..., None], labels.xy, -np.inf).max(3)
    sides = (high - low).max(-1)[known.sum(3) > 1]
    if not len(sides) or not np.median(sides) > 0:
        raise InputError(
            "no labelled picture has two keypoints, so that the subject's size is unknown; state "
            "threshold_px"
        )
    return float(np.median(sides))
