"""What a format of 2D keypoints is, and how what it reads becomes one `Keypoints2D`."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import hash_file
from mvboot.formats.frame_ranges import notes_on_frames
from mvboot.keypoints import Keypoints2D, are_identified
from mvboot.sizes import require_size
from mvboot.words import listed

Floats = NDArray[np.float64]
OVERSHOOT = 1.25
"""Largest score that still counts as 1: interpolated peaks of heatmaps come out a little higher."""
SENTINELS = (0.0, -1.0)
"""Coordinates that tools write, both together, for what they did not find."""


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
    notes
        Sentences about what is odd in the file and was read all the same.
    """

    frames: NDArray[np.int64]
    individuals: tuple[str, ...]
    keypoints: tuple[str, ...]
    xy: Floats
    confidence: Floats
    numbered: bool
    identified: bool = True
    notes: tuple[str, ...] = ()


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
        raise InputError(f"{what} holds one individual, there are {listed(keypoints.individuals)}")


def clean(
    xy: Any, confidence: Any, where: Path, notes: list[str] | None = None
) -> tuple[Floats, Floats]:
    """Return xy (..., 2) and confidence (...) with missing detections as NaN in both.

    Missing is a NaN coordinate, a confidence of 0, or 0, 0 or -1, -1 as several tools write it. A
    point without a score (NaN) was placed by a person and counts as certain; so does a score up to
    1.25. ``notes`` takes what was read so. InputError for an infinite value or a confidence outside
    [0, 1] otherwise.
    """
    xy = np.array(xy, dtype=np.float64)
    confidence = np.array(confidence, dtype=np.float64)
    if np.isinf(xy).any() or np.isinf(confidence).any():
        raise InputError("has an infinite value", where=where)
    missing = np.isnan(xy).any(-1) | (confidence == 0)
    for value in SENTINELS:
        missing |= (xy == value).all(-1)
    known = confidence[~missing & ~np.isnan(confidence)]
    if known.size and (known.min() < 0 or known.max() > OVERSHOOT):
        worst = known.max() if known.max() > OVERSHOOT else known.min()
        raise InputError(
            f"has a confidence of {worst:g}, outside [0, 1]; rescale the detector's scores",
            where=where,
        )
    unscored, over = ~missing & np.isnan(confidence), int((known > 1).sum())
    if notes is not None and unscored.any():
        notes.append(
            f"points without a score ({unscored.sum()}) count as placed by a person: confidence 1"
        )
    if notes is not None and over:
        notes.append(f"scores above 1 ({over}, up to {known.max():g}) count as 1")
    confidence = np.where(unscored, 1.0, np.clip(confidence, None, 1.0))
    return np.where(missing[..., None], np.nan, xy), np.where(missing, np.nan, confidence)


def combine(
    cameras: Mapping[str, CameraDetections], format: DetectionFormat, files: Sequence[Path]
) -> Keypoints2D:
    """Put the cameras' detections on common axes.

    A keypoint that a camera's file does not have is never seen by it. InputError where a camera
    shares no keypoint with the others, where files without frame numbers have different lengths,
    and where the common axes would need far more memory than the files.
    """
    _check_lengths(cameras)
    cameras = _one_individual(cameras)
    keypoints = _all_keypoints(cameras)
    frames = np.unique(np.concatenate([seen.frames for seen in cameras.values()]))
    individuals = tuple(
        dict.fromkeys(name for seen in cameras.values() for name in seen.individuals)
    )
    shape = (len(cameras), len(frames), len(individuals), len(keypoints))
    require_size((*shape, 3), _size(shape), files[0], _stored(files))
    xy, confidence = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    place = {name: k for k, name in enumerate(keypoints)}
    person = {name: i for i, name in enumerate(individuals)}
    for c, seen in enumerate(cameras.values()):
        where = np.ix_(
            np.searchsorted(frames, seen.frames),
            np.array([person[name] for name in seen.individuals], dtype=np.intp),
            np.array([place[name] for name in seen.keypoints], dtype=np.intp),
        )
        xy[c][where] = seen.xy
        confidence[c][where] = seen.confidence
    return Keypoints2D(
        cameras=tuple(cameras),
        frames=frames,
        individuals=individuals,
        keypoints=keypoints,
        xy=xy,
        confidence=confidence,
        identified=len(individuals) == 1 or all(seen.identified for seen in cameras.values()),
        source={
            "format": format.name,
            "title": format.title,
            "files": len(files),
            "inputs": {file.name: hash_file(file) for file in files[:16] if file.is_file()},
            "notes": _notes(cameras, keypoints, np.isfinite(confidence).any(axis=(1, 2, 3))),
        },
    )


