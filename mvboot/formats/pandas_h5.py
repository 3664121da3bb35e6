"""Tables that pandas wrote into HDF5 (``to_hdf``, both layouts), read without PyTables.

PyTables unpickles attributes and object arrays, which runs any code that a file carries. Names of
columns are pickled there too in the ``table`` layout; only their plain texts, numbers and lists are
taken out (`literal`), and everything else in them is refused.
"""

import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats import hdf5
from mvboot.formats.child import read_in_child
from mvboot.sizes import require_size

PREFERRED = "df_with_missing"
MOST_STEPS = 1_000_000
LITERALS = {"INT", "LONG", "FLOAT", "UNICODE", "STRING", "BININT", "BININT1", "BINUNICODE"}


@dataclass(frozen=True)
class Table:
    """A table of numbers: names of its columns' levels, columns, rows, and values (R, C)."""

    levels: tuple[str, ...]
    columns: list[tuple[str, ...]]
    rows: list[str]
    values: NDArray[np.float64]


def read_pandas_h5(path: Path) -> Table:
    """Read the only table of a file, or the one under DeepLabCut's key; InputError if broken."""
    found = read_in_child(f"{__name__}:stored", path)
    columns = [tuple(column) for column in found["columns"]]
    return Table(tuple(found["levels"]), columns, found["rows"], found["values"])


def stored(path: Path) -> dict[str, Any]:
    """Read what becomes a `Table`, in the child."""
    keys = hdf5.contents(path)["pandas"]
    key = PREFERRED if PREFERRED in keys else (keys or [None])[0]
    if key is None or (len(keys) > 1 and key != PREFERRED):
        raise InputError(f"needs one table of pandas, has {len(keys)}", where=path)
    with hdf5.opened(path) as file:
        group = hdf5.group(file, key, path)
        return _table(group, path) if "table" in group else _fixed(group, path)


def _fixed(group: h5py.Group, path: Path) -> dict[str, Any]:
    """Read the ``fixed`` layout: axes of labels, and blocks of columns of one type."""
    levels, columns = _axis(group, "axis0", path)
    _, rows = _axis(group, "axis1", path)
    blocks = sorted(name for name in group if name.endswith("_values"))
    require_size((len(rows), len(columns)), "the table", path, path.stat().st_size)
    values = np.full((len(rows), len(columns)), np.nan)
    place = {column: i for i, column in enumerate(columns)}
    kept: set[int] = set()
    for block in blocks:
        _, items = _axis(group, block.removesuffix("_values") + "_items", path)
        if hdf5.dataset(group, block, path).dtype.kind not in "iufb":
            continue  # words, which pandas pickles
        stored = hdf5.numbers(group, block, path)
        if stored.shape != (len(rows), len(items)) or not set(items) <= set(place):
            raise InputError(f"{block} does not fit its rows and columns", where=path)
        values[:, [place[item] for item in items]] = stored
        kept |= {place[item] for item in items}
    order = sorted(kept)
    return _found(levels, [columns[i] for i in order], rows, values[:, order])


def _axis(group: h5py.Group, name: str, path: Path) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the names of an axis' levels and its labels."""
    if f"{name}_level0" not in group:
        return [""], [(label,) for label in _labels(group, name, path)]
    names: list[str] = []
    columns: list[Any] = []
    while f"{name}_level{len(names)}" in group:
        level = f"{name}_level{len(names)}"
        labels = np.array([*_labels(group, level, path), ""], dtype=object)
        codes = hdf5.numbers(group, f"{name}_label{len(names)}", path)
        if (
            codes.dtype.kind not in "iu"
            or codes.ndim != 1
            or (codes.size and not (codes.min() >= -1 and codes.max() < len(labels) - 1))
        ):
            raise InputError(f"{name} has numbers of labels that do not exist", where=path)
        names.append(hdf5.text(group[level].attrs.get("name", "")))
        columns.append(labels[codes.astype(np.int64)])
    if len({len(column) for column in columns}) > 1:
        raise InputError(f"the levels of {name} differ in length", where=path)
    return names, list(zip(*columns, strict=True))


