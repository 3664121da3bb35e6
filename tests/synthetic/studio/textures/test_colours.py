import numpy as np

from mvboot.colours import rgb_from_hsv
from mvboot.synthetic.studio.textures.colours import (
    linear_from_srgb,
    rgb,
    sample_palette,
    shades,
    srgb_from_linear,
)


def test_display_values_survive_the_way_to_linear_and_back():
    values = np.linspace(0, 1, 256)
    np.testing.assert_allclose(srgb_from_linear(linear_from_srgb(values)), values, atol=1e-12)
    np.testing.assert_allclose(linear_from_srgb(np.array([0.5])), 0.21404, atol=1e-5)
    np.testing.assert_allclose(rgb(255, 0, 255), (1, 0, 1))


def test_hsv_corners():
    hue = np.array([0, 1 / 3, 2 / 3, 0.5])
    found = rgb_from_hsv(hue, np.array([1.0, 1, 1, 0]), np.array([1.0, 1, 0.5, 0.7]))
    expected = [[1, 0, 0], [0, 1, 0], [0, 0, 0.5], [0.7, 0.7, 0.7]]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_palettes_are_mostly_muted_and_hold_light_and_dark():
    rng = np.random.default_rng(0)
    colours = srgb_from_linear(np.concatenate([sample_palette(rng, 3) for _ in range(500)]))
    assert colours.min() >= 0 and colours.max() <= 1
    value = colours.max(1)
    saturation = 1 - colours.min(1) / np.maximum(value, 1e-9)
    assert np.mean((saturation > 0.6) & (value > 0.5)) < 0.2
    assert np.mean(value < 0.35) > 0.15 and np.mean(value > 0.8) > 0.15


def test_shades_run_from_dark_to_light_around_a_colour():
    colour = np.array([0.2, 0.3, 0.1])
    found = shades(colour, 3, 0.5)
    np.testing.assert_allclose(found, [colour / 1.5, colour, colour * 1.5])
    assert shades(np.ones(3), 4, 1.0).max() <= 0.95
