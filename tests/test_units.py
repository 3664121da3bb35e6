import re
from pathlib import Path

import pytest

from mvboot.units import UNIT_CHOICE, UNIT_NAMES, UNIT_WORDS, UNITS_IN_M, length_in_m

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("text", "metres"),
    [("0.5m", 0.5), ("24 mm", 0.024), (" .5cm ", 0.005), ("250um", 2.5e-4), ("3. um", 3e-6)],
)
def test_a_length_is_read_in_every_unit(text, metres):
    assert length_in_m(text) == pytest.approx(metres, rel=1e-12)


@pytest.mark.parametrize("text", ["", "5", "um", "5 inch", "-5mm", "5mmm", "1e3mm", "5 M"])
def test_other_words_are_no_length(text):
    assert length_in_m(text) is None


def test_the_words_of_messages_name_every_unit():
    assert UNIT_NAMES == "m, cm, mm, um" and UNIT_WORDS == "m, cm, mm or um"
    assert UNIT_CHOICE.split("|") == list(UNITS_IN_M)


def test_there_is_one_list_of_units():
    """A list of its own elsewhere would lack the unit that is added next."""
    own = re.compile(r'Literal\["m", "cm", "mm"|m, cm or mm|m\|cm\|mm|\(mm\|cm\|m\)|m, cm, mm"')
    for path in (ROOT / "mvboot").rglob("*.py"):
        if path.name == "units.py":
            continue
        found = own.search(path.read_text())
        assert found is None, f"{path}: {found and found[0]}"
