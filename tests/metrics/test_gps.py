import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.metrics import Kappa, average_precision, geodesic_similarity


def test_similarity_of_known_errors():
    kappa = Kappa.fixed(0.255)
    errors = np.array([0.0, 25.5, np.inf])
    found = geodesic_similarity(errors, kappa.at(np.zeros(3, int)))
    assert found == pytest.approx((1 + np.exp(-0.5) + 0) / 3)


def test_average_precision_is_the_mean_share_above_the_thresholds():
    assert average_precision(np.ones(3)) == 1
    assert average_precision(np.array([0.49])) == 0
    assert average_precision(np.array([0.5])) == pytest.approx(0.1)
    assert average_precision(np.array([0.95])) == 1
    assert average_precision(np.array([0.72, 0.0])) == pytest.approx(0.25)
    assert average_precision(np.zeros(0)) is None


def test_kappas_of_parts_are_mean_distances_within_them(sheet):
    kappa = Kappa.of_parts(sheet.template)
    rng = np.random.default_rng(1)
    a, b = rng.uniform(size=(2, 100_000, 2)) * [100, 200]  # a part is a rectangle 1 x 2 m
    expected = np.linalg.norm(a - b, axis=1).mean()
    np.testing.assert_allclose(kappa.at(np.array([1, 2])), expected, rtol=0.08)
    smaller = Kappa.of_parts(sheet.template.in_units("cm"))
    np.testing.assert_allclose(smaller.cm, kappa.cm, rtol=1e-4)


def test_kappas_that_cannot_be(ball):
    with pytest.raises(InputError, match="no parts"):
        Kappa.of_parts(ball.template)
    for wrong in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="positive"):
            Kappa.fixed(wrong)
