"""DeepLabCut and Lightning Pose predictions: csv or h5, one file a camera.

Columns have the levels scorer / (individuals) / bodyparts / coords with x, y, likelihood. Rows are
frames counted from 0; rows of labelled data (``CollectedData``) are picture names, whose last
number is the frame, and have no likelihood: a label counts as certain.
"""

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, clean
from mvboot.keypoints import Keypoints2D
from mvboot.reading import head

LEVELS = ("scorer", "individuals", "bodyparts", "coords")
SCORER = "mvboot"


def _matches(path: Path) -> bool:
    if path.suffix == ".csv":
        lines = head(path, 2_000_000).split("\n", 4)
        return any(line.startswith("bodyparts,") for line in lines[:3])
    return path.suffix in (".h5", ".hdf5") and _is_pandas(path)


def _is_pandas(path: Path) -> bool:
    if not h5py.is_hdf5(path):
        return False
    with h5py.File(path) as file:
        return any("pandas_type" in node.attrs for node in file.values())


def _read(path: Path) -> CameraDetections:
    try:
        table = _read_csv(path) if path.suffix == ".csv" else pd.read_hdf(path)
        return _detections(pd.DataFrame(table), path)
    except InputError:
        raise
    except Exception as error:  # pandas and PyTables raise nearly anything for a broken file
        raise InputError(f"is no readable DeepLabCut file ({error})", where=path) from None


def _read_csv(path: Path) -> pd.DataFrame:
    with open(path, encoding="utf-8") as stream:
        first = [stream.readline().split(",")[0].strip() for _ in LEVELS]
    levels = [i for i, name in enumerate(first) if name in LEVELS]
    index = [0, 1, 2] if first[levels[-1]] and _has_split_index(path, len(levels)) else [0]
    return pd.read_csv(path, header=levels, index_col=index)


def _has_split_index(path: Path, header: int) -> bool:
    """Whether picture names are spread over three columns, as newer label files have them."""
    with open(path, encoding="utf-8") as stream:
        bodyparts = [line.split(",") for line, _ in zip(stream, range(header), strict=False)][-2]
    return len(bodyparts) > 3 and not bodyparts[1].strip() and not bodyparts[2].strip()


def _detections(table: pd.DataFrame, path: Path) -> CameraDetections:
    columns = table.columns
    if not isinstance(columns, pd.MultiIndex) or not {"bodyparts", "coords"} <= set(columns.names):
        columns = _named_levels(columns, path)
    bodyparts = tuple(dict.fromkeys(map(str, columns.get_level_values("bodyparts"))))
    individuals: tuple[str, ...] = ("individual_0",)
    if "individuals" in columns.names:
        individuals = tuple(dict.fromkeys(map(str, columns.get_level_values("individuals"))))
    values = table.to_numpy(dtype=np.float64)
    place = {name: i for i, name in enumerate(_keys(columns))}
    xyc = np.full((len(table), len(individuals), len(bodyparts), 3), np.nan)
    for i, individual in enumerate(individuals):
        for k, bodypart in enumerate(bodyparts):
            for axis, coordinate in enumerate(("x", "y", "likelihood")):
                column = place.get((individual, bodypart, coordinate))
                if column is not None:
                    xyc[:, i, k, axis] = values[:, column]
    if "likelihood" not in set(columns.get_level_values("coords")):
        xyc[..., 2] = 1.0
    frames, numbered = _frames(table.index, path)
    xy, confidence = clean(xyc[..., :2], xyc[..., 2], path)
    return CameraDetections(frames, individuals, bodyparts, xy, confidence, numbered)


def _named_levels(columns: Any, path: Path) -> pd.MultiIndex:
    if not isinstance(columns, pd.MultiIndex) or columns.nlevels not in (3, 4):
        raise InputError("lacks the header rows scorer, bodyparts, coords", where=path)
    names = LEVELS if columns.nlevels == 4 else (LEVELS[0], *LEVELS[2:])
    return columns.set_names(list(names))


def _keys(columns: pd.MultiIndex) -> list[tuple[str, str, str]]:
    parts = [map(str, columns.get_level_values("bodyparts"))]
    parts.append(map(str, columns.get_level_values("coords")))
    owners = ["individual_0"] * len(columns)
    if "individuals" in columns.names:
        owners = [str(owner) for owner in columns.get_level_values("individuals")]
    return list(zip(owners, *parts, strict=True))


def _frames(index: Any, path: Path) -> tuple[np.ndarray[Any, np.dtype[np.int64]], bool]:
    names = [str(row[-1]) if isinstance(row, tuple) else str(row) for row in index]
    if all(name.removesuffix(".0").isdigit() for name in names):
        return np.array([int(float(name)) for name in names], dtype=np.int64), False
    numbers = [re.findall(r"\d+", Path(name).stem) for name in names]
    if not all(numbers):
        raise InputError("has a row whose name holds no frame number", where=path)
    frames = np.array([int(found[-1]) for found in numbers], dtype=np.int64)
    if len(set(frames.tolist())) < len(frames):
        raise InputError("has two rows of the same frame number", where=path)
    return frames, True


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a csv a camera; several individuals get a level of theirs."""
    several = len(keypoints.individuals) > 1
    levels = [[SCORER], *([keypoints.individuals] if several else []), keypoints.keypoints]
    names = [name for name in LEVELS if several or name != "individuals"]
    columns = pd.MultiIndex.from_product([*levels, ["x", "y", "likelihood"]], names=names)
    values = np.concatenate([keypoints.xy, keypoints.confidence[..., None]], -1)
    for name, own in zip(keypoints.cameras, values, strict=True):
        table = pd.DataFrame(own.reshape(len(own), -1), keypoints.frames, columns)
        with atomic_file(folder / f"{name}.csv") as partial:
            table.to_csv(partial, na_rep="NaN")  # pandas drops a first row of blanks


FORMAT = DetectionFormat(
    "deeplabcut", "DeepLabCut or Lightning Pose", _matches, _read, write=_write
)
