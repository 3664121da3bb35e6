"""Sizes before allocation: a small file must not ask for all the memory of the machine."""

import math
import struct
from collections.abc import Sequence
from pathlib import Path

from mvboot.errors import InputError

PNG = b"\x89PNG\r\n\x1a\n"
ALWAYS = 256 << 20
"""Bytes that any file may ask for, however small it is."""
GROWTH = 1000
"""How many times its own size a larger file may need in memory: gzip packs about that much."""


def require_size(
    shape: Sequence[int], what: str, where: str | Path, stored: int, itemsize: int = 8
) -> None:
    """Raise InputError for an array that is far larger than the file it is read from.

    Parameters
    ----------
    shape
        Of the array that is about to be allocated.
    what
        What the array holds and why it is large, for the message: "6000 tracks x 20000 frames".
    where
        The file.
    stored
        Bytes of the file, or of its part that fills the array.
    itemsize
        Bytes of one element.
    """
    needed = math.prod(int(n) for n in shape) * itemsize
    if needed > max(ALWAYS, GROWTH * stored):
        raise InputError(
            f"would need {readable(needed)} of memory ({what}), though it stores only "
            f"{readable(stored)}; it is damaged, or must be split",
            where=where,
        )


def readable(count: float) -> str:
    """Return a number of bytes for people: 3.2 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def require_png_chunks(content: bytes | memoryview, where: str | Path) -> None:
    """Raise InputError for a PNG with a chunk that is longer than what is left of the file.

    OpenCV allocates what a chunk claims, up to 2 GB, before it looks whether it is there.
    """
    picture, place = memoryview(content), len(PNG)
    if bytes(picture[:place]) != PNG:
        return
    while place + 8 <= len(picture):
        length, kind = struct.unpack_from(">I4s", picture, place)
        if kind == b"IEND":
            return
        place += 12 + length
        if place > len(picture):
            raise InputError("cannot be read as a picture; is it damaged or cut off?", where=where)
