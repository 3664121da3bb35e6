import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.metrics import Rules
from mvboot.metrics.rules import centimetres, size_of


def test_a_draw_depends_on_the_picture_alone():
    rules = Rules(points=50)
    one = rules.drawn(1000, "left", 3)
    assert len(one) == len(set(one)) == 50
    assert (np.diff(one) > 0).all()
    np.testing.assert_array_equal(one, Rules(points=50).drawn(1000, "left", 3))
    for other in (rules.drawn(1000, "right", 3), rules.drawn(1000, "left", 4)):
        assert (one != other).any()
    assert (one != Rules(points=50, seed=1).drawn(1000, "left", 3)).any()


def test_few_pixels_are_all_measured():
    np.testing.assert_array_equal(Rules(points=50).drawn(50, "left", 0), np.arange(50))
    assert len(Rules().drawn(0, "left", 0)) == 0


def test_lengths_of_a_template(sheet):
    assert size_of(sheet.template) == 2
    assert centimetres(sheet.template) == 100
    assert centimetres(sheet.template.in_units("mm")) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "wrong", [{"points": 0}, {"foreground": 0}, {"foreground": 1.1}, {"gate": 0}]
)
def test_rules_that_mean_nothing(wrong):
    with pytest.raises(InputError):
        Rules(**wrong)
