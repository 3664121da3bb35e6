import numpy as np
import pytest

from mvboot.synthetic.studio.surroundings import finishes
from mvboot.synthetic.studio.textures.coloured import (
    Blend,
    Patchwork,
    Paved,
    Placed,
    Plain,
    Ramp,
    Shaded,
    Steps,
    Tartan,
    Unrolled,
    Warped,
)
from mvboot.synthetic.studio.textures.colours import sample_palette
from mvboot.synthetic.studio.textures.noise import Noise
from mvboot.synthetic.studio.textures.patterns import Along, Bricks, Checks, Stripes
from mvboot.synthetic.studio.textures.posters import sample_poster

PLACES = np.random.default_rng(0).uniform(-2, 2, (4000, 3))
PALETTE = sample_palette(np.random.default_rng(1), 4)
RED, BLUE = np.array([0.8, 0.1, 0.1]), np.array([0.1, 0.1, 0.8])
ACROSS = Along((1, 0, 0), 0, 1)
TEXTURES = [
    Plain(RED),
    Ramp(Noise(1, 0.3), PALETTE),
    Steps(Noise(1, 0.3), PALETTE),
    Blend(Checks(0.2), Plain(RED), Plain(BLUE)),
    Shaded(Plain(RED), Noise(1, 0.3), 0.5, 3.0),
    Paved(Bricks(0.3, 0.1), Ramp(Noise(2, 0.1), PALETTE), Plain(BLUE), 0.01, 0.5, 1.2),
    Patchwork(Bricks(0.3, 0.1), PALETTE),
    Tartan(np.array([0.03, 0.1, 0.02, 0.05]), PALETTE),
    Warped(Ramp(Noise(1, 0.3), PALETTE), 3, 0.1, 0.2),
]
FINISHES = [getattr(finishes, name) for name in dir(finishes)]
FINISHES = [f for f in FINISHES if getattr(f, "__annotations__", {}).get("return") is not None]
FINISHES = [f for f in FINISHES if f.__annotations__["return"].__name__ == "Material"]


@pytest.mark.parametrize("texture", TEXTURES, ids=lambda t: type(t).__name__)
def test_textures_are_colours(texture):
    colours = texture(PLACES)
    assert colours.shape == (4000, 3)
    assert colours.min() >= 0 and colours.max() <= 1
    np.testing.assert_array_equal(colours, texture(PLACES.copy()))
    assert texture(PLACES[:0]).shape == (0, 3)


@pytest.mark.parametrize("finish", FINISHES, ids=lambda f: f.__name__)
def test_sampled_finishes_are_colours_and_repeat_with_the_seed(finish):
    for seed in range(6):
        material = finish(np.random.default_rng(seed))
        colours = material.texture(PLACES)
        assert np.isfinite(colours).all() and colours.min() >= 0 and colours.max() <= 1
        again = finish(np.random.default_rng(seed)).texture(PLACES)
        np.testing.assert_array_equal(colours, again)
        if material.bump is not None:
            assert np.abs(material.bump(PLACES)).max() < 0.05


def test_there_are_finishes():
    assert len(FINISHES) > 20


def test_ramps_mix_and_steps_do_not():
    places = np.array([[0, 0, 0], [0.25, 0, 0], [0.5, 0, 0], [0.75, 0, 0], [1, 0, 0]])
    colours = np.stack([RED, BLUE])
    mixed = Ramp(ACROSS, colours)(places)
    np.testing.assert_allclose(mixed[1], 0.75 * RED + 0.25 * BLUE)
    np.testing.assert_allclose(mixed[4], BLUE)
    stepped = Steps(ACROSS, colours)(places)
    np.testing.assert_allclose(stepped, np.stack([RED, RED, BLUE, BLUE, BLUE]))


def test_pieces_of_a_paving_differ_and_joints_are_joints():
    paved = Paved(Bricks(0.3, 0.1), Ramp(Noise(2, 0.1), PALETTE), Plain(BLUE), 0.02, 1.0, 1.0)
    colours = paved(np.array([[0.15, 0.05, 0], [0.45, 0.05, 0], [0.305, 0.05, 0]]))
    assert np.abs(colours[0] - colours[1]).max() > 1e-3
    np.testing.assert_allclose(colours[2], BLUE)


def test_tartan_threads_cross():
    found = Tartan(np.array([0.1, 0.1]), np.stack([RED, BLUE]))(
        np.array([[0.0, 0.0, 0], [0.2, 0.2, 0], [0.0, 0.2, 0]])
    )
    assert sorted(map(tuple, found[:2])) == sorted(map(tuple, (RED, BLUE)))
    np.testing.assert_allclose(found[2], (RED + BLUE) / 2)


def test_placed_turns_and_moves():
    stripes = Steps(Stripes(0.2), np.stack([RED, BLUE]))
    turn = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    moved = Placed(stripes, turn, (0.5, 0.3, 0))
    np.testing.assert_array_equal(moved(PLACES), stripes((PLACES - (0.5, 0.3, 0)) @ turn.T))


def test_unrolled_goes_round_at_true_size():
    checks = Unrolled(lambda places: places, (1.0, 0.0), 0.5)
    found = checks(np.array([[1.5, 0, 0.2], [1.0, 0.5, 0.3], [1.0, -1.0, 0]]))
    np.testing.assert_allclose(
        found, [[0, 0.2, 0], [np.pi / 4, 0.3, 0], [-np.pi / 4, 0, 0.5]], atol=1e-12
    )


def test_posters_are_filled_and_various():
    places = np.random.default_rng(0).uniform((0, 0, 0), (0.8, 1.1, 0), (2000, 3))
    spread = []
    for seed in range(20):
        colours = sample_poster(0.8, 1.1, np.random.default_rng(seed))(places)
        assert colours.min() >= 0 and colours.max() <= 1
        spread.append(colours.std(0).max())
    assert min(spread) > 0.005
