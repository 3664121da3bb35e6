"""What cameras filmed: pictures or videos of several cameras, with instants that they share."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mvboot.errors import InputError
from mvboot.formats.pattern import expand, frames
from mvboot.formats.pictures import Gray, header_size, read_gray
from mvboot.formats.timestamps import LEFT_OUT, read_instants
from mvboot.formats.video import VideoFile, open_video

Instants = NDArray[np.int64]


class Footage(ABC):
    """What one camera filmed.

    ``camera`` is its name; ``numbers`` (S,) are the instants it has a picture of, increasing:
    equal numbers of different cameras are the same instant; ``size`` is width and height in px.
    """

    camera: str
    numbers: Instants
    size: tuple[int, int]

    @abstractmethod
    def pictures(self, numbers: ArrayLike | None = None) -> Iterator[tuple[int, Gray]]:
        """Yield instant and gray values (h, w), in increasing order of the instants.

        ``numbers`` are the instants wanted, in any order, those that the camera did not film
        left out; None: all. InputError where a picture is damaged or of another size.
        """

    def late(self, frames: int) -> "Footage":
        """Return the footage of a camera that is so many frames late: frame n is n - frames.

        Frames whose instant would come before the first are left out. InputError where none stay.
        """
        moved = self._moved(frames)
        kept = np.flatnonzero(moved != LEFT_OUT)
        if not len(kept):
            raise InputError(f"--offset {self.camera}={frames} leaves the camera no picture")
        return self._of(moved[kept], kept)

    def _moved(self, frames: int) -> Instants:
        """Return the instants (S,) of a camera that is so late, `LEFT_OUT` before the first."""
        return np.maximum(self.numbers - frames, LEFT_OUT)

    @abstractmethod
    def _of(self, numbers: Instants, places: Instants) -> "Footage":
        """Return the pictures at these places, as the instants ``numbers``."""

    @property
    @abstractmethod
    def files(self) -> tuple[Path, ...]:
        """The files it comes from: one video, or all pictures."""


@dataclass(frozen=True)
class PictureFolder(Footage):
    """Picture files of one camera: ``paths[i]`` shows the instant ``numbers[i]``."""

    camera: str
    numbers: Instants
    size: tuple[int, int]
    paths: tuple[Path, ...]

    def pictures(self, numbers: ArrayLike | None = None) -> Iterator[tuple[int, Gray]]:
        """Yield instant and gray values (h, w); see `Footage.pictures`."""
        for place in _places(self.numbers, numbers):
            picture = read_gray(self.paths[place])
            self.check_size(self.paths[place], picture)
            yield int(self.numbers[place]), picture

    def _of(self, numbers: Instants, places: Instants) -> "PictureFolder":
        paths = tuple(self.paths[place] for place in places)
        return replace(self, numbers=numbers, paths=paths)

    @property
    def files(self) -> tuple[Path, ...]:
        """See `Footage.files`."""
        return self.paths

    def check_size(self, path: Path, picture: Gray) -> None:
        """Raise InputError where a picture is not of the camera's size."""
        height, width = picture.shape
        if (width, height) == self.size:
            return
        turned = (height, width) == self.size
        raise InputError(
            f"camera {self.camera}: {path} has {width} x {height} px, but {self.paths[0]} "
            f"{self.size[0]} x {self.size[1]}"
            + (" (turned by 90 degrees)" if turned else "")
            + "; all pictures of a camera must have one size and be held one way",
        )


@dataclass(frozen=True)
class Video(Footage):
    """A video of one camera: frame ``frames[i]`` of the file shows the instant ``numbers[i]``.

    ``timestamps`` is the table that the instants come from; None: they are the frames' indices.
    ``early`` is how many frames show no instant because they come before the first.
    """

    camera: str
    numbers: Instants
    size: tuple[int, int]
    file: VideoFile
    frames: Instants
    timestamps: Path | None = None
    early: int = 0

    def _moved(self, frames: int) -> Instants:
        if self.timestamps is None:
            return super()._moved(frames)
        table = dict(zip(self.frames.tolist(), self.numbers.tolist(), strict=True))
        return np.array([table.get(frame - frames, LEFT_OUT) for frame in self.frames.tolist()])

    def _of(self, numbers: Instants, places: Instants) -> "Video":
        early = self.early + len(self.numbers) - len(places)
        return replace(self, numbers=numbers, frames=self.frames[places], early=early)

    @property
    def files(self) -> tuple[Path, ...]:
        """See `Footage.files`."""
        return (self.file.path,)

    def pictures(self, numbers: ArrayLike | None = None) -> Iterator[tuple[int, Gray]]:
        """Yield instant and gray values (h, w); see `Footage.pictures`."""
        places = _places(self.numbers, numbers)
        instants = dict(
            zip(self.frames[places].tolist(), self.numbers[places].tolist(), strict=True)
        )
        for index, picture in self.file.pictures(instants):
            yield instants[index], picture


