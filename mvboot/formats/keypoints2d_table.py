"""2D keypoints as a long table: ``frame, camera, individual, keypoint, x, y, confidence``.

Where a detector states how exact it is there are also ``cov_xx, cov_xy, cov_yy``, px^2.
Files we write hold whole frames in each row group and all names in the metadata, so that a
recording larger than memory is read block by block.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.detection_format import clean
from mvboot.formats.tables import (
    NAME_TYPE,
    codes_of,
    header_of,
    metadata_of,
    names_array,
    numbers,
    read_table,
    whole_numbers,
    with_metadata,
)
from mvboot.guard import reading
from mvboot.keypoints import Keypoints2D
from mvboot.sizes import require_size

COLUMNS = ("frame", "camera", "individual", "keypoint", "x", "y", "confidence")
SPREAD = ("cov_xx", "cov_xy", "cov_yy")
AXES = ("camera", "individual", "keypoint")
KIND = "keypoints2d"
ROWS_PER_GROUP = 500_000


def _schema(keypoints: Keypoints2D) -> pa.Schema:
    numbered = ("x", "y", "confidence", *(() if keypoints.covariance is None else SPREAD))
    fields = [
        ("frame", pa.int64()),
        *((axis, NAME_TYPE) for axis in AXES),
        *((column, pa.float64()) for column in numbered),
    ]
    return with_metadata(pa.schema(fields), _header(keypoints))


def is_table2d(path: Path) -> bool:
    """Whether a file is such a table, Parquet or CSV."""
    if path.suffix == ".csv":
        return set(COLUMNS) <= set(header_of(path))
    return metadata_of(path) is not None and set(COLUMNS) <= set(pq.read_schema(path).names)


def write_keypoints2d(keypoints: Keypoints2D, path: str | Path) -> None:
    """Write a table of every detection, missing ones too; Parquet, or CSV by its suffix."""
    path = Path(path)
    rows = len(keypoints.cameras) * len(keypoints.individuals) * len(keypoints.keypoints)
    schema = _schema(keypoints)
    with atomic_file(path) as partial:
        writer = (
            pa_csv.CSVWriter(partial, schema)
            if path.suffix == ".csv"
            else pq.ParquetWriter(partial, schema)
        )
        with writer:
            step = max(1, ROWS_PER_GROUP // rows)
            for start in range(0, len(keypoints.frames), step):
                block = keypoints.slice_frames(slice(start, start + step))
                writer.write_table(_to_table(block, schema))


def _header(keypoints: Keypoints2D) -> dict[str, Any]:
    return {
        "kind": KIND,
        "camera": list(keypoints.cameras),
        "individual": list(keypoints.individuals),
        "keypoint": list(keypoints.keypoints),
        "identified": keypoints.identified,
        "frames": len(keypoints.frames),
        "source": dict(keypoints.source),
    }


def _to_table(keypoints: Keypoints2D, schema: pa.Schema) -> pa.Table:
    C, F, I, K = keypoints.shape
    f, c, i, k = (axis.ravel() for axis in np.indices((F, C, I, K)))
    values = [keypoints.xy, keypoints.confidence[..., None]]
    if keypoints.covariance is not None:
        values.append(keypoints.covariance.reshape(C, F, I, K, 4)[..., [0, 1, 3]])
    by_frame = np.concatenate(values, -1).swapaxes(0, 1)
    columns = [
        pa.array(keypoints.frames[f]),
        names_array(keypoints.cameras, c),
        names_array(keypoints.individuals, i),
        names_array(keypoints.keypoints, k),
        *(pa.array(column, from_pandas=True) for column in by_frame.reshape(len(f), -1).T),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def read_keypoints2d(path: str | Path) -> Keypoints2D:
    """Read a whole table; rows may come in any order, absent rows are missing detections.

    InputError for a broken file, missing columns, repeated rows, confidences outside [0, 1].
    """
    path = Path(path)
    with reading(path, "table of 2D keypoints"):
        table = read_table(path, COLUMNS)
        return _from_table(table, metadata_of(path) or {}, path)


def _from_table(table: pa.Table, header: dict[str, Any], path: Path) -> Keypoints2D:
    if table.num_rows == 0:
        raise InputError("the table is empty", where=path)
    frame = whole_numbers(table, "frame", path)
    frames, f = np.unique(frame, return_inverse=True)
    names, codes = {}, {}
    for axis in AXES:
        names[axis], codes[axis] = codes_of(table[axis], header.get(axis))
        if table[axis].null_count or "" in names[axis]:
            raise InputError(f"column {axis} has a row without a name", where=path)
        if (codes[axis] < 0).any():
            raise InputError(f"column {axis} has a name that the header does not list", path)
    shape = (len(names["camera"]), len(frames), len(names["individual"]), len(names["keypoint"]))
    if math.prod(shape) >= 2**62:
        raise InputError("names far more cameras, frames and keypoints than it has rows", path)
    cell = np.ravel_multi_index((codes["camera"], f, codes["individual"], codes["keypoint"]), shape)
    _require_distinct(cell, table, path)
    what = f"{shape[0]} cameras x {shape[1]} frames x {shape[2]} individuals x {shape[3]} keypoints"
    require_size((*shape, 3), what, path, max(table.nbytes, path.stat().st_size))
    found = np.stack([numbers(table, "x", path), numbers(table, "y", path)], -1)
    notes: list[str] = []
    found, certain = clean(found, numbers(table, "confidence", path), path, notes)
    xy, confidence = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    xy.reshape(-1, 2)[cell], confidence.reshape(-1)[cell] = found, certain
    covariance = None
    if set(SPREAD) <= set(table.column_names):
        spread = np.stack([numbers(table, column, path) for column in SPREAD], -1)
        spread[np.isnan(certain)] = np.nan
        covariance = np.full((*shape, 2, 2), np.nan)
        covariance.reshape(-1, 4)[cell] = spread[:, [0, 1, 1, 2]]
    return Keypoints2D(
        cameras=names["camera"],
        frames=frames,
        individuals=names["individual"],
        keypoints=names["keypoint"],
        xy=xy,
        confidence=confidence,
        identified=bool(header.get("identified", True)),
        source={"format": "mvboot", "title": "mvboot table", "files": 1, "notes": notes},
        covariance=covariance,
    )


def _require_distinct(cell: NDArray[np.int64], table: pa.Table, path: Path) -> None:
    """Raise InputError where two rows say something of the same detection; name the first."""
    order = np.argsort(cell, kind="stable")
    again = np.sort(order[1:][np.diff(cell[order]) == 0])
    if not len(again):
        return
    second = int(again[0])
    first = int(np.argmax(cell == cell[second]))
    told = ", ".join(f"{name} {table[name][second].as_py()}" for name in ("frame", *AXES))
    lines = f"rows {first + 1} and {second + 1}"
    if path.suffix == ".csv":
        lines = f"lines {first + 2} and {second + 2}"
    raise InputError(
        f"has two rows for {told[:200]} ({lines}); rows that are there again: {len(again)}",
        where=path,
    )


class Keypoints2DFile:
    """A Parquet table that we wrote, read block by block; stands in for `Keypoints2D`.

    It has the names of a `Keypoints2D` and its `chunks` and `sample`, and never holds more than
    one block.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self._path = path
        self._header = header
        self._file = pq.ParquetFile(path)
        self.cameras = tuple(header["camera"])
        self.individuals = tuple(header["individual"])
        self.keypoints = tuple(header["keypoint"])
        self.identified = bool(header["identified"])
        self.frame_count = int(header["frames"])
        self.source = {"format": "mvboot", "title": "mvboot table, streamed", "files": 1}

    @staticmethod
    def open(path: Path) -> "Keypoints2DFile | None":
        """Return the file if it can be streamed (ours, and of more than one row group)."""
        header = metadata_of(path)
        if not header or header.get("kind") != KIND:
            return None
        with reading(path, "mvboot table"):
            several = pq.ParquetFile(path).num_row_groups > 1
            return Keypoints2DFile(path, header) if several else None

    def chunks(self, points: int) -> Iterator[Keypoints2D]:
        """Yield blocks of whole frames; at least one row group, about ``points`` points."""
        rows = points * len(self.cameras)
        pending: list[int] = []
        held = 0
        for group in range(self._file.num_row_groups):
            pending.append(group)
            held += self._file.metadata.row_group(group).num_rows
            if held >= rows:
                yield self._read(pending)
                pending, held = [], 0
        if pending:
            yield self._read(pending)

    def sample(self, points: int, rng: np.random.Generator) -> Keypoints2D:
        """Return frames drawn at random from row groups drawn at random."""
        order = rng.permutation(self._file.num_row_groups)
        chosen, rows = [], 0
        for group in order:
            chosen.append(int(group))
            rows += self._file.metadata.row_group(int(group)).num_rows
            if rows >= 4 * points * len(self.cameras):
                break
        return self._read(sorted(chosen)).sample(points, rng)

    def _read(self, groups: list[int]) -> Keypoints2D:
        return _from_table(self._file.read_row_groups(groups), self._header, self._path)
