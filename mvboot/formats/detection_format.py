"""What a format of 2D keypoints is, and how what it reads becomes one `Keypoints2D`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import hash_file
from mvboot.keypoints import Keypoints2D

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CameraDetections:
    """What one camera saw.

    Parameters
    ----------
    frames
        Frame numbers (F,), increasing.
    individuals, keypoints
        Names of the I individuals and K keypoints.
    xy, confidence
        (F, I, K, 2) px and (F, I, K); missing is NaN.
    numbered
        Whether the file states frame numbers. Where rows are merely counted, all cameras must
        have the same number of them.
    identified
        Whether an individual's name means the same one in every camera.
    """

    frames: NDArray[np.int64]
    individuals: tuple[str, ...]
    keypoints: tuple[str, ...]
    xy: Floats
    confidence: Floats
    numbered: bool
    identified: bool = True


@dataclass(frozen=True)
class DetectionFormat:
    """One foreign format of 2D keypoints.

    Parameters
    ----------
    name, title
        What users say to ``format=``, and one line for people.
    matches
        Whether a file or folder (known to exist) is of this format, by its content.
    read_camera
        One camera's file or folder to its detections; None where files hold all cameras.
    read_all
        A file of all cameras to detections by camera; None where files hold one camera.
    write
        Writes detections into a folder of their own, so that the folder can be read; None where
        that is not possible.
    read_frames
        Reads one camera's files by the number of their frame; None where one file holds them all.
    """

    name: str
    title: str
    matches: Callable[[Path], bool]
    read_camera: Callable[[Path], CameraDetections] | None = None
    read_all: Callable[[Path], Mapping[str, CameraDetections]] | None = None
    write: Callable[[Keypoints2D, Path], None] | None = None
    read_frames: Callable[[Mapping[int, Path]], CameraDetections] | None = None


def as_triples(keypoints: Keypoints2D) -> Floats:
    """Return x, y, confidence (C, F, I, K, 3), 0 where missing, as people write them."""
    triples = np.concatenate([keypoints.xy, keypoints.confidence[..., None]], -1)
    return np.asarray(np.nan_to_num(triples))


def require_one(keypoints: Keypoints2D, what: str) -> None:
    """Raise InputError for several individuals, which a format does not tell apart."""
    if len(keypoints.individuals) > 1:
        raise InputError(
            f"{what} holds one individual, there are {', '.join(keypoints.individuals)}"
        )


def clean(xy: Any, confidence: Any, where: Path) -> tuple[Floats, Floats]:
    """Return xy (..., 2) and confidence (...) with missing detections as NaN in both.

    Missing is a NaN coordinate, a confidence of 0 or NaN, or the 0, 0 that several tools write.
    InputError for an infinite value or a confidence outside [0, 1].
    """
    xy = np.array(xy, dtype=np.float64)
    confidence = np.array(confidence, dtype=np.float64)
    if np.isinf(xy).any() or np.isinf(confidence).any():
        raise InputError("has an infinite value", where=where)
    known = confidence[~np.isnan(confidence)]
    if known.size and (known.min() < 0 or known.max() > 1):
        worst = known.max() if known.max() > 1 else known.min()
        raise InputError(
            f"has a confidence of {worst:g}, outside [0, 1]; rescale the detector's scores",
            where=where,
        )
    missing = np.isnan(xy).any(-1) | np.isnan(confidence) | (confidence == 0) | (xy == 0).all(-1)
    return np.where(missing[..., None], np.nan, xy), np.where(missing, np.nan, confidence)


def combine(
    cameras: Mapping[str, CameraDetections], format: DetectionFormat, files: Sequence[Path]
) -> Keypoints2D:
    """Put the cameras' detections on common axes.

    InputError where keypoints differ between cameras, or where files without frame numbers have
    different lengths.
    """
    _check_lengths(cameras)
    keypoints = _common_keypoints(cameras)
    frames = np.unique(np.concatenate([seen.frames for seen in cameras.values()]))
    individuals = tuple(
        dict.fromkeys(name for seen in cameras.values() for name in seen.individuals)
    )
    xy = np.full((len(cameras), len(frames), len(individuals), len(keypoints), 2), np.nan)
    confidence = np.full(xy.shape[:-1], np.nan)
    for c, seen in enumerate(cameras.values()):
        where = np.ix_(
            np.searchsorted(frames, seen.frames),
            np.array([individuals.index(name) for name in seen.individuals]),
            np.array([keypoints.index(name) for name in seen.keypoints]),
        )
        xy[c][where] = seen.xy
        confidence[c][where] = seen.confidence
    one_each = all(len(seen.individuals) == 1 for seen in cameras.values())
    return Keypoints2D(
        cameras=tuple(cameras),
        frames=frames,
        individuals=individuals,
        keypoints=keypoints,
        xy=xy,
        confidence=confidence,
        identified=one_each or all(seen.identified for seen in cameras.values()),
        source={
            "format": format.name,
            "title": format.title,
            "files": len(files),
            "inputs": {file.name: hash_file(file) for file in files[:16] if file.is_file()},
        },
    )


def _check_lengths(cameras: Mapping[str, CameraDetections]) -> None:
    counts = {name: len(seen.frames) for name, seen in cameras.items() if not seen.numbered}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise InputError(
            f"the cameras have different numbers of frames ({listed}) and these files do not "
            "number them, so frames cannot be paired; cut the videos to the same frames"
        )


def _common_keypoints(cameras: Mapping[str, CameraDetections]) -> tuple[str, ...]:
    first_name, first = next(iter(cameras.items()))
    for name, seen in cameras.items():
        if set(seen.keypoints) != set(first.keypoints):
            raise InputError(
                f"cameras name different keypoints: {first_name} has "
                f"{', '.join(first.keypoints)}; {name} has {', '.join(seen.keypoints)}"
            )
    return first.keypoints
