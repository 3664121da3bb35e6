"""Fitted surfaces in one file, ``surface.npz``: frame by frame, so that memory stays flat.

An NPZ without pickles. ``frames``, ``individuals``, ``units``, ``template``, ``rig``, ``cameras``
and ``version`` say what it holds; each surface is in arrays named ``individual/frame/array``.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot import __version__
from mvboot.errors import InputError
from mvboot.files import safe_name
from mvboot.formats.single import rounds
from mvboot.guard import reading
from mvboot.npz import NpzFile
from mvboot.rig import Rig
from mvboot.surfaces.fit import Surface
from mvboot.surfaces.posture import Posture
from mvboot.template import Template

SCHEMA = 1
BROKEN = (InputError, ValueError, TypeError, OverflowError)
UNREADABLE = (
    "cannot be read as surfaces: it is no surface.npz of mvboot surface, or is cut off; make it "
    "again"
)
PLAIN = ("vertices", "carried", "covariance", "views", "error_px", "offsets")
POSTURE = ("rotations", "translation", "shape")


class SurfaceWriter:
    """Writes surfaces as they come; use it as a context.

    Parameters
    ----------
    path
        The file.
    template, rig
        What the surfaces are fitted with, in one unit; the rig has the cameras that take part.
    """

    def __init__(self, path: Path, template: Template, rig: Rig) -> None:
        self._file = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED)
        self._facts = {
            "units": rig.units,
            "template": template.topology,
            "rig": rig.fingerprint(),
            "cameras": rig.names,
            "version": __version__,
        }
        self._keys: list[tuple[str, int]] = []

    def __enter__(self) -> "SurfaceWriter":
        """Return itself."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Write what the file holds, and close it."""
        for name, value in {"schema": SCHEMA, **self._facts}.items():
            self._put(name, np.asarray(value))
        self._put("individuals", np.array([key[0] for key in self._keys], dtype=np.str_))
        self._put("frames", np.array([key[1] for key in self._keys], dtype=np.int64))
        self._file.close()

    def add(self, individual: str, frame: int, surface: Surface) -> None:
        """Write one surface, in single precision; places far from the origin in double.

        InputError for a name that cannot be part of a path: the file is an archive.
        """
        safe_name(individual, "subject")
        arrays = {name: getattr(surface, name) for name in PLAIN}
        if surface.posture is not None:
            arrays |= {name: getattr(surface.posture, name) for name in POSTURE}
        for name, array in arrays.items():
            single = array.dtype == np.float64 and name not in POSTURE
            single &= name != "vertices" or not rounds(array, surface.units)
            self._put(_key(individual, frame, name), array.astype(np.float32) if single else array)
        self._keys.append((individual, frame))

    def _put(self, name: str, array: NDArray[Any]) -> None:
        with self._file.open(f"{name}.npy", "w", force_zip64=True) as stream:
            np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)


class SurfaceFile:
    """Reads surfaces when asked for them.

    Parameters
    ----------
    path
        What `SurfaceWriter` wrote.

    Raises
    ------
    InputError
        A missing or damaged file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError("no such file of surfaces", where=path)
        with reading(self.path, "surfaces"):
            self._open()

    def _open(self) -> None:
        path = self.path
        try:
            self._file = NpzFile(self.path, "surfaces")
            schema = int(self._file.read("schema"))
            self.units, self.template, self.rig, self.version = (
                str(self._file.read(name)) for name in ("units", "template", "rig", "version")
            )
            self.cameras: tuple[str, ...] = tuple(map(str, self._file.read("cameras").ravel()))
            names = list(map(str, self._file.read("individuals").ravel()))
            frames = list(map(int, self._file.read("frames").ravel()))
        except BROKEN:
            raise InputError(UNREADABLE, where=path) from None
        if schema != SCHEMA:
            raise InputError(f"has schema {schema}, this version reads {SCHEMA}", where=path)
        if len(names) != len(frames):
            raise InputError(UNREADABLE, where=path)
        self.keys: list[tuple[str, int]] = list(zip(names, frames, strict=True))
        self._there = frozenset(self.keys)

    @property
    def individuals(self) -> tuple[str, ...]:
        """Names of the subjects."""
        return tuple(dict.fromkeys(name for name, _ in self.keys))

    def of(self, individual: str) -> Iterator[tuple[int, Surface]]:
        """Yield the surfaces of a subject with their frames."""
        for name, frame in self.keys:
            if name == individual:
                yield frame, self.read(name, frame)

    def read(self, individual: str, frame: int) -> Surface:
        """Return one surface; InputError where there is none, or it is damaged."""
        if (individual, frame) not in self._there:
            raise InputError(f"has no surface of {individual!r} in frame {frame}", where=self.path)
        try:
            arrays = {name: self._array(individual, frame, name) for name in PLAIN}
            bones = _key(individual, frame, POSTURE[0]) in self._file.names
            parts = [self._array(individual, frame, name) for name in POSTURE] if bones else []
        except BROKEN:
            raise InputError(UNREADABLE, where=self.path) from None
        with reading(self.path, "surfaces"):
            _require_shapes(arrays, self.path)
            return Surface(units=self.units, posture=Posture(*parts) if parts else None, **arrays)

    def _array(self, individual: str, frame: int, name: str) -> NDArray[Any]:
        array = self._file.read(_key(individual, frame, name))
        if array.dtype.kind not in "fiub":
            raise ValueError(f"{name} are no numbers")
        return np.asarray(array, np.float64 if array.dtype == np.float32 else None)


def _require_shapes(arrays: dict[str, NDArray[Any]], path: Path) -> None:
    """Raise InputError unless all arrays speak of the same vertices."""
    count = len(arrays["vertices"])
    shapes = {"vertices": (count, 3), "covariance": (count, 3, 3), "offsets": (count, 3)}
    if any(arrays[name].shape != shapes.get(name, (count,)) for name in PLAIN):
        raise InputError(UNREADABLE, where=path)


def _key(individual: str, frame: int, name: str) -> str:
    return f"{individual}/{frame:06d}/{name}"
