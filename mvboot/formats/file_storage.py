"""OpenCV FileStorage (YAML, XML or JSON): a few reads that name what is missing."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file, natural_key
from mvboot.formats.rig_format import camera_errors
from mvboot.geometry import Camera
from mvboot.reading import read_text
from mvboot.rig import Rig

SUFFIXES = (".yml", ".yaml", ".xml", ".json")


class Storage:
    """One FileStorage file; keys are those of its top level."""

    def __init__(self, path: Path) -> None:
        text = read_text(path)
        self.path = path
        try:
            self._file = cv2.FileStorage(text, cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
            root = self._file.root()
            self.keys: list[str] = list(root.keys()) if root.isMap() else []
        except (cv2.error, SystemError, AttributeError):
            raise InputError("is no readable OpenCV FileStorage file", where=path) from None

    def first(self, *names: str) -> str | None:
        """Return the first of these keys that the file has, or None."""
        return next((name for name in names if name in self.keys), None)

    def matrix(self, *names: str) -> NDArray[np.float64]:
        """Return a matrix by its first known name; KeyError with the usual one if none is there."""
        name = self.first(*names)
        try:
            value = None if name is None else self._file.getNode(name).mat()
        except cv2.error:
            raise ValueError(f"{name} is no matrix, or is cut off") from None
        if value is None:
            raise KeyError(names[0])
        return np.asarray(value, dtype=np.float64)

    def number(self, name: str) -> float | None:
        """Return a number, or None where the file has none of that name."""
        return float(self._file.getNode(name).real()) if name in self.keys else None

    def strings(self, name: str) -> list[str]:
        """Return a list of strings; KeyError where there is none."""
        node = self._file.getNode(name)
        if node.empty() or not node.isSeq():
            raise KeyError(name)
        return [node.at(i).string() for i in range(node.size())]


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


def read_cameras(path: Path, camera: Callable[[Storage], Camera]) -> dict[str, Camera]:
    """Return a camera for each FileStorage file (`storage_files`), named by the file.

    InputError with the file and the camera for what ``camera`` cannot read.
    """
    cameras = {}
    for file in storage_files(path):
        storage = Storage(file)
        with camera_errors(file, file.stem):
            cameras[file.stem] = camera(storage)
    return cameras
