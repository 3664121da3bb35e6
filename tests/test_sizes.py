"""Arrays that a file's size cannot explain are refused before they are made."""

import pytest

from mvboot.errors import InputError
from mvboot.sizes import PNG, readable, require_png_chunks, require_size


def test_a_small_file_may_not_ask_for_much():
    require_size((1000, 1000), "a picture", "a.npz", stored=100)
    with pytest.raises(InputError, match=r"a.h5: would need 8 GB of memory \(many tracks\)"):
        require_size((1000, 1000, 1000), "many tracks", "a.h5", stored=100)


def test_a_large_file_may_be_packed_well():
    require_size((1000, 1000, 1000), "many tracks", "a.h5", stored=10_000_000)


def test_counts_of_bytes_are_readable():
    assert [readable(n) for n in (12, 2_500, 3.2e9, 4e13)] == [
        "12 bytes",
        "2.5 kB",
        "3.2 GB",
        "40 TB",
    ]


def test_a_png_that_claims_more_than_it_holds():
    whole = PNG + b"\0\0\0\1abcd\0\0\0\0\0" + b"\0\0\0\0IEND\0\0\0\0"
    require_png_chunks(whole, "a.png")
    require_png_chunks(b"another kind of file", "a.jpg")
    for wrong in (whole.replace(b"\0\0\0\1abcd", b"\x7f\xff\xff\xffabcd"), whole[:-14]):
        with pytest.raises(InputError, match=r"a.png: cannot be read as a picture"):
            require_png_chunks(wrong, "a.png")
