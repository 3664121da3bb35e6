"""Words of messages."""

import pytest

from mvboot.words import listed, reason


def test_lists_stay_short():
    assert listed([]) == "none"
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdef"), 2) == "a, b, ... (6 in all)"
    assert len(listed([f"keypoint_{i}" for i in range(9999)])) < 200
    assert listed(["x" * 50_000]) == f"{'x' * 20}...{'x' * 20}"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("K"), "'K' is missing"),
        (ValueError("one\ntwo"), "one"),
        (IndexError(), "IndexError"),
        (ValueError("x" * 5000), "x" * 120),
    ],
)
def test_reasons_are_for_people(error, said):
    assert reason(error) == said
