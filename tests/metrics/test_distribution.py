import numpy as np

from mvboot.metrics.distribution import distribution


def test_three_numbers_of_what_is_finite():
    found = distribution(np.array([np.nan, np.inf, *range(11)]), "px")
    assert found == {"mean_px": 5.0, "median_px": 5.0, "p90_px": 9.0}


def test_nothing_has_no_numbers():
    assert set(distribution(np.array([np.inf]), "cm").values()) == {None}
