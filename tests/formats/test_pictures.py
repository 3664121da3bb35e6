"""Headers that state far more pixels than a file holds are refused before memory is taken."""

import struct

import cv2
import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.formats.pictures import read_colour, read_gray

HUGE = 30000
PLACES = {
    ".bmp": (18, "<2i", (HUGE, HUGE)),
    ".webp": (21, "<I", ((HUGE & 0x3FFF) | (HUGE & 0x3FFF) << 14,)),
    ".ppm": (3, "5s", (b"30000",)),
}


@pytest.mark.parametrize("suffix", [".bmp", ".webp", ".ppm"])
def test_a_header_that_states_too_many_pixels(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    cv2.imwrite(str(path), np.zeros((12, 16, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])
    content = bytearray(path.read_bytes())
    if suffix == ".ppm":
        content = content.replace(b"16 12", b"30000 30000")
    else:
        place, form, values = PLACES[suffix]
        struct.pack_into(form, content, place, *values)
    path.write_bytes(content)
    for read in (read_gray, read_colour):
        with pytest.raises(InputError, match=" px\\)"):
            read(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_that_states_too_many_pixels(tmp_path, order):
    path = tmp_path / "p.tif"
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    sides = [struct.pack(f"{order}2H2I", tag, 4, 1, HUGE) for tag in (256, 257)]
    path.write_bytes(start + struct.pack(f"{order}H", 2) + b"".join(sides) + bytes(4))
    with pytest.raises(InputError, match="30000 x 30000 px"):
        read_gray(path)
