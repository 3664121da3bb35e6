"""SLEAP analysis h5, one file a camera: ``tracks`` is (tracks, 2, nodes, frames).

Tracks are individuals; a track's name means the same animal in every camera only if the user
named it, so with several tracks SLEAP's default names (``track_0`` ...) count as not identified.
A point with coordinates but without a score was placed by a person and counts as certain.
"""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, clean
from mvboot.keypoints import Keypoints2D


def _matches(path: Path) -> bool:
    if path.suffix not in (".h5", ".hdf5") or not h5py.is_hdf5(path):
        return False
    with h5py.File(path) as file:
        return "tracks" in file and "node_names" in file


def _read(path: Path) -> CameraDetections:
    try:
        with h5py.File(path) as file:
            return _detections(file, path)
    except (OSError, KeyError, RuntimeError) as error:
        raise InputError(f"is no readable SLEAP analysis file ({error})", where=path) from None


def _detections(file: h5py.File, path: Path) -> CameraDetections:
    nodes = tuple(_text(name) for name in file["node_names"][()])
    tracks = np.asarray(file["tracks"][()], dtype=np.float64)
    if tracks.ndim != 4 or tracks.shape[1] != 2 or tracks.shape[2] != len(nodes):
        raise InputError(
            f"needs tracks of shape (tracks, 2, {len(nodes)} nodes, frames), got {tracks.shape}; "
            "is it a 3D file?",
            where=path,
        )
    xy = tracks.transpose(3, 0, 2, 1)
    names = [_text(name) for name in file["track_names"][()]] if "track_names" in file else []
    if len(names) != len(tracks):
        names = [f"track_{i}" for i in range(len(tracks))]
    default = all(name.startswith("track_") for name in names)
    xy, confidence = clean(xy, _scores(file, xy), path)
    return CameraDetections(
        frames=np.arange(tracks.shape[3]),
        individuals=tuple(names),
        keypoints=nodes,
        xy=xy,
        confidence=confidence,
        numbered=False,
        identified=not default,
    )


def _scores(file: h5py.File, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    placed = np.where(np.isnan(xy[..., 0]), np.nan, 1.0)
    if "point_scores" not in file:
        return placed
    scores = np.asarray(file["point_scores"][()], dtype=np.float64).transpose(2, 0, 1)
    return np.where(np.isnan(scores) | (scores == 0), placed, np.clip(scores, 0.0, 1.0))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write an analysis h5 a camera; its frames count from 0, so that missing ones are empty."""
    frames = np.arange(int(keypoints.frames[-1]) + 1)
    shape = (len(frames), *keypoints.shape[2:])
    for c, name in enumerate(keypoints.cameras):
        xy, scores = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
        xy[keypoints.frames], scores[keypoints.frames] = keypoints.xy[c], keypoints.confidence[c]
        there = np.isfinite(scores).any(-1)
        with atomic_file(folder / f"{name}.h5") as partial, h5py.File(partial, "w") as file:
            file["tracks"] = xy.transpose(1, 3, 2, 0)
            file["point_scores"] = scores.transpose(1, 2, 0)
            file["track_occupancy"] = there.astype(np.uint8)
            file["node_names"] = np.array(keypoints.keypoints, dtype="S")
            file["track_names"] = np.array(keypoints.individuals, dtype="S")


FORMAT = DetectionFormat("sleap", "SLEAP analysis h5", _matches, _read, write=_write)
