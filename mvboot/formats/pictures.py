"""One picture file: gray values or colours, and the size from the header alone.

Orientation tags (EXIF) are applied, as OpenCV and picture viewers do: pixels are those a user sees
and those that tools built on OpenCV measure.
"""

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.sizes import require_png_chunks, require_size

Gray = NDArray[np.uint8]
FRAME_HEADERS = {0xC0 + i for i in range(16)} - {0xC4, 0xC8, 0xCC}
"""JPEG segments that tell the size; the three left out are tables, not frames (ITU T.81, B.1.1)."""
APP1, ORIENTATION = 0xE1, 0x0112
TIFF_SIDES, TIFF_READ, TEXT_READ = (256, 257), 64 << 20, 1000
"""Tags of width and height, and how many bytes are looked at for them in TIFF and in PNM."""


def read_gray(path: Path) -> Gray:
    """Return the gray values (h, w) of a picture; see `read_colour`."""
    return _decoded(path, cv2.IMREAD_GRAYSCALE)


def read_colour(path: Path) -> NDArray[np.uint8]:
    """Return a picture (h, w, 3) RGB.

    Deeper than 8 bits it is scaled until the brightest value is 255: sensors of 10 or 12 bits
    store them in 16, and the plain conversion would come out black. InputError where the file
    cannot be read or is no whole picture.
    """
    return np.asarray(cv2.cvtColor(_decoded(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


def _decoded(path: Path, mode: int) -> NDArray[np.uint8]:
    """Return what OpenCV makes of a file, in 8 bits."""
    try:
        content = np.fromfile(path, dtype=np.uint8)
        if size := _stored_size(path):
            require_size([*size, 3], f"{size[0]} x {size[1]} px", path, content.size, 2)
        require_png_chunks(content.data, path)
        picture = cv2.imdecode(content, mode | cv2.IMREAD_ANYDEPTH)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        raise InputError("cannot be read as a picture; is it damaged or cut off?", where=path)
    if picture.dtype != np.uint8:
        picture = cv2.convertScaleAbs(picture, alpha=255 / max(float(picture.max()), 1e-12))
    return np.asarray(picture, dtype=np.uint8)


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture (h, w, 3) RGB as the content of a PNG file."""
    bgr = np.ascontiguousarray(picture[..., ::-1])
    return cv2.imencode(".png", bgr)[1].tobytes()


def header_size(path: Path) -> tuple[int, int] | None:
    """Return width and height of a PNG or JPEG as shown, unless the header does not tell."""
    return _looked_up(path, _size)


def _stored_size(path: Path) -> tuple[int, int] | None:
    """Return the pixels that the header of any usual kind states, not turned as shown."""
    return _looked_up(path, _size) or _looked_up(path, _other_size)


def _looked_up(
    path: Path, size: Callable[[BinaryIO], tuple[int, int] | None]
) -> tuple[int, int] | None:
    try:
        with open(path, "rb") as stream:
            return size(stream)
    except (OSError, struct.error, ValueError, IndexError):
        return None


def _size(stream: BinaryIO) -> tuple[int, int] | None:
    start = stream.read(2)
    if start == b"\x89P":
        width, height = struct.unpack(">14x2I", stream.read(22))
        return width, height
    return _jpeg_size(stream) if start == b"\xff\xd8" else None


def _other_size(stream: BinaryIO) -> tuple[int, int] | None:
    start = stream.read(30)
    if start.startswith(b"BM"):
        width, height = map(abs, struct.unpack_from("<2i", start, 18))
        return width, height
    if start[:4] == b"RIFF" and start[8:15] == b"WEBPVP8":
        return _webp_size(start)
    if start[:4] in (b"II*\0", b"MM\0*"):
        stream.seek(0)
        return _tiff_size(stream.read(TIFF_READ))
    if start[:1] == b"P" and start[1:2] in b"123456":
        words = re.sub(rb"#[^\n]*", b"", start + stream.read(TEXT_READ)).split(None, 3)
        return int(words[1]), int(words[2])
    return None


def _webp_size(start: bytes) -> tuple[int, int] | None:
    """Return the size of WebP (RFC 9649): lossy, lossless or extended."""
    if start[15:16] == b" ":
        width, height = struct.unpack_from("<2H", start, 26)
        return width & 0x3FFF, height & 0x3FFF
    if start[15:16] == b"L":
        (bits,) = struct.unpack_from("<I", start, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if start[15:16] == b"X":
        width, height = (int.from_bytes(start[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    return None


def _tiff_size(content: bytes) -> tuple[int, int] | None:
    """Return the size that the first directory of a TIFF states (TIFF 6.0, section 2)."""
    order = "<" if content.startswith(b"II") else ">"
    (start,) = struct.unpack_from(f"{order}I", content, 4)
    (entries,) = struct.unpack_from(f"{order}H", content, start)
    found = {}
    for entry in range(entries):
        at = start + 2 + 12 * entry
        tag, kind = struct.unpack_from(f"{order}2H", content, at)
        if tag in TIFF_SIDES:
            (found[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), content, at + 8)
    return (found[256], found[257]) if len(found) == 2 else None


def _jpeg_size(stream: BinaryIO) -> tuple[int, int] | None:
    turned = False
    while True:
        fill, marker, length = struct.unpack(">BBH", stream.read(4))
        if fill != 0xFF:
            return None
        if marker in FRAME_HEADERS:
            height, width = struct.unpack(">xHH", stream.read(5))
            return (height, width) if turned else (width, height)
        content = stream.read(length - 2)
        if marker == APP1 and content.startswith(b"Exif\0\0"):
            turned = _orientation(content[6:]) >= 5


def _orientation(exif: bytes) -> int:
    """Return the orientation 1 to 8 of EXIF data (from 5 on width and height swap); 0: none."""
    order = "<" if exif.startswith(b"II") else ">"
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    (entries,) = struct.unpack_from(f"{order}H", exif, start)
    for entry in range(entries):
        tag, value = struct.unpack_from(f"{order}H6xH", exif, start + 2 + 12 * entry)
        if tag == ORIENTATION:
            return int(value)
    return 0
