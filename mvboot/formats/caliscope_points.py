"""Caliscope ``xy.csv`` / ``image_points.csv``: one table of all cameras, frames by sync_index.

Camera N is called ``cam_N`` as in the rig. Points are numbered: ``point_<id>``; where an object id
is given, ``object_<object>_point_<id>``. Detections have no confidence and count as certain.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.detection_format import (
    CameraDetections,
    DetectionFormat,
    clean,
    require_one,
)
from mvboot.keypoints import Keypoints2D
from mvboot.reading import head

POINT_COLUMNS = ("keypoint_id", "point_id")


def _matches(path: Path) -> bool:
    first = head(path).split("\n", 1)[0]
    return path.suffix == ".csv" and "sync_index" in first and "img_loc_x" in first


def _read(path: Path) -> Mapping[str, CameraDetections]:
    try:
        table = pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise InputError(f"is no readable table ({error})", where=path) from None
    point = next((name for name in POINT_COLUMNS if name in table), None)
    needed = {"sync_index", "cam_id", "img_loc_x", "img_loc_y"}
    if point is None or not needed <= set(table):
        missing = sorted(needed - set(table)) or [" or ".join(POINT_COLUMNS)]
        raise InputError(f"lacks the columns {', '.join(missing)}", where=path)
    if table[["sync_index", "cam_id", point]].isna().any(axis=None):
        raise InputError("has a row without sync_index, cam_id or point number; cut off?", path)
    table["name"] = _names(table, point)
    keypoints = tuple(dict.fromkeys(table.sort_values([*_sorting(table), point])["name"]))
    frames = np.unique(table["sync_index"].to_numpy(dtype=np.int64))
    return {
        f"cam_{number}": _camera(rows, frames, keypoints, path)
        for number, rows in table.groupby("cam_id")
    }


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
    if len(set(zip(f.tolist(), k.tolist(), strict=True))) < len(rows):
        raise InputError("has two rows for one camera, frame and point", where=path)
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
