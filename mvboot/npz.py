"""NPZ files of anybody: no pickles, only the arrays asked for, sizes checked before they load."""

import math
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.sizes import readable, require_size
from mvboot.words import reason

HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What numpy writes; other methods may ask for memory of their own."""


class NpzFile:
    """An NPZ file whose arrays are read when asked for.

    Parameters
    ----------
    path
        The file.
    title
        What it should be, for messages: "a field".
    most
        Bytes of all arrays that are read at once, at most; None: what its size explains.

    Raises
    ------
    InputError
        A file that is missing or no NPZ file; from `read`, a damaged array, one of Python objects,
        or one that declares more than its part of the file holds.
    """

    def __init__(
        self, path: str | Path, title: str = "an NPZ file", most: int | None = None
    ) -> None:
        self.path, self.title, self.most = Path(path), title, most
        with self._reading():
            self._zip = zipfile.ZipFile(self.path)
        self._entries = {
            entry.filename.removesuffix(".npy"): entry for entry in self._zip.infolist()
        }
        self._stored = self.path.stat().st_size

    def __enter__(self) -> "NpzFile":
        """Return itself."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Close the file."""
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all arrays, in the order of the file."""
        return tuple(self._entries)

    def read(self, name: str) -> NDArray[Any]:
        """Return one array."""
        return self.several([name])[name]

    def several(self, names: Iterable[str]) -> dict[str, NDArray[Any]]:
        """Return arrays by name; together they must not be far larger than the file."""
        asked = list(names)
        with self._reading():
            sizes = [self._size(name) for name in asked]
            require_size([sum(sizes)], "its arrays unpacked", self.path, self._stored, 1)
            if self.most is not None and sum(sizes) > self.most:
                raise InputError(
                    f"holds {readable(sum(sizes))} of arrays, too much for {self.title}", self.path
                )
            return {name: self._array(name) for name in asked}

    def _size(self, name: str) -> int:
        """Return the bytes of an array by its header; ValueError for one that cannot be so."""
        if name not in self._entries:
            raise ValueError(f"it has no array {name!r}")
        entry = self._entries[name]
        if entry.compress_type not in PACKED:
            raise ValueError(f"{name!r} is packed in an unusual way")
        with self._zip.open(entry) as stream:
            version = np.lib.format.read_magic(stream)
            if version not in HEADERS:
                raise ValueError(f"{name!r} is of another version of NPY")
            shape, _, kind = HEADERS[version](stream)
        if kind.hasobject:
            raise ValueError(f"{name!r} holds Python objects")
        size = math.prod(shape) * kind.itemsize
        if min(shape, default=0) < 0 or size > entry.file_size:
            raise ValueError(f"{name!r} declares shape {shape}, but holds less")
        return size

    def _array(self, name: str) -> NDArray[Any]:
        with self._zip.open(self._entries[name]) as stream:
            return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except Exception as error:  # zipfile, zlib and numpy raise whatever they stumble over
            raise InputError(
                f"cannot be read as {self.title} ({reason(error)})", self.path
            ) from error


def read_npz(path: str | Path, title: str = "an NPZ file") -> dict[str, NDArray[Any]]:
    """Return all arrays of a file by name; for files of which all is needed. See `NpzFile`."""
    with NpzFile(path, title) as file:
        return file.several(file.names)
