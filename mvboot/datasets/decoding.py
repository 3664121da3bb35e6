"""One video, any frame of it in colour, exactly: also where the frame rate varies.

Seeking goes by the time stamp that the frame itself carries, never by frame rate; a video without
usable stamps is decoded from its start.
"""

import os
from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any
from weakref import WeakSet

import av
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.video import ADVICE, VideoFile, open_video

Colour = NDArray[np.uint8]
NEAR = 16
"""So many frames ahead are decoded through; farther ones are worth a seek."""
_READERS: "WeakSet[VideoReader]" = WeakSet()
_INHERITED: list[object] = []
"""Files that a fork copied: closing one would wait for threads that only the parent has."""


class VideoReader:
    """Frames of a video in any order; fastest in increasing order.

    Opened on first use, and again in each process: it can be pickled and survives a fork, and
    never carries an open file along.

    Parameters
    ----------
    path
        The video; InputError on first use where it is missing, broken or empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    @cached_property
    def file(self) -> VideoFile:
        """The video looked through: count, size and stamps of its frames."""
        return open_video(self.path)

    @cached_property
    def _places(self) -> dict[int, int]:
        """The index of the frame with each stamp."""
        stamps = () if self.file.stamps is None else self.file.stamps.tolist()
        return {stamp: index for index, stamp in enumerate(stamps)}

    def read(self, index: int) -> Colour:
        """Return frame ``index`` (h, w, 3) RGB; InputError where it is broken or not there."""
        if not 0 <= index < self.file.count:
            raise InputError(f"has {self.file.count} frames, there is no frame {index}", self.path)
        try:
            frame = self._frame(index)
        except (av.FFmpegError, OSError) as error:
            self.close()
            raise InputError(
                f"frame {index} cannot be read ({error.strerror}); {ADVICE}", self.path
            ) from None
        turned = self.file.upright(frame, index, "rgb24")
        if turned.shape[1::-1] != self.file.size:
            raise InputError(
                f"frame {index} has {turned.shape[1]} x {turned.shape[0]} px, the first "
                f"{self.file.size[0]} x {self.file.size[1]}; a video must have one size",
                self.path,
            )
        return turned

    def close(self) -> None:
        """Close the file; reading again opens it again."""
        if self._container is not None:
            self._container.close()
        self._forget()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open file out."""
        kept = {name: value for name, value in self.__dict__.items() if not name.startswith("_")}
        return kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Come back with no file open."""
        self.__dict__.update(state)
        self._forget()

    def _forget(self) -> None:
        self._container: av.container.InputContainer | None = None
        self._frames: Iterator[tuple[int, av.VideoFrame]] = iter(())
        self._at = -1

    def _frame(self, index: int) -> av.VideoFrame:
        self._go_before(index)
        for found, frame in self._frames:
            self._at = found
            if found == index:
                return frame
            if found > index:
                break
        self.close()
        raise InputError(
            f"frame {index} of {self.file.count} cannot be decoded; {ADVICE}", where=self.path
        )

    def _go_before(self, index: int) -> None:
        """Make sure that the next frames to come lead to ``index``."""
        open_ = self._container is not None
        if open_ and self._at < index <= self._at + NEAR:
            return
        if self.file.stamps is None:
            if not open_ or self._at >= index:
                self._frames = self._counted(self._opened())
            return
        packets = self._packets_before(int(self.file.stamps[index]))
        self._at = -1
        self._frames = (
            (self._places[frame.pts], frame)
            for packet in packets
            for frame in packet.decode()
            if frame.pts in self._places
        )

    def _packets_before(self, stamp: int) -> Iterator[Any]:
        """Return the packets from a key frame on that is not shown after ``stamp``.

        Containers seek by the order of decoding: the key frame found may be shown after frames
        that need the one before it.
        """
        container = self._container or self._opened()
        stream = container.streams.video[0]
        goal = stamp
        while True:
            try:
                container.seek(goal, stream=stream, backward=True)
            except av.FFmpegError:
                break  # nothing is so early, or the format cannot seek
            packets = container.demux(stream)
            first = next(packets)
            if first.is_keyframe and first.pts is not None and first.pts <= stamp:
                return chain([first], packets)
            earlier = first.pts if first.dts is None else first.dts
            if earlier is None or earlier > goal:
                break
            goal = earlier - 1
        return self._opened().demux(video=0)

    def _opened(self) -> av.container.InputContainer:
        """Open the file anew at its start."""
        self.close()
        _READERS.add(self)
        self._container = av.open(str(self.path))
        # Processes share the work; threads of each would only stand in each other's way.
        self._container.streams.video[0].codec_context.thread_count = 1
        return self._container

    @staticmethod
    def _counted(container: av.container.InputContainer) -> Iterator[tuple[int, av.VideoFrame]]:
        yield from enumerate(container.decode(video=0))


def _leave_to_parent() -> None:
    """After a fork: the place in an open file is shared with the parent, so open it anew."""
    for reader in list(_READERS):
        _INHERITED.append((reader._container, reader._frames))
        reader._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
