import numpy as np
import pytest

from mvboot.synthetic.studio.textures.noise import Noise, Voronoi

PLACES = np.random.default_rng(0).uniform(-5, 5, (20000, 3))


@pytest.mark.parametrize("octaves", [1, 4])
def test_noise_is_spread_evenly_over_its_range(octaves):
    values = Noise(seed=3, size=0.2, octaves=octaves)(PLACES)
    assert values.min() > 0 and values.max() < 1
    share, _ = np.histogram(values, 5, (0, 1))
    np.testing.assert_allclose(share / len(values), 0.2, atol=0.04)


def test_noise_is_as_smooth_as_its_size_says():
    near = PLACES + (0.02, 0, 0)
    far = PLACES + (1.0, 0, 0)
    noise = Noise(seed=5, size=0.4, octaves=2)
    values = noise(PLACES)
    assert np.corrcoef(values, noise(near))[0, 1] > 0.97
    assert abs(np.corrcoef(values, noise(far))[0, 1]) < 0.05


def test_seeds_give_other_noise_and_the_same_seed_the_same():
    one, two = Noise(1, 0.3), Noise(2, 0.3)
    np.testing.assert_array_equal(one(PLACES), Noise(1, 0.3)(PLACES))
    assert abs(np.corrcoef(one(PLACES), two(PLACES))[0, 1]) < 0.05


def test_no_lattice_shows_where_all_octaves_could_meet():
    on_lattice = np.random.default_rng(1).integers(-20, 20, (4000, 3)).astype(float)
    assert Noise(7, 1.0, 4)(on_lattice).std() > 0.15


def test_stretch_makes_noise_slower_along_an_axis():
    noise = Noise(4, 0.1, 1, stretch=(10, 1, 1))
    values = noise(PLACES)
    along, across = noise(PLACES + (0.1, 0, 0)), noise(PLACES + (0, 0.1, 0))
    assert np.corrcoef(values, along)[0, 1] > 0.9 > 0.5 > np.corrcoef(values, across)[0, 1]


def test_cells_are_about_their_size_and_keep_their_identity():
    layout = Voronoi(seed=2, size=0.5)
    identity, border = layout.cells(PLACES)
    assert identity.min() >= 0 and identity.max() < 1 and border.min() >= 0
    inside = border > 0.05
    again, _ = layout.cells(PLACES[inside] + (0.01, 0.01, 0.01))
    np.testing.assert_array_equal(again, identity[inside])
    assert len(np.unique(identity)) > 4000
