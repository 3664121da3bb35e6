"""One video file: its frames by index, exactly.

Frame i is the i-th in the order of showing, counted from the packets in the file: no header is
trusted, and a frame that the decoder loses is missed, not made up for by the next. Rotations that
phones store beside the video are applied, as OpenCV and players do; interlacing is left alone.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.pictures import Gray

ADVICE = "re-encode it or copy it anew"
DEEP = ("gray16le", "gray16be")
"""Pixels in which cameras of 10 to 14 bits store their values as they are: nearly black."""
DEPTHS, LOOKED_AT = (10, 12, 14), 200
"""Bits that sensors have, and how many frames are looked at for how many these are."""


@dataclass(frozen=True)
class VideoFile:
    """A video that was looked through once.

    Parameters
    ----------
    path
        The file.
    size
        Width and height in px, as shown.
    count
        How many frames it has, F.
    stamps
        Time of showing of each frame (F,) in ticks of the file, increasing; None where the file
        has none, as AVI and bare streams: then frames are counted as they leave the decoder.
    bits
        Of gray values stored in 16: those in use, of which the upper eight are shown.
    """

    path: Path
    size: tuple[int, int]
    count: int
    stamps: NDArray[np.int64] | None
    bits: int = 16

    def pictures(self, wanted: Iterable[int]) -> Iterator[tuple[int, Gray]]:
        """Yield index and gray values (h, w) of the wanted frames, in increasing order.

        All frames up to the last wanted one are decoded. InputError where a frame is broken, has
        another size than the first, or does not exist.
        """
        left = set(wanted)
        for index, frame in self._frames() if left else ():
            if index not in left:
                continue
            picture = self.upright(frame, index, "gray")
            if picture.shape != self.size[::-1]:
                raise InputError(
                    f"frame {index} has {picture.shape[1]} x {picture.shape[0]} px, the first "
                    f"{self.size[0]} x {self.size[1]}; a video must have one size",
                    where=self.path,
                )
            left.remove(index)
            yield index, picture
            if not left:
                return
        if left:
            raise InputError(
                f"frame {min(left)} of {self.count} cannot be decoded; {ADVICE}", where=self.path
            )

    def upright(self, frame: av.VideoFrame, index: int, form: str) -> NDArray[np.uint8]:
        """Return a decoded frame as "gray" (h, w) or "rgb24" (h, w, 3), as it is shown.

        InputError for a deep one with brighter values than the frames that were looked at.
        """
        if self.bits == 16 or frame.format.name not in DEEP:
            return _upright(frame, form)
        deep = _turned(frame, "gray16le")
        if deep.max() >> self.bits:
            raise InputError(
                f"frame {index} has values up to {deep.max()}, but the first {LOOKED_AT} frames "
                f"need {self.bits} bits only; re-encode it with values that fill 16 bits",
                where=self.path,
            )
        return _in_form((deep >> (self.bits - 8)).astype(np.uint8), form)

    def _frames(self) -> Iterator[tuple[int, av.VideoFrame]]:
        places = {} if self.stamps is None else {t: i for i, t in enumerate(self.stamps.tolist())}
        with _video_stream(self.path) as (container, stream):
            for order, frame in enumerate(container.decode(stream)):
                index = order if self.stamps is None else places.get(frame.pts, -1)
                if index < order:
                    raise InputError(
                        f"the times of its frames are out of order after frame {order - 1}; "
                        f"{ADVICE}",
                        where=self.path,
                    )
                yield index, frame


def open_video(path: Path) -> VideoFile:
    """Look through a video without decoding more than its first frame.

    InputError where it cannot be read, holds no video stream or no frame.
    """
    with _video_stream(path) as (container, stream):
        frames = container.decode(stream)
        first = next(frames, None)
        bits = 16 if first is None else _bits(chain([first], frames))
    if first is None:
        raise InputError("holds no frame that can be decoded", where=path)
    with _video_stream(path) as (container, stream):
        made_up = container.format.name == "avi"  # it stores none, and FFmpeg's are in file order
        stamps = [
            None if made_up else packet.pts
            for packet in container.demux(stream)
            if packet.size and not packet.is_discard  # flushing, or cut away by an edit list
        ]
    known = np.unique([stamp for stamp in stamps if stamp is not None]).astype(np.int64)
    height, width = _upright(first, "gray").shape
    usable = known if len(known) == len(stamps) else None
    return VideoFile(path, (width, height), len(stamps), usable, bits)


def _bits(frames: Iterator[av.VideoFrame]) -> int:
    """Return how many bits the gray values of a video use that are stored in 16."""
    highest = 0
    for frame in islice(frames, LOOKED_AT):
        if frame.format.name not in DEEP or highest >> DEPTHS[-1]:
            return 16
        highest = max(highest, int(frame.to_ndarray(format="gray16le").max()))
    return next((bits for bits in DEPTHS if not highest >> bits), 16)


@contextmanager
def _video_stream(
    path: Path,
) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError("holds no video", where=path)
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield container, stream
    except InputError:
        raise
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"cannot be read as a video ({error.strerror}); {ADVICE}", path) from None
    except Exception as error:  # words that are no UTF-8, times that are no numbers
        raise InputError(f"cannot be read as a video ({error}); {ADVICE}", path) from error


def _upright(frame: av.VideoFrame, form: str) -> NDArray[np.uint8]:
    if form == "rgb24" and frame.format.components[0].bits > 8:
        form = "gbrp"  # PyAV gives it as RGB; FFmpeg's way to rgb24 makes white 253 of 255
    if frame.format.name.startswith("gray") and frame.color_range == ColorRange.MPEG:
        return _in_form(_stretched(frame), form)
    return np.asarray(_turned(frame, form), dtype=np.uint8)


def _stretched(frame: av.VideoFrame) -> Gray:
    """Return a gray frame of limited range (black 16, white 235; ITU-R BT.601) over all values.

    FFmpeg leaves gray formats as they are.
    """
    deep = frame.format.components[0].bits > 8
    values = _turned(frame, "gray16le") / 256 if deep else _turned(frame, "gray")
    return np.clip(np.rint((values - 16.0) * 255 / 219), 0, 255).astype(np.uint8)


def _in_form(gray: Gray, form: str) -> NDArray[np.uint8]:
    return gray if form == "gray" else np.repeat(gray[..., None], 3, axis=2)


def _turned(frame: av.VideoFrame, form: str) -> NDArray[Any]:
    # counterclockwise, as OpenCV and players turn it
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format=form), round(frame.rotation / 90)))
