"""SLEAP analysis h5, one file a camera: ``tracks`` is (tracks, 2, nodes, frames).

sleap-io also writes (frames, tracks, nodes, 2): attributes ``dims`` or the shape tell. Rows are the
video's frames counted from 0, up to the last one with an animal. Tracks are individuals; a track's
name means the same animal in every camera only if the user named it, so with several tracks SLEAP's
default names (``track_0`` ...) count as not identified. A point with coordinates but without a
score was placed by a person and counts as certain.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats import hdf5
from mvboot.formats.child import read_in_child
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, clean
from mvboot.keypoints import Keypoints2D, are_identified
from mvboot.sizes import require_size

FROM_MATLAB, AS_IT_IS = (3, 0, 2, 1), (0, 1, 2, 3)
"""How axes become (frames, tracks, nodes, 2): SLEAP's own order, and the other of sleap-io."""
AXES = ("frame", "track", "node", "xy")


def _matches(path: Path) -> bool:
    return path.suffix in (".h5", ".hdf5") and {"tracks", "node_names"} <= set(
        hdf5.contents_of(path)["names"]
    )


def stored(path: Path) -> dict[str, Any]:
    """Read what an analysis file holds, in the child."""
    with hdf5.opened(path) as file:
        tracks = hdf5.numbers(file, "tracks", path)
        found: dict[str, Any] = {
            "tracks": tracks,
            "dims": _dims(file["tracks"].attrs.get("dims")),
            "nodes": hdf5.texts(file, "node_names", path),
            "names": hdf5.texts(file, "track_names", path) if "track_names" in file else [],
            "scores": None,
        }
        if "point_scores" in file:
            found["scores"] = hdf5.numbers(file, "point_scores", path)
        return found


def _dims(stated: Any) -> list[str]:
    """Return the names of the axes as sleap-io states them; [] where nothing is stated."""
    if isinstance(stated, str | bytes):
        try:
            stated = json.loads(stated)
        except ValueError:
            return []
    if not isinstance(stated, list | tuple | np.ndarray):
        return []
    return [hdf5.text(name).lower().rstrip("s") for name in stated]


def _read(path: Path) -> CameraDetections:
    found = read_in_child(f"{__name__}:stored", path)
    tracks, nodes = np.asarray(found["tracks"]), found["nodes"]
    order = _order(tracks.shape, found["dims"], len(nodes), len(found["names"]))
    if order is None:
        raise InputError(
            f"needs tracks of shape (tracks, 2, {len(nodes)} nodes, frames), got {tracks.shape}; "
            "is it a 3D file?",
            where=path,
        )
    xy = tracks.transpose(order).astype(np.float64)
    names = found["names"]
    if len(names) != xy.shape[1]:
        names = [f"track_{i}" for i in range(xy.shape[1])]
    notes: list[str] = []
    xy, confidence = clean(xy, _scores(found["scores"], order, xy, path), path, notes)
    return CameraDetections(
        frames=np.arange(len(xy)),
        individuals=tuple(names),
        keypoints=tuple(nodes),
        xy=xy,
        confidence=confidence,
        numbered=True,
        identified=are_identified(names),
        notes=tuple(notes),
    )


def _order(
    shape: tuple[int, ...], dims: list[str], nodes: int, tracks: int
) -> tuple[int, ...] | None:
    if len(shape) != 4:
        return None
    if sorted(dims) == sorted(AXES):
        order = tuple(dims.index(axis) for axis in AXES)
        return order if shape[order[3]] == 2 and shape[order[2]] == nodes else None
    matlab = shape[1] == 2 and shape[2] == nodes
    plain = shape[3] == 2 and shape[2] == nodes
    if matlab and plain:  # two frames or two tracks: the tracks' names tell
        plain = shape[1] == tracks != shape[0]
        matlab = not plain
    return FROM_MATLAB if matlab else AS_IT_IS if plain else None


def _scores(
    stored: Any, order: tuple[int, ...], xy: NDArray[np.float64], path: Path
) -> NDArray[np.float64]:
    placed = np.where(np.isnan(xy[..., 0]), np.nan, 1.0)
    if stored is None:
        return placed
    # The axes of scores are those of points without x and y.
    kept = [axis for axis in sorted(order) if axis != order[3]]
    scores = np.asarray(stored, dtype=np.float64)
    if scores.ndim != 3:
        raise InputError("point_scores do not fit the tracks", where=path)
    scores = scores.transpose([kept.index(axis) for axis in order[:3]])
    if scores.shape != placed.shape:
        raise InputError("point_scores do not fit the tracks", where=path)
    return np.where(np.isnan(scores) | (scores == 0), placed, np.clip(scores, 0.0, 1.0))


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write an analysis h5 a camera; its frames count from 0, so that missing ones are empty."""
    frames = range(int(keypoints.frames[-1]) + 1)
    shape = (len(frames), *keypoints.shape[2:])
    what = f"SLEAP counts frames from 0: {len(frames)} frames"
    require_size((*shape, 3), what, folder, keypoints.xy.nbytes)
    for c, name in enumerate(keypoints.cameras):
        xy, scores = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
        xy[keypoints.frames], scores[keypoints.frames] = keypoints.xy[c], keypoints.confidence[c]
        there = np.isfinite(scores).any(-1)
        with atomic_file(folder / f"{name}.h5") as partial, h5py.File(partial, "w") as file:
            file["tracks"] = xy.transpose(1, 3, 2, 0)
            file["point_scores"] = scores.transpose(1, 2, 0)
            file["track_occupancy"] = there.astype(np.uint8)
            file["node_names"] = [name.encode() for name in keypoints.keypoints]
            file["track_names"] = [name.encode() for name in keypoints.individuals]


FORMAT = DetectionFormat("sleap", "SLEAP analysis h5", _matches, _read, write=_write)
