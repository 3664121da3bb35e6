"""SLEAP's analysis csv, one file a camera: a row an animal and frame.

Columns are ``node.x, node.y, node.score``. ``frame_idx`` numbers the frames, which are left out
where no animal is. ``track`` is the individual; default names are not identified across cameras.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.csv_frames import read_frame
from mvboot.formats.detection_format import CameraDetections, DetectionFormat
from mvboot.formats.people import PersonPose, from_people
from mvboot.formats.tables import header_of
from mvboot.keypoints import Keypoints2D

FRAME, TRACK = "frame_idx", "track"


def _matches(path: Path) -> bool:
    if path.suffix != ".csv":
        return False
    header = header_of(path)
    return FRAME in header and any(name.endswith(".x") for name in header)


def _read(path: Path) -> CameraDetections:
    table = read_frame(path, "table", dtype={TRACK: str})
    nodes = tuple(name.removesuffix(".x") for name in map(str, table) if name.endswith(".x"))
    lacking = [name for name in (FRAME, *(f"{node}.y" for node in nodes)) if name not in table]
    if lacking or not nodes:
        raise InputError(f"lacks the columns {', '.join(lacking[:8]) or 'NODE.x'}", where=path)
    frames = _numbers(table, FRAME, path)
    if not (np.isfinite(frames).all() and (frames == np.round(frames)).all()):
        raise InputError(f"column {FRAME} must hold whole numbers", where=path)
    columns = [_numbers(table, f"{node}.{axis}", path) for node in nodes for axis in "xy"]
    xy = np.stack(columns, -1).reshape(len(table), len(nodes), 2)
    scores = np.stack([_numbers(table, f"{node}.score", path) for node in nodes], -1)
    scores = np.where(scores == 0, np.nan, np.clip(scores, None, 1.0))  # 0: placed by a person
    tracks = [None] * len(table) if TRACK not in table else table[TRACK]
    poses = [
        PersonPose(int(frame), None if pd.isna(track) else str(track), *points)
        for frame, track, *points in zip(frames, tracks, xy, scores, strict=True)
    ]
    return from_people(poses, nodes, path)


def _numbers(table: pd.DataFrame, name: str, path: Path) -> NDArray[np.float64]:
    if name not in table:
        return np.full(len(table), np.nan)
    try:
        return np.asarray(table[name], dtype=np.float64)
    except (ValueError, TypeError):
        raise InputError(f"column {name} holds something that is no number", path) from None


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a csv a camera, with a row for each animal that was seen."""
    for c, name in enumerate(keypoints.cameras):
        f, i = np.nonzero(keypoints.present[c].any(-1))
        table = pd.DataFrame({TRACK: np.array(keypoints.individuals)[i]})
        table[FRAME] = keypoints.frames[f]
        table["instance.score"] = np.nanmean(keypoints.confidence[c, f, i], axis=-1)
        for k, node in enumerate(keypoints.keypoints):
            table[f"{node}.x"], table[f"{node}.y"] = keypoints.xy[c, f, i, k].T
            table[f"{node}.score"] = keypoints.confidence[c, f, i, k]
        with atomic_file(folder / f"{name}.csv") as partial:
            table.to_csv(partial, index=False)


FORMAT = DetectionFormat("sleap-csv", "SLEAP analysis csv", _matches, _read, write=_write)