def open_pictures(pattern: str, cameras: Sequence[str] = ()) -> dict[str, Footage]:
    """Open the picture files of several cameras, numbered by their names as `pattern.frames` says.

    InputError as there, where a camera's first picture is damaged, and where a JPEG or PNG is of
    another size than the camera's first; other kinds of files are compared when they are read.
    """
    return {camera: _folder(camera, paths) for camera, paths in frames(pattern, cameras).items()}


def open_videos(
    pattern: str, timestamps: Path | None = None, cameras: Sequence[str] = ()
) -> dict[str, Footage]:
    """Open one video of each camera.

    Instants are the frames' indices from 0, unless ``timestamps`` maps them (`read_instants`).
    InputError where nothing matches, a camera has several files, a video is broken or empty, or
    the table does not fit; different lengths are left to `frame_notes`.
    """
    files = {
        camera: open_video(_only(camera, paths, pattern))
        for camera, paths in expand(pattern, cameras).items()
    }
    counts = {camera: file.count for camera, file in files.items()}
    instants = (
        {camera: np.arange(count) for camera, count in counts.items()}
        if timestamps is None
        else read_instants(timestamps, counts)
    )
    footages: dict[str, Footage] = {}
    for camera, file in files.items():
        kept = np.flatnonzero(instants[camera] != LEFT_OUT)
        footages[camera] = Video(camera, instants[camera][kept], file.size, file, kept, timestamps)
    return footages


def in_step(footages: Mapping[str, Footage], offsets: Mapping[str, int]) -> dict[str, Footage]:
    """Return footage with the stated lateness of cameras undone.

    ``offsets`` are instants by camera, positive where it is late: with 1 its picture n shows what
    the others show at n - 1. Pictures from before instant 0 are left out. InputError for a camera
    that is not there, and where no picture of one is left.
    """
    unknown = sorted(set(offsets) - set(footages))
    if unknown:
        raise InputError(
            f"--offset: there is no camera {', '.join(unknown)}; there are {', '.join(footages)}"
        )
    return {
        name: footage.late(offsets[name]) if offsets.get(name) else footage
        for name, footage in footages.items()
    }


def frame_notes(footages: Mapping[str, Footage]) -> list[str]:
    """Return what a user should know about the instants before trusting them, in sentences."""
    notes = []
    videos = [footage for footage in footages.values() if isinstance(footage, Video)]
    counts = {video.camera: video.file.count for video in videos if video.timestamps is None}
    if len(set(counts.values())) > 1:
        lengths = ", ".join(f"{camera} {count}" for camera, count in counts.items())
        notes.append(
            f"the videos differ in length (frames: {lengths}); where a camera dropped frames, all "
            "later ones are put beside the wrong ones of the others: give --timestamps"
        )
    for video in videos:
        lost = video.file.count - len(video.numbers) - video.early
        if lost:
            notes.append(
                f"camera {video.camera}: {lost} of {video.file.count} frames are left out, because "
                "another frame of it is nearer in time to the same instant"
            )
    return notes + _alone(footages)


def _alone(footages: Mapping[str, Footage]) -> list[str]:
    if len(footages) < 2:
        return []
    every = np.concatenate([footage.numbers for footage in footages.values()])
    instants, cameras = np.unique(every, return_counts=True)
    shared = instants[cameras > 1]
    return [
        f"camera {name} shares no instant with another camera (its numbers run from "
        f"{footage.numbers[0]} to {footage.numbers[-1]})"
        for name, footage in footages.items()
        if not np.isin(footage.numbers, shared).any()
    ]


def _places(numbers: Instants, wanted: ArrayLike | None) -> Instants:
    if wanted is None:
        return np.arange(len(numbers))
    return np.flatnonzero(np.isin(numbers, np.asarray(wanted)))


def _folder(camera: str, paths: Mapping[int, Path]) -> PictureFolder:
    files = tuple(paths.values())
    height, width = read_gray(files[0]).shape
    folder = PictureFolder(camera, np.array(list(paths), np.int64), (width, height), files)
    for path in files[1:]:
        if header_size(path) not in (None, folder.size):
            folder.check_size(
                path, read_gray(path)
            )  # the pixels decide, not our look at the header
    return folder


def _only(camera: str, paths: list[Path], pattern: str) -> Path:
    if len(paths) == 1:
        return paths[0]
    raise InputError(
        f"{len(paths)} files belong to camera {camera}: "
        f"{', '.join(str(path) for path in paths[:3])}; narrow the pattern to one",
        where=pattern,
    )
