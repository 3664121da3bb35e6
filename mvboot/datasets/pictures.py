"""The pictures of one camera of a capture, by frame number, in colour."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.datasets.decoding import Colour, VideoReader
from mvboot.errors import InputError
from mvboot.formats.pictures import header_size, read_colour

Numbers = NDArray[np.int64]


class Pictures(ABC):
    """What one camera filmed: ``frames`` (F,) increasing, ``size`` (w, h), ``read(frame)``."""

    camera: str

    @property
    @abstractmethod
    def frames(self) -> Numbers:
        """Numbers (F,) of the frames there are, increasing."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Width and height in px."""

    @abstractmethod
    def read(self, frame: int) -> Colour:
        """Return a picture (h, w, 3) RGB; InputError where it is missing, broken or odd-sized."""

    @abstractmethod
    def source(self, frame: int) -> tuple[Path, int | None]:
        """Return the file of a picture, and its index from 0 where that is a video, else None.

        InputError where it is missing.
        """

    def _place(self, frame: int) -> int:
        place = int(np.searchsorted(self.frames, frame))
        if place < len(self.frames) and self.frames[place] == frame:
            return place
        raise InputError(f"camera {self.camera} has no picture of frame {frame}")


class PictureFiles(Pictures):
    """Picture files of one camera, by frame number."""

    def __init__(self, camera: str, paths: Mapping[int, Path]) -> None:
        self.camera = camera
        self._frames = np.array(sorted(paths), np.int64)
        self._paths = tuple(paths[int(frame)] for frame in self._frames)

    @property
    def frames(self) -> Numbers:
        """See `Pictures.frames`."""
        return self._frames

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the first picture."""
        first = self._paths[0]
        return header_size(first) or read_colour(first).shape[1::-1]

    def read(self, frame: int) -> Colour:
        """See `Pictures.read`."""
        path, _ = self.source(frame)
        picture = read_colour(path)
        require_size(picture, self.size, path, f"{self._paths[0].name} of camera {self.camera}")
        return picture

    def source(self, frame: int) -> tuple[Path, int | None]:
        """See `Pictures.source`."""
        return self._paths[self._place(frame)], None


class VideoPictures(Pictures):
    """A video of one camera, looked through on first use.

    ``shown`` are the frames' numbers, -1 for one that is left out; None: their indices from 0.
    """

    def __init__(self, camera: str, path: Path, shown: Numbers | None = None) -> None:
        self.camera = camera
        self.reader = VideoReader(path)
        self._shown = shown

    @cached_property
    def _map(self) -> tuple[Numbers, Numbers]:
        """Numbers and indices of the frames in use."""
        count = self.reader.file.count
        shown = np.arange(count) if self._shown is None else self._shown
        if len(shown) != count:
            raise InputError(
                f"camera {self.camera}: capture.yaml lists {len(shown)} frames, but the video has "
                f"{count}; list one number for each frame of it",
                where=self.reader.path,
            )
        used = np.flatnonzero(shown >= 0)
        return shown[used], used

    @property
    def frames(self) -> Numbers:
        """See `Pictures.frames`."""
        return self._map[0]

    @property
    def size(self) -> tuple[int, int]:
        """See `Pictures.size`."""
        return self.reader.file.size

    def read(self, frame: int) -> Colour:
        """See `Pictures.read`."""
        return self.reader.read(self._index(frame))

    def source(self, frame: int) -> tuple[Path, int | None]:
        """See `Pictures.source`."""
        return self.reader.path, self._index(frame)

    def _index(self, frame: int) -> int:
        return int(self._map[1][self._place(frame)])


def require_size(picture: NDArray[np.uint8], size: tuple[int, int], path: Path, like: str) -> None:
    """Raise InputError unless a picture (h, w, ...) has the size (w, h) of what it belongs to."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return
    turned = " (turned by 90 degrees)" if (height, width) == size else ""
    raise InputError(
        f"has {width} x {height} px, but {like} {size[0]} x {size[1]}{turned}; all pictures and "
        "masks of a camera must have one size",
        where=path,
    )
