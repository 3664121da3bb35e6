"""HDF5 files of other programs, read strictly: plain arrays of numbers and text, nothing else.

Links to other places, external storage, virtual data sets, references and objects are refused: a
file must not reach beyond itself, and nothing in it is ever unpickled. The functions run in the
child process (`child.read_in_child`), because damaged files crash the library.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.child import read_in_child
from mvboot.sizes import require_size

MAGIC = b"\x89HDF\r\n\x1a\n"
MOST_NAMES = 1000


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 files do."""
    if not path.is_file():
        return False
    with open(path, "rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def contents_of(path: Path) -> dict[str, Any]:
    """Return ``names`` in the root of a file and those of ``pandas`` tables; empty if no HDF5."""
    if not is_hdf5(path):
        return {"names": [], "pandas": []}
    found: dict[str, Any] = read_in_child(f"{__name__}:contents", path)
    return found


def contents(path: Path) -> dict[str, Any]:
    """Read what `contents_of` returns, in the child."""
    with opened(path) as file:
        names = [name for name, _ in zip(file, range(MOST_NAMES), strict=False)]
        groups = [name for name in names if _is_group(file, name)]
        return {
            "names": names,
            "pandas": [name for name in groups if "pandas_type" in file[name].attrs],
        }


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading; InputError where it cannot be."""
    os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
    try:
        file = h5py.File(path, "r")
    except OSError:
        raise InputError("is no readable HDF5 file; is it cut off?", where=path) from None
    with file:
        yield file


def group(parent: h5py.Group, name: str, path: Path) -> h5py.Group:
    """Return a group of the file itself; InputError for anything else of that name."""
    node = own(parent, name, path)
    if not isinstance(node, h5py.Group):
        raise InputError(f"{name} is no group", where=path)
    return node


def numbers(parent: h5py.Group, name: str, path: Path) -> NDArray[Any]:
    """Return a data set of numbers; InputError for other content, and before it is too large."""
    node = dataset(parent, name, path)
    if node.dtype.kind not in "iufb":
        raise InputError(f"{name} holds something that is no number", where=path)
    return np.asarray(node[()])


def records(parent: h5py.Group, name: str, path: Path) -> NDArray[Any]:
    """Return a table of named fields of numbers and short texts."""
    node = dataset(parent, name, path)
    fields = node.dtype.fields or {}
    if not fields or any(kind.base.kind not in "iufbS" for kind, *_ in fields.values()):
        raise InputError(f"{name} is no table of numbers", where=path)
    return np.asarray(node[()])


def texts(parent: h5py.Group, name: str, path: Path) -> list[str]:
    """Return a data set of texts (of any length) as a list."""
    node = dataset(parent, name, path)
    if node.dtype.kind == "S" or h5py.check_string_dtype(node.dtype) is not None:
        return [text(value) for value in np.ravel(node[()])]
    if node.size == 0:
        return []
    raise InputError(f"{name} holds something that is no text", where=path)


def dataset(parent: h5py.Group, name: str, path: Path) -> h5py.Dataset:
    """Return a data set stored in the file itself, of a size that the file can have."""
    node = own(parent, name, path)
    if not isinstance(node, h5py.Dataset):
        raise InputError(f"{name} is no data set", where=path)
    require_stored(node, name, path)
    return node


def require_stored(node: h5py.Dataset, name: str, path: Path) -> None:
    """Raise InputError for a data set that is stored elsewhere or larger than its file explains."""
    if node.external or node.is_virtual:
        raise InputError(f"{name} is stored in another file, which is not followed", where=path)
    if node.shape is None:
        raise InputError(f"{name} is empty", where=path)
    size = path.stat().st_size
    what = f"{name} of shape {' x '.join(map(str, node.shape))}"
    require_size(node.shape, what, path, size, node.dtype.itemsize)


def text(value: Any) -> str:
    """Return a stored text as a string."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _is_group(parent: h5py.Group, name: str) -> bool:
    hard = isinstance(parent.get(name, getlink=True), h5py.HardLink)
    return hard and parent.get(name, getclass=True) is h5py.Group


def own(parent: h5py.Group, name: str, path: Path) -> Any:
    """Return a node of a file by its name; InputError where it is missing or lies elsewhere."""
    link = parent.get(name, getlink=True)
    if link is None:
        raise InputError(f"has no {name}", where=path)
    if not isinstance(link, h5py.HardLink):
        raise InputError(f"{name} is a link to somewhere else, which is not followed", where=path)
    return parent[name]
