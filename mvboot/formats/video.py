"""One video file: its frames by index, exactly.

Frame i is the i-th in the order of showing, counted from the packets in the file: no header is
trusted, and a frame that the decoder loses is missed, not made up for by the next. Rotations that
phones store beside the video are applied, as OpenCV and players do; interlacing is left alone.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.pictures import Gray

ADVICE = "re-encode it or copy it anew"


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
    """

    path: Path
    size: tuple[int, int]
    count: int
    stamps: NDArray[np.int64] | None

    def pictures(self, wanted: Iterable[int]) -> Iterator[tuple[int, Gray]]:
        """Yield index and gray values (h, w) of the wanted frames, in increasing order.

        All frames up to the last wanted one are decoded. InputError where a frame is broken, has
        another size than the first, or does not exist.
        """
        left = set(wanted)
        for index, frame in self._frames() if left else ():
            if index not in left:
                continue
            picture = _gray(frame)
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
        first = next(container.decode(stream), None)
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
    height, width = _gray(first).shape
    usable = known if len(known) == len(stamps) else None
    return VideoFile(path, (width, height), len(stamps), usable)


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


def _gray(frame: av.VideoFrame) -> Gray:
    upright = np.rot90(frame.to_ndarray(format="gray"), round(frame.rotation / 90))
    return np.ascontiguousarray(upright, dtype=np.uint8)
