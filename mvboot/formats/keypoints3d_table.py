"""3D keypoints as a long table: one row a frame, individual and keypoint, refused ones too.

Columns: ``frame, individual, keypoint, x, y, z, error_px, n_views, score, residual, cov_xx ...
cov_zz, views, reason``; ``views`` lists the cameras that agree, joined by ``|``.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.tables import (
    NAME_TYPE,
    codes_of,
    metadata_of,
    names_array,
    numbers,
    read_table,
    whole_numbers,
    with_metadata,
)
from mvboot.guard import reading
from mvboot.keypoints import Keypoints3D

KIND = "keypoints3d"
COVARIANCE = ("cov_xx", "cov_xy", "cov_xz", "cov_yy", "cov_yz", "cov_zz")
UPPER = ((0, 0, 0, 1, 1, 2), (0, 1, 2, 1, 2, 2))
FLOATS = ("x", "y", "z", "error_px", "score", "residual", *COVARIANCE)
SEPARATOR = "|"

_SCHEMA = pa.schema(
    [
        ("frame", pa.int64()),
        ("individual", NAME_TYPE),
        ("keypoint", NAME_TYPE),
        *((column, pa.float64()) for column in ("x", "y", "z", "error_px")),
        ("n_views", pa.int64()),
        *((column, pa.float64()) for column in ("score", "residual", *COVARIANCE)),
        ("views", NAME_TYPE),
        ("reason", NAME_TYPE),
    ]
)


class Keypoints3DWriter:
    """Write 3D keypoints block by block; the file appears when the ``with`` block ends well.

    Parameters
    ----------
    path
        ``.parquet`` or ``.csv``; the metadata (names, units, provenance) goes into Parquet only.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._stack = ExitStack()
        self._writer: Any = None

    def __enter__(self) -> "Keypoints3DWriter":
        """Open the temporary file."""
        self._partial = self._stack.enter_context(atomic_file(self.path))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file and keep it, or throw it away after an error."""
        if self._writer is not None:
            self._writer.close()
        self._stack.__exit__(kind, error, trace)

    def write(self, keypoints: Keypoints3D) -> None:
        """Append one block; the first one decides names and metadata."""
        if self._writer is None:
            schema = with_metadata(_SCHEMA, _header(keypoints))
            csv = self.path.suffix == ".csv"
            self._writer = (
                pa_csv.CSVWriter(self._partial, _csv_schema(schema))
                if csv
                else pq.ParquetWriter(self._partial, schema)
            )
            self._schema = schema
        table = _to_table(keypoints, self._schema)
        if self.path.suffix == ".csv":
            table = table.cast(_csv_schema(self._schema))
        self._writer.write_table(table)


def write_keypoints3d(keypoints: Keypoints3D, path: str | Path) -> None:
    """Write all of it at once; Parquet, or CSV by its suffix."""
    with Keypoints3DWriter(path) as writer:
        writer.write(keypoints)


def read_keypoints3d(path: str | Path) -> Keypoints3D:
    """Read a table back; InputError for a broken file, missing columns or repeated rows.

    A CSV holds no metadata: its units must come from elsewhere, so only Parquet is read.
    """
    path = Path(path)
    with reading(path, "table of 3D keypoints"):
        return _read(path)


def _read(path: Path) -> Keypoints3D:
    header = metadata_of(path)
    table = read_table(path, _SCHEMA.names)
    if not header or header.get("kind") != KIND:
        raise InputError("is no mvboot 3D keypoint file: it states no units and names", where=path)
    frames, f = np.unique(whole_numbers(table, "frame", path), return_inverse=True)
    individuals, i = codes_of(table["individual"], header["individuals"])
    keypoints, k = codes_of(table["keypoint"], header["keypoints"])
    shape = (len(frames), len(individuals), len(keypoints))
    cell = np.ravel_multi_index((f, i, k), shape)
    if len(np.unique(cell)) != len(cell):
        raise InputError("has two rows for one frame, individual and keypoint", where=path)
    values = {name: _dense(numbers(table, name, path), cell, shape) for name in FLOATS}
    reasons, reason = codes_of(table["reason"], None)
    reason_words = np.array([*reasons, ""], dtype=object)[reason]
    return Keypoints3D(
        frames=frames,
        individuals=individuals,
        keypoints=keypoints,
        units=header["units"],
        xyz=np.stack([values[axis] for axis in "xyz"], -1),
        error_px=values["error_px"],
        residual=values["residual"],
        score=values["score"],
        covariance=_full([values[name] for name in COVARIANCE]),
        inliers=_inliers(table["views"], header["cameras"], cell, shape),
        reason=_dense(reason_words, cell, shape, fill=""),
        cameras=tuple(header["cameras"]),
        fps=header["fps"],
        up=header["up"],
        provenance=header["provenance"],
    )


def _header(keypoints: Keypoints3D) -> dict[str, Any]:
    provenance: Mapping[str, Any] = keypoints.provenance
    return {
        "kind": KIND,
        "units": keypoints.units,
        "up": keypoints.up,
        "fps": keypoints.fps,
        "cameras": list(keypoints.cameras),
        "individuals": list(keypoints.individuals),
        "keypoints": list(keypoints.keypoints),
        "provenance": dict(provenance),
    }


def _csv_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [(field.name, pa.string() if field.type == NAME_TYPE else field.type) for field in schema]
    )


def _to_table(keypoints: Keypoints3D, schema: pa.Schema) -> pa.Table:
    shape = keypoints.error_px.shape
    f, i, k = (axis.ravel() for axis in np.indices(shape))
    xyz = keypoints.xyz.reshape(-1, 3)
    covariance = keypoints.covariance[(..., *UPPER)].reshape(-1, 6)
    columns = {
        "frame": pa.array(keypoints.frames[f]),
        "individual": names_array(keypoints.individuals, i),
        "keypoint": names_array(keypoints.keypoints, k),
        "n_views": pa.array(keypoints.n_views.ravel()),
        "views": _view_names(keypoints),
        "reason": _words(keypoints.reason.ravel()),
        **{axis: _floats(xyz[:, j]) for j, axis in enumerate("xyz")},
        **{name: _floats(covariance[:, j]) for j, name in enumerate(COVARIANCE)},
        **{
            name: _floats(getattr(keypoints, name).ravel())
            for name in ("error_px", "score", "residual")
        },
    }
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _floats(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, from_pandas=True)


def _words(values: NDArray[np.object_]) -> pa.DictionaryArray:
    words, codes = np.unique(values.astype(str), return_inverse=True)
    return names_array([str(word) for word in words], codes)


def _view_names(keypoints: Keypoints3D) -> pa.DictionaryArray:
    """Encode the agreeing cameras: few combinations occur, so the dictionary stays small."""
    views = keypoints.inliers.reshape(len(keypoints.cameras), -1).T
    packed = np.packbits(views, axis=1)
    keys = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}").ravel()
    _, first, code = np.unique(keys, return_index=True, return_inverse=True)
    names = np.array(keypoints.cameras, dtype=object)
    return names_array([SEPARATOR.join(names[views[row]]) for row in first], code)


def _inliers(
    column: pa.ChunkedArray, cameras: list[str], cell: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    combinations, code = codes_of(column, None)
    seen = np.array(
        [[camera in text.split(SEPARATOR) for camera in cameras] for text in combinations],
        dtype=np.bool_,
    ).reshape(-1, len(cameras))
    inliers = np.zeros((len(cameras), int(np.prod(shape))), dtype=np.bool_)
    inliers[:, cell] = seen[code].T
    return inliers.reshape(len(cameras), *shape)


def _dense(
    values: NDArray[Any], cell: NDArray[np.int64], shape: tuple[int, ...], fill: Any = np.nan
) -> NDArray[Any]:
    dense = np.full(int(np.prod(shape)), fill, dtype=values.dtype)
    dense[cell] = values
    return dense.reshape(shape)


def _full(upper: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    xx, xy, xz, yy, yz, zz = upper
    rows = [[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]
    return np.stack([np.stack(row, -1) for row in rows], -2)
