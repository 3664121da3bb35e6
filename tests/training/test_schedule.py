import pytest

from mvboot.training.schedule import Schedule


def test_equal_ratios_then_the_end():
    schedule = Schedule(0.16, 0.01, until=0.5)
    assert schedule.at(0) == 0.16
    assert schedule.at(0.25) == pytest.approx(0.04)
    assert schedule.at(0.5) == pytest.approx(0.01)
    assert schedule.at(0.9) == pytest.approx(0.01)


def test_a_weight_may_end_at_nothing():
    schedule = Schedule(1.0, 0.0)
    assert [schedule.at(p) for p in (0, 0.5, 1)] == [1, 0.5, 0]
