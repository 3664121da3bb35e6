import numpy as np

from mvboot.surfaces.evidence import TRUSTED, Evidence


def evidence(count=4):
    spread = np.broadcast_to(np.diag([0.01, 0.02, 0.04]) ** 2, (count, 3, 3))
    return Evidence(np.arange(count) + 10, np.zeros((count, 3)), spread)


def test_a_point_in_place_counts_by_its_covariance():
    own = evidence()
    precision = own.precision(own.points, 0.0)
    np.testing.assert_allclose(precision[0], np.diag([1e4, 2500, 625]))


def test_what_is_far_off_counts_little_in_units_of_its_own_deviation():
    own = evidence()
    found = TRUSTED * np.array([[0.01, 0, 0], [0, 0.02, 0], [0, 0.0, 0.04], [1, 0, 0]])
    np.testing.assert_allclose(own.trust(found, 0.0)[:3], 0.25)
    assert own.trust(found, 0.0)[3] < 1e-6


def test_a_longer_reach_forgives_more():
    own, found = evidence(), np.full((4, 3), 0.1)
    shares = [own.trust(found, reach)[0] for reach in (0.0, 0.1, 1.0)]
    assert shares[0] < 0.1 < shares[1] < 0.9 < shares[2] < 1


def test_a_wrong_point_pulls_less_the_farther_it_is():
    own = evidence(1)
    pull = [own.precision(x, 0.0)[0, 0, 0] * x[0, 0] for x in np.eye(3)[:1] * [[[0.02]], [[0.2]]]]
    assert pull[1] < pull[0]


def test_some_of_it():
    own = evidence().of(np.array([2, 0]))
    np.testing.assert_array_equal(own.vertices, [12, 10])
    assert own.points.shape == (2, 3) and own.covariance.shape == (2, 3, 3)
