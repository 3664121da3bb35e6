"""OpenCV FileStorage (YAML, XML or JSON): a few reads that name what is missing, and writing."""

import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file, natural_key
from mvboot.formats.rig_format import camera_errors
from mvboot.formats.storage_text import parse_storage
from mvboot.geometry import Camera
from mvboot.rig import Rig

SUFFIXES = (".yml", ".yaml", ".xml", ".json")


class Storage:
    """One FileStorage file; keys are those of its top level."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = parse_storage(path)
        self.keys = list(self._content)

    def first(self, *names: str) -> str | None:
        """Return the first of these keys that the file has, or None."""
        return next((name for name in names if name in self._content), None)

    def matrix(self, *names: str) -> NDArray[np.float64]:
        """Return a matrix by its first known name; KeyError with the usual one if none is there."""
        name = self.first(*names)
        if name is None:
            raise KeyError(names[0])
        value = self._content[name]
        if not isinstance(value, np.ndarray):
            raise ValueError(f"{name} is no matrix")
        return value

    def number(self, name: str) -> float | None:
        """Return a number, or None where the file has none of that name."""
        value = self._content.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{name} is no number")
        return float(value)

    def strings(self, name: str) -> list[str]:
        """Return a list of strings; KeyError where there is none."""
        value = self._content.get(name)
        if isinstance(value, str):  # in XML words stand side by side
            value = shlex.split(value)
        if not isinstance(value, list):
            raise KeyError(name)
        return [str(word) for word in value]


def check_key_names(rig: Rig, path: Path) -> None:
    """Raise InputError for a camera name that FileStorage cannot have in a key."""
    for name in rig.names:
        if not re.fullmatch(r"[\w -]+", name, flags=re.ASCII):
            raise InputError(
                f"camera name {name!r} has characters that this format cannot store; "
                "rename the camera in rig.yaml first",
                where=path,
            )


@contextmanager
def writing(path: Path) -> Iterator[Any]:
    """Yield an open ``cv2.FileStorage`` that becomes ``path`` when the block ends."""
    import cv2  # slow to load

    with atomic_file(path) as partial:
        storage = cv2.FileStorage(str(partial), cv2.FILE_STORAGE_WRITE)
        try:
            yield storage
        finally:
            storage.release()


def storage_files(path: Path) -> list[Path]:
    """Return the FileStorage files of a folder, or the file itself; [] where there is neither."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    files = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES]
    return sorted(files, key=natural_key)


def read_cameras(files: list[Path], camera: Callable[[Storage], Camera]) -> dict[str, Camera]:
    """Return a camera for each FileStorage file, named by the file.

    InputError with the file and the camera for what ``camera`` cannot read.
    """
    cameras = {}
    for file in files:
        storage = Storage(file)
        with camera_errors(file, file.stem):
            cameras[file.stem] = camera(storage)
    return cameras
