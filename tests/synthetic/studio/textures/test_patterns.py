import numpy as np
import pytest

from mvboot.synthetic.studio.textures.noise import Noise, Voronoi
from mvboot.synthetic.studio.textures.patterns import (
    Along,
    Border,
    Bricks,
    Checks,
    Corrugation,
    Dots,
    Folded,
    Hexagons,
    Knit,
    Ridges,
    Scaled,
    Stripes,
    Threshold,
    Twill,
    Weave,
)

PLACES = np.random.default_rng(0).uniform(-2, 2, (5000, 3))
FIELDS = [
    Along((0, 0, 1), -1, 1),
    Border(Bricks(0.3, 0.1), 0.02),
    Checks(0.1),
    Corrugation(0.1),
    Dots(0.1, 0.03, 0.2),
    Folded(Noise(1, 0.3), 3),
    Knit(0.02),
    Ridges(Noise(1, 0.3)),
    Scaled(Noise(1, 0.3), 0.2, 0.7),
    Stripes(0.1),
    Threshold(Noise(1, 0.3)),
    Twill(0.01),
    Weave(0.01),
]
LAYOUTS = [
    Bricks(0.3, 0.1),
    Bricks(0.3, 0.1, 0.0, 1.0, 4),
    Hexagons(0.2),
    Voronoi(1, 0.2),
]


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: type(f).__name__)
def test_fields_stay_in_their_range_and_vary(field):
    values = field(PLACES)
    assert values.shape == (5000,) and values.dtype == np.float64
    assert values.min() >= 0 and values.max() <= 1 and values.std() > 0.02
    np.testing.assert_array_equal(values, field(PLACES.copy()))


def test_stripes_dots_and_checks_cover_what_they_say():
    assert np.mean(Stripes(0.1, 0.3, (0, 1, 0))(PLACES)) == pytest.approx(0.3, abs=0.03)
    assert np.mean(Checks(0.1)(PLACES)) == pytest.approx(0.5, abs=0.03)
    covered = np.pi * 0.03**2 / 0.1**2
    assert np.mean(Dots(0.1, 0.03)(PLACES)) == pytest.approx(covered, abs=0.03)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: type(f).__name__)
def test_identity_changes_only_across_a_border(layout):
    identity, border = layout.cells(PLACES)
    assert identity.min() >= 0 and identity.max() < 1 and border.min() >= -1e-12
    step = 0.4 * border[:, None] * np.array([0.6, 0.8, 0])
    np.testing.assert_array_equal(layout.cells(PLACES + step)[0], identity)


def test_bricks_have_their_size():
    identity, border = Bricks(0.3, 0.1, stagger=0.5).cells(
        np.array([[0.15, 0.05, 0], [0.29, 0.05, 0], [0.31, 0.05, 0], [0.15, 0.15, 0]])
    )
    assert identity[0] == identity[1] != identity[2]
    np.testing.assert_allclose(border, [0.05, 0.01, 0.01, 0.0], atol=1e-12)


def test_hexagons_are_as_wide_as_they_say():
    _, border = Hexagons(0.2).cells(np.zeros((1, 3)))
    assert border[0] == pytest.approx(0.1)
    edge = np.array([[0.1, 0, 0], [0.05, 0.1 * np.sqrt(0.75), 0]])
    np.testing.assert_allclose(Hexagons(0.2).cells(edge)[1], 0, atol=1e-12)
