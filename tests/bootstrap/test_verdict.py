import re

import pytest

from mvboot.bootstrap import Round, Verdict, verdict


def rounds(*errors):
    return [
        Round(round=i, pictures=1, held_out_px=error, pck=None, median_px=None)
        for i, error in enumerate(errors)
    ]


@pytest.mark.parametrize(
    ("errors", "best", "stop"),
    [
        ((5.0,), 0, None),
        ((5.0, 4.0), 1, None),
        ((5.0, 4.0, 3.0), 2, "2 rounds are done"),
        ((5.0, 4.0, 4.0), 1, "2 rounds are done"),
        ((5.0, 6.0), 0, r"grew from 5.00 px \(round 0\) to 6.00 px \(round 1\)"),
        ((5.0, 5.4), 0, None),
        ((5.0, None), 0, "to more than half missing"),
        ((None, 5.0), 1, None),
        ((None, None), 1, None),
        ((None, None, None), 2, "2 rounds are done"),
    ],
)
def test_when_it_ends_and_which_round_is_the_best(errors, best, stop):
    found = verdict(rounds(*errors), wanted=2, tolerance=0.1)
    assert found.best == best
    assert (found.stop is None) if stop is None else re.search(stop, found.stop)


def test_without_tolerance_any_growth_ends_it():
    assert verdict(rounds(5.0, 5.01), 3, 0.0).stop
    assert verdict(rounds(5.0, 5.0), 3, 0.0) == Verdict(0, None)
    assert verdict(rounds(5.0, 4.0), 1, 0.0).stop == "1 round is done"


def test_labels_judge_beside_cameras():
    """A rig that is off makes views agree on other places than people label."""
    first, second = rounds(13.7, 2.7)
    pcks = [
        (first.model_copy(update={"pck": 0.9}), second.model_copy(update={"pck": pck}))
        for pck in (0.95, 0.85, 0.5)
    ]
    assert verdict(pcks[0], 3, 0.0) == Verdict(1, None)
    fell = verdict(pcks[1], 3, 0.0)
    assert fell.best == 0 and "fell from 0.900 (round 0) to 0.850 (round 1)" in fell.stop
    assert verdict(pcks[1], 3, 0.1) == Verdict(1, None)
    assert verdict(pcks[2], 3, 0.1).best == 0
