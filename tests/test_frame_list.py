"""Frame numbers in YAML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mvboot.frame_list import frame_list, frame_text


@pytest.mark.parametrize(
    ("given", "numbers"),
    [
        ("3..6", (3, 4, 5, 6)),
        ("5..5", (5,)),
        (7, (7,)),
        ([], ()),
        ([0, "2 .. 4", 9], (0, 2, 3, 4, 9)),
        ((1, 2), (1, 2)),
    ],
)
def test_what_is_read(given, numbers):
    assert frame_list(given) == numbers


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("6..3", "runs backwards"),
        ("0..999999999999", "too long"),
        ("first", "numbers from 0 on, or first..last, not 'first'"),
        (-1, "not -1"),
        (True, "not True"),
        (1.5, "not 1.5"),
        (None, "not None"),
        ([3, 3], "increase"),
        (["0..5", 4], "increase"),
        ([[1]], "not"),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        frame_list(given)


@given(st.sets(st.integers(0, 60)))
def test_round_trip(numbers):
    assert frame_list(frame_text(sorted(numbers))) == tuple(sorted(numbers))


def test_runs_are_short():
    assert frame_text(range(100)) == "0..99"
    assert frame_text([0, 1, 2, 7, 9, 10]) == ["0..2", 7, "9..10"]
    assert frame_text([4]) == [4]