def _labels(group: h5py.Group, name: str, path: Path) -> list[str]:
    node = hdf5.dataset(group, name, path)
    if node.dtype.kind in "iuf":
        return [_label(value) for value in np.ravel(hdf5.numbers(group, name, path))]
    if node.dtype.kind == "S":
        return hdf5.texts(group, name, path)
    raise InputError(f"{name} holds objects, which are not read; save the file as csv", path)


def _table(group: h5py.Group, path: Path) -> dict[str, Any]:
    """Read the ``table`` layout: records of an index and blocks of values."""
    records = hdf5.records(group, "table", path)
    attributes = group["table"].attrs
    fields = [name for name in records.dtype.names or () if name.startswith("values_block_")]
    columns: list[tuple[str, ...]] = []
    blocks = []
    for field in fields:
        kind = records.dtype[field]
        items = _items(attributes.get(f"{field}_kind"), field, path)
        if kind.base.kind == "S":
            continue
        block = records[field].reshape(len(records), -1).astype(np.float64)
        if block.shape[1] != len(items):
            raise InputError(f"{field} does not fit its columns", where=path)
        columns += items
        blocks.append(block)
    if not blocks or "index" not in (records.dtype.names or ()):
        raise InputError("holds a table without values or rows", where=path)
    levels = _level_names(group.attrs.get("info"), len(columns[0]), path)
    rows: list[tuple[str, ...]] = [(_label(value),) for value in records["index"]]
    return _found(levels, columns, rows, np.concatenate(blocks, axis=1))


def _items(stored: Any, field: str, path: Path) -> list[tuple[str, ...]]:
    found = literal(stored, path)
    if not isinstance(found, list) or not found:
        raise InputError(f"does not name the columns of {field}", where=path)
    return [tuple(map(str, item)) if isinstance(item, tuple) else (str(item),) for item in found]


def _level_names(stored: Any, count: int, path: Path) -> list[str]:
    info = literal(stored, path) if stored is not None else {}
    axis = info.get(1, {}) if isinstance(info, dict) else {}
    names = axis.get("names") if isinstance(axis, dict) else None
    given = [str(name) for name in names] if isinstance(names, list) else []
    return given if len(given) == count else [""] * count


def _label(value: Any) -> str:
    if isinstance(value, bytes | str):
        return hdf5.text(value)
    return str(int(value)) if value == int(value) else str(value)


def _found(
    levels: list[str], columns: list[tuple[str, ...]], rows: list[tuple[str, ...]], values: Any
) -> dict[str, Any]:
    return {
        "levels": levels,
        "columns": [list(column) for column in columns],
        "rows": [row[-1] for row in rows],
        "values": np.asarray(values, dtype=np.float64),
    }


def literal(stored: Any, path: Path) -> Any:
    """Return the plain value that an attribute describes in pickle's notation.

    Only texts, numbers, None, lists, tuples and dicts are built, one by one; a name of a class or
    function, or a call, is InputError. Nothing is imported or run.
    """
    if not isinstance(stored, bytes | np.bytes_):
        raise InputError("does not name its columns", where=path)
    try:
        return _built(bytes(stored), path)
    except (ValueError, IndexError, TypeError, KeyError):
        raise InputError("has names of columns that cannot be read", where=path) from None


def _built(content: bytes, path: Path) -> Any:
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[Any, Any] = {}
    for step, (code, argument, _) in enumerate(pickletools.genops(content)):
        name = code.name
        if name in LITERALS:
            stack.append(argument)
        elif name == "NONE":
            stack.append(None)
        elif name == "MARK":
            marks.append(len(stack))
        elif name in ("LIST", "TUPLE", "DICT"):
            start = marks.pop()
            stack[start:] = [_collected(name, stack[start:])]
        elif name == "PUT":
            memo[argument] = stack[-1]
        elif name == "GET":
            stack.append(memo[argument])
        elif name == "APPEND":
            value = stack.pop()
            stack[-1].append(value)
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            stack[-1][key] = value
        elif name == "STOP":
            return stack.pop()
        elif name != "PROTO":
            break
        if step > MOST_STEPS:
            break
    raise InputError("describes its columns by objects, which are not read; save it as csv", path)


def _collected(name: str, parts: list[Any]) -> Any:
    if name == "DICT":
        return dict(zip(parts[::2], parts[1::2], strict=True))
    return tuple(parts) if name == "TUPLE" else list(parts)