def _one_individual(cameras: Mapping[str, CameraDetections]) -> Mapping[str, CameraDetections]:
    """Give the only individual of every camera one name, where names are numbers of trackers."""
    names = {name for seen in cameras.values() for name in seen.individuals}
    one_each = all(len(seen.individuals) == 1 for seen in cameras.values())
    if not one_each or len(names) == 1 or are_identified(sorted(names)):
        return cameras
    (name,) = next(iter(cameras.values())).individuals
    return {camera: replace(seen, individuals=(name,)) for camera, seen in cameras.items()}


def _size(shape: tuple[int, int, int, int]) -> str:
    what = ("cameras", "frames", "individuals or tracks", "keypoints")
    return " x ".join(f"{count} {noun}" for count, noun in zip(shape, what, strict=True))


def _stored(files: Sequence[Path]) -> int:
    """Return the bytes of the files, and of those in folders."""
    inside = [each for file in files for each in (file.iterdir() if file.is_dir() else [file])]
    return sum(each.stat().st_size for each in inside if each.is_file())


def _notes(
    cameras: Mapping[str, CameraDetections], keypoints: tuple[str, ...], seen: NDArray[np.bool_]
) -> list[str]:
    notes = [f"{name}: {note}" for name, camera in cameras.items() for note in camera.notes]
    lacking: dict[str, list[str]] = {}
    for name, camera in cameras.items():
        absent = [keypoint for keypoint in keypoints if keypoint not in camera.keypoints]
        if camera.keypoints and absent:
            shown = ", ".join(absent[:8]) + (", ..." if len(absent) > 8 else "")
            lacking.setdefault(shown, []).append(name)
    notes += [f"no keypoint {what} in camera {', '.join(who)}" for what, who in lacking.items()]
    nobody = [name for name, any_seen in zip(cameras, seen, strict=True) if not any_seen]
    if nobody:
        notes.append(f"no detection at all in camera {', '.join(nobody)}")
    numbered = {name: camera.frames for name, camera in cameras.items() if camera.numbered}
    return notes + notes_on_frames(numbered)


def _check_lengths(cameras: Mapping[str, CameraDetections]) -> None:
    counts = {name: len(seen.frames) for name, seen in cameras.items() if not seen.numbered}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name}: {count}" for name, count in counts.items())
        unpaired = (
            f"the cameras have different numbers of frames ({listed}) and these files do not "
            "number them, so frames cannot be paired; "
        )
        cut = "cut the videos to the same frames"
        raise InputError(
            f"{unpaired}{cut}", typed={"--timestamps": f"{unpaired}give --timestamps, or {cut}"}
        )


def _all_keypoints(cameras: Mapping[str, CameraDetections]) -> tuple[str, ...]:
    """Return the keypoints that any camera names; one that saw nobody may name none."""
    known = {name: seen.keypoints for name, seen in cameras.items() if seen.keypoints}
    if not known:
        raise InputError("nobody was detected by any camera, so no keypoint is known")
    counts = Counter(keypoint for names in known.values() for keypoint in names)
    for name, keypoints in known.items():
        if len(known) > 1 and all(counts[keypoint] == 1 for keypoint in keypoints):
            other = next(each for each in known if each != name)
            raise InputError(
                f"cameras name different keypoints, none in common: {other} has "
                f"{listed(known[other], 8)}; {name} has {listed(keypoints, 8)}"
            )
    return tuple(counts)
