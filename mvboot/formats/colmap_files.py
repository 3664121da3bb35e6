"""COLMAP's files, text and binary, read strictly: cameras, images and rigs, but no points.

Counts are held against what the file has, so that a damaged file is refused at once; COLMAP's own
reader can run without end on one. Layout: COLMAP's documentation ("Output format"), and its source
for the rigs of version 3.12.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.reading import read_text
from mvboot.words import reason

MODELS = {
    "SIMPLE_PINHOLE": (0, 3),
    "PINHOLE": (1, 4),
    "SIMPLE_RADIAL": (2, 4),
    "RADIAL": (3, 5),
    "OPENCV": (4, 8),
    "OPENCV_FISHEYE": (5, 8),
    "FULL_OPENCV": (6, 12),
    "FOV": (7, 5),
    "SIMPLE_RADIAL_FISHEYE": (8, 4),
    "RADIAL_FISHEYE": (9, 5),
    "THIN_PRISM_FISHEYE": (10, 12),
}
"""Number and count of parameters of each camera model, by its name."""
NAME_OF_MODEL = {number: name for name, (number, _) in MODELS.items()}
LONGEST_NAME = 4096
KEYPOINT_BYTES = 24
Floats = NDArray[np.float64]


class Intrinsics(NamedTuple):
    """One camera: name of its model, width, height and parameters."""

    model: str
    width: int
    height: int
    params: Floats


class Image(NamedTuple):
    """One posed image: quaternion (w, x, y, z) and translation, camera from world."""

    camera: int
    name: str
    pose: Floats


class Sensors(NamedTuple):
    """One rig: its reference camera, and the others' poses (7,) from it, None where unknown."""

    reference: int
    poses: dict[int, Floats | None]


class Model(NamedTuple):
    """What a folder holds; ``rigs`` is empty and ``frames`` 0 in models of older versions."""

    cameras: dict[int, Intrinsics]
    images: list[Image]
    rigs: list[Sensors]
    frames: int


def read_model(folder: Path) -> Model:
    """Read a model of either kind; InputError naming the file that is damaged or missing."""
    reader = _Binary if (folder / "cameras.bin").is_file() else _Text
    cameras = dict(reader(folder, "cameras").cameras())
    images = list(reader(folder, "images").images())
    has_rigs = reader(folder, "rigs").exists and reader(folder, "frames").exists
    rigs = list(reader(folder, "rigs").rigs()) if has_rigs else []
    frames = reader(folder, "frames").count() if has_rigs else 0
    for image in images:
        if image.camera not in cameras:
            raise InputError(
                f"image {image.name} names camera {image.camera}, of which there is none", folder
            )
    return Model(cameras, images, rigs, frames)


class _Text:
    """One text file: lines of words, comments left out."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.txt"
        self.exists = self.path.is_file()

    def _lines(self) -> list[str]:
        return [line for line in read_text(self.path).split("\n") if not line.startswith("#")]

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        for number, line in enumerate(self._lines(), start=1):
            if line.strip():
                yield number, line.split()

    def cameras(self) -> Iterator[tuple[int, Intrinsics]]:
        for number, words in self._rows():
            with _row(self.path, number):
                model = words[1]
                params = np.array([float(word) for word in words[4:]])
                _require_model(model, len(params))
                yield int(words[0]), Intrinsics(model, int(words[2]), int(words[3]), params)

    def images(self) -> Iterator[Image]:
        lines = self._lines()
        place = 0
        while place < len(lines):
            if not lines[place].strip():
                place += 1
                continue
            with _row(self.path, place + 1):
                words = lines[place].split(maxsplit=9)
                pose = np.array([float(word) for word in words[1:8]])
                image = Image(int(words[8]), words[9].strip(), pose)
            yield image
            place += 2  # the line of its points follows, which may be empty

    def rigs(self) -> Iterator[Sensors]:
        for number, words in self._rows():
            with _row(self.path, number):
                yield _sensors(iter(words))

    def count(self) -> int:
        return sum(1 for _ in self._rows())


def _sensors(words: Iterator[str]) -> Sensors:
    """Return a rig from its line: id, count, reference, then type, id, whether posed, and pose."""
    next(words)
    count = int(next(words))
    next(words)
    reference = int(next(words))
    poses: dict[int, Floats | None] = {}
    for _ in range(count - 1):
        next(words)
        sensor = int(next(words))
        posed = int(next(words))
        poses[sensor] = np.array([float(next(words)) for _ in range(7)]) if posed else None
    return Sensors(reference, poses)


class _row:
    """Say in which line of a text file something is wrong."""

    def __init__(self, path: Path, number: int) -> None:
        self.where = f"{path}:{number}"

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, InputError):
            return
        if isinstance(error, ValueError | IndexError | StopIteration | RuntimeError):
            why = f" ({reason(error)})" if isinstance(error, ValueError) else ""
            message = f"is cut off, or no line of a COLMAP model{why}"
            raise InputError(message, self.where) from None


class _Binary:
    """One binary file, little endian, read from its beginning to its end."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.bin"
        self.exists = self.path.is_file()
        self.place = 0
        self.content = b""

    def _open(self, smallest: int) -> int:
        """Return the number of entries; InputError where they would not fit into the file."""
        if not self.exists:
            raise InputError("is missing", where=self.path)
        self.content = self.path.read_bytes()
        count = int(self._take("<Q")[0])
        if count * smallest > len(self.content):
            raise InputError(f"is cut off or damaged: it announces {count} entries", self.path)
        return count

    def _take(self, layout: str) -> tuple[Any, ...]:
        size = struct.calcsize(layout)
        if self.place + size > len(self.content):
            raise InputError("is cut off", where=self.path)
        values = struct.unpack_from(layout, self.content, self.place)
        self.place += size
        return values

    def _name(self) -> str:
        end = self.content.find(b"\0", self.place, self.place + LONGEST_NAME)
        if end < 0:
            raise InputError("is cut off or damaged: a name has no end", where=self.path)
        word = self.content[self.place : end].decode("utf-8", "replace")
        self.place = end + 1
        return word

    def cameras(self) -> Iterator[tuple[int, Intrinsics]]:
        for _ in range(self._open(24)):
            number, model, width, height = self._take("<iiQQ")
            if model not in NAME_OF_MODEL:
                raise InputError(f"has camera model number {model}, which is not known", self.path)
            name = NAME_OF_MODEL[model]
            params = np.array(self._take(f"<{MODELS[name][1]}d"))
            yield number, Intrinsics(name, width, height, params)

    def images(self) -> Iterator[Image]:
        for _ in range(self._open(73)):
            self._take("<i")
            pose = np.array(self._take("<7d"))
            (camera,) = self._take("<i")
            name = self._name()
            (points,) = self._take("<Q")
            self.place += KEYPOINT_BYTES * points
            if self.place > len(self.content):
                raise InputError(f"is cut off in the points of image {name}", where=self.path)
            yield Image(camera, name, pose)

    def rigs(self) -> Iterator[Sensors]:
        for _ in range(self._open(8)):
            _, count = self._take("<II")
            _, reference = self._take("<iI") if count else (0, 0)
            poses: dict[int, Floats | None] = {}
            for _ in range(max(0, count - 1)):
                _, sensor, posed = self._take("<iIB")
                poses[sensor] = np.array(self._take("<7d")) if posed else None
            yield Sensors(reference, poses)

    def count(self) -> int:
        return self._open(16)


def _require_model(name: str, count: int) -> None:
    if name in MODELS and MODELS[name][1] != count:
        raise ValueError(f"model {name} has {MODELS[name][1]} parameters, got {count}")
