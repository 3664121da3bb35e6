"""Our own tables: long Parquet or CSV with one row an entry, provenance in the Parquet metadata."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mvboot import __version__
from mvboot.errors import InputError
from mvboot.reading import encoding_of, head
from mvboot.sizes import require_size

METADATA_KEY = b"mvboot"
NAME_TYPE = pa.dictionary(pa.int32(), pa.string())
BROKEN = (pa.ArrowException, OSError, ValueError)


@dataclass(frozen=True)
class CsvLayout:
    """How a text table is written: between fields, in numbers, and in bytes."""

    separator: str
    decimal: str
    encoding: str

    def fields(self, line: str) -> list[str]:
        """Return the fields of one line."""
        return [field.strip() for field in next(csv.reader([line], delimiter=self.separator), [])]


def csv_layout(path: Path) -> CsvLayout:
    """Recognise commas, semicolons or tabs, decimal commas, and byte order marks.

    Spreadsheet programs of countries with decimal commas write semicolons. InputError for an empty
    file.
    """
    text = head(path, 100_000)
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError("the file is empty", where=path)
    if "\ufffd" in text[:-1]:  # what is not decoded; a cut character at the end is none
        raise InputError("is no text in UTF-8; save it as UTF-8", where=path)
    first = lines[0]
    separator = max(",;\t", key=first.count)
    comma = separator != "," and any(re.search(r"\d,\d", line) for line in lines[1:])
    with open(path, "rb") as stream:
        encoding = encoding_of(stream.read(4))
    return CsvLayout(separator, "," if comma else ".", encoding)


def header_of(path: Path) -> list[str]:
    """Return the names of a CSV table's columns; [] where it has none."""
    try:
        layout = csv_layout(path)
        return layout.fields(next(line for line in head(path).splitlines() if line.strip()))
    except (InputError, OSError, csv.Error):
        return []


def with_metadata(schema: pa.Schema, content: Mapping[str, Any]) -> pa.Schema:
    """Return the schema with our JSON metadata, the version added."""
    text = json.dumps({"version": __version__, **content}, ensure_ascii=False)
    return schema.with_metadata({METADATA_KEY: text.encode()})


def metadata_of(path: Path) -> dict[str, Any] | None:
    """Return our metadata of a Parquet file, {} where it has none, None where it is no Parquet."""
    if path.suffix != ".parquet" or not path.is_file():
        return None
    try:
        metadata = pq.read_schema(path).metadata or {}
        content: dict[str, Any] = json.loads(metadata.get(METADATA_KEY, b"{}"))
    except (*BROKEN, RecursionError):
        return None
    return content if isinstance(content, dict) else {}


def read_table(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read a Parquet or CSV table; InputError where it is broken or lacks one of the columns."""
    if path.is_dir():
        raise InputError("is a folder; name the table in it", where=path)
    if not path.is_file():
        raise InputError("no such file", where=path)
    try:
        table = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except BROKEN as error:
        first = str(error).splitlines()[0]
        raise InputError(f"is no readable {path.suffix[1:]} table ({first})", path) from None
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise InputError(f"lacks the columns {', '.join(missing)}", where=path)
    return table


def _read_parquet(path: Path) -> pa.Table:
    stated = pq.read_metadata(path)
    shape = (stated.num_rows, stated.num_columns)
    what = f"{shape[0]} rows x {shape[1]} columns"
    require_size(shape, what, path, path.stat().st_size)
    with pq.ParquetFile(path) as file:  # `pq.read_table` takes names of folders for columns
        return file.read()


def _read_csv(path: Path) -> pa.Table:
    names = {name: pa.string() for name in ("camera", "individual", "keypoint", "reason", "views")}
    layout = csv_layout(path)
    return pa_csv.read_csv(
        path,
        read_options=pa_csv.ReadOptions(encoding=layout.encoding),
        parse_options=pa_csv.ParseOptions(delimiter=layout.separator),
        convert_options=pa_csv.ConvertOptions(
            column_types=names,
            strings_can_be_null=False,
            null_values=["", "nan", "NaN"],
            decimal_point=layout.decimal,
        ),
    )


def names_array(names: Sequence[str], codes: NDArray[np.int64]) -> pa.DictionaryArray:
    """Return a dictionary column from codes into ``names``."""
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(list(names), pa.string())
    )


def codes_of(
    column: pa.ChunkedArray, names: Sequence[str] | None
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the distinct names of a column (or ``names``, if given) and each row's code.

    A row without a name, or with one that is not in ``names``, has the code -1.
    """
    encoded = column.combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.cast(pa.string()).dictionary_encode()
    found = [str(name) for name in encoded.dictionary.to_pylist()]
    wanted = tuple(names) if names is not None else tuple(dict.fromkeys(found))
    place = {name: i for i, name in enumerate(wanted)}
    lookup = np.array([place.get(name, -1) for name in found] or [-1], dtype=np.int64)
    indices = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)
    present = encoded.is_valid().to_numpy(zero_copy_only=False)
    return wanted, np.where(present, lookup[indices], -1)


def numbers(table: pa.Table, column: str, path: Path) -> NDArray[np.float64]:
    """Return a column as floats, null as NaN; InputError where it holds something else."""
    try:
        values = table[column].cast(pa.float64()).to_numpy()
    except BROKEN:
        raise InputError(f"column {column} holds something that is no number", path) from None
    return np.asarray(values, dtype=np.float64)


def whole_numbers(table: pa.Table, column: str, path: Path) -> NDArray[np.int64]:
    """Return a column as integers; InputError where a row is missing or no whole number."""
    values = numbers(table, column, path)
    if not (np.isfinite(values).all() and (values == np.round(values)).all()):
        raise InputError(f"column {column} must hold whole numbers", where=path)
    return values.astype(np.int64)
