"""Whatever a reader raises on foreign content becomes one line that names the file."""

from pathlib import Path

import pytest

from mvboot.errors import InputError
from mvboot.guard import reading, recognises

FILE = Path("a.json")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("K"), r"a.json: is no readable JARVIS file \('K' is missing\)"),
        (TypeError("no number\nsecond line"), r"\(no number\)$"),
        (IndexError(), r"\(IndexError\)$"),
        (RecursionError(), "nested too deeply"),
        (MemoryError(), "more memory than there is"),
        (ValueError("x" * 50_000), r"\(x{120}\)$"),
    ],
)
def test_foreign_exceptions_are_one_line(error, said):
    with pytest.raises(InputError, match=said) as caught, reading(FILE, "JARVIS file"):
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [InputError("bad", where=FILE), PermissionError(13, "denied")])
def test_what_says_enough_stays_as_it_is(error):
    with pytest.raises(type(error)) as caught, reading(FILE, "JARVIS file"):
        raise error
    assert caught.value is error


def test_a_file_that_cannot_be_looked_into_is_of_no_format():
    def broken(path):
        raise IndexError(path)

    assert not recognises(broken, FILE)
    assert recognises(lambda path: path.suffix == ".json", FILE)
