"""Caliscope ``xy.csv`` / ``image_points.csv``: one table of all cameras, frames by sync_index.

Camera N is called ``cam_N`` as in the rig. Points are numbered: ``point_<id>``; where an object id
is given, ``object_<object>_point_<id>``. Detections have no confidence and count as certain.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.csv_frames import read_frame
from mvboot.formats.detection_format import (
    CameraDetections,
    DetectionFormat,
    clean,
    require_one,
)
from mvboot.formats.tables import header_of
from mvboot.keypoints import Keypoints2D
from mvboot.sizes import require_size

POINT_COLUMNS = ("keypoint_id", "point_id")


def _matches(path: Path) -> bool:
    return path.suffix == ".csv" and {"sync_index", "img_loc_x"} <= set(header_of(path))


def _read(path: Path) -> Mapping[str, CameraDetections]:
    table = read_frame(path, "table")
    point = next((name for name in POINT_COLUMNS if name in table), None)
    needed = {"sync_index", "cam_id", "img_loc_x", "img_loc_y"}
    if point is None or not needed <= set(table):
        missing = sorted(needed - set(table)) or [" or ".join(POINT_COLUMNS)]
        raise InputError(f"lacks the columns {', '.join(missing)}", where=path)
    if table[["sync_index", "cam_id", point]].isna().any(axis=None):
        raise InputError("has a row without sync_index, cam_id or point number; cut off?", path)
    whole = ["sync_index", "cam_id", point, *_sorting(table)]
    for column in [*whole, "img_loc_x", "img_loc_y"]:
        table[column] = _numbers(table[column], column in whole, path)
    table["name"] = _names(table, point)
    keypoints = tuple(dict.fromkeys(table.sort_values([*_sorting(table), point])["name"]))
    frames = np.unique(table["sync_index"].to_numpy(dtype=np.int64))
    shape = (table["cam_id"].nunique(), len(frames), len(keypoints), 3)
    what = f"{shape[0]} cameras x {shape[1]} frames x {shape[2]} points"
    require_size(shape, what, path, path.stat().st_size)
    return {
        f"cam_{number}": _camera(rows, frames, keypoints, path)
        for number, rows in table.groupby("cam_id")
    }


def _numbers(column: "pd.Series[Any]", whole: bool, path: Path) -> "pd.Series[Any]":
    """Return a column as numbers, or whole numbers; InputError where it holds something else."""
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() & column.notna()
    if whole:
        wrong |= (numbers != numbers.round()) | (numbers.abs() >= 2**62)
    if wrong.any():
        found = column[wrong]
        raise InputError(
            f"column {column.name} holds {str(found.iloc[0])[:40]!r} in line {found.index[0] + 2}, "
            f"which is no {'whole ' if whole else ''}number",
            where=path,
        )
    return numbers.astype(np.int64) if whole else numbers.astype(np.float64)


def _sorting(table: pd.DataFrame) -> list[str]:
    return ["object_id"] if "object_id" in table else []


def _names(table: pd.DataFrame, point: str) -> "pd.Series[str]":
    names = "point_" + table[point].astype(int).astype(str)
    if "object_id" in table and table["object_id"].nunique() > 1:
        names = "object_" + table["object_id"].astype(int).astype(str) + "_" + names
    return names


def _camera(
    rows: pd.DataFrame, frames: NDArray[np.int64], keypoints: tuple[str, ...], path: Path
) -> CameraDetections:
    f = np.searchsorted(frames, rows["sync_index"].to_numpy(dtype=np.int64))
    k = pd.Categorical(rows["name"], categories=list(keypoints)).codes
    twice = rows.duplicated(["sync_index", "name"])
    if twice.any():
        first = rows[twice].iloc[0]
        raise InputError(
            f"has two rows for camera {first['cam_id']}, frame {first['sync_index']}, "
            f"{first['name']} (line {rows.index[twice][0] + 2}; {twice.sum()} such rows)",
            where=path,
        )
    xy = np.full((len(frames), 1, len(keypoints), 2), np.nan)
    xy[f, 0, k] = rows[["img_loc_x", "img_loc_y"]].to_numpy(dtype=np.float64)
    xy, confidence = clean(xy, np.ones(xy.shape[:-1]), path)
    return CameraDetections(frames, ("individual_0",), keypoints, xy, confidence, numbered=True)


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write ``xy.csv``; InputError for cameras that are not called cam_N."""
    require_one(keypoints, "a Caliscope table")
    numbers = [re.fullmatch(r"cam_(\d+)", name) for name in keypoints.cameras]
    odd = [n for n, found in zip(keypoints.cameras, numbers, strict=True) if found is None]
    if odd:
        raise InputError(f"Caliscope numbers cameras: call {', '.join(odd)} cam_0, cam_1, ...")
    c, f, _, k = np.nonzero(keypoints.present)
    table = pd.DataFrame(
        {
            "sync_index": keypoints.frames[f],
            "cam_id": np.array([int(found[1]) for found in numbers if found])[c],
            "frame_index": keypoints.frames[f],
            "keypoint_id": k,
            "img_loc_x": keypoints.xy[c, f, 0, k, 0],
            "img_loc_y": keypoints.xy[c, f, 0, k, 1],
        }
    )
    with atomic_file(folder / "xy.csv") as partial:
        table.to_csv(partial, index=False)


FORMAT = DetectionFormat(
    "caliscope", "Caliscope point table", _matches, read_all=_read, write=_write
)
