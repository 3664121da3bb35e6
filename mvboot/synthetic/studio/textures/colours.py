"""Colours that things in front of cameras have: mostly dull, dark, pale, blue or brown."""

import numpy as np
from numpy.typing import NDArray

from mvboot.colours import rgb_from_hsv

Floats = NDArray[np.float64]

FAMILIES = (
    # weight, hue, saturation, value: ranges, of display colours
    (0.16, (0.00, 1.00), (0.00, 0.12), (0.08, 0.28)),  # black and charcoal
    (0.16, (0.05, 0.17), (0.00, 0.12), (0.82, 0.97)),  # white and cream
    (0.14, (0.00, 1.00), (0.00, 0.08), (0.30, 0.75)),  # grey
    (0.16, (0.55, 0.67), (0.25, 0.75), (0.20, 0.75)),  # navy to sky
    (0.16, (0.03, 0.12), (0.25, 0.65), (0.25, 0.80)),  # brown, sand, rust
    (0.08, (0.17, 0.42), (0.20, 0.55), (0.20, 0.65)),  # olive and green
    (0.06, (0.00, 1.00), (0.12, 0.40), (0.45, 0.90)),  # pastel
    (0.05, (0.00, 1.00), (0.65, 0.95), (0.55, 0.95)),  # bright
)

MATCHED = 0.5
"""Share of palettes whose coloured members lie near one hue."""

HUE_SPREAD = 0.06


def linear_from_srgb(display: Floats) -> Floats:
    """Return linear values of display values (...), both in [0, 1] (IEC 61966-2-1)."""
    bright = ((display + 0.055) / 1.055) ** 2.4
    return np.where(display <= 0.04045, display / 12.92, bright)


def srgb_from_linear(linear: Floats) -> Floats:
    """Return display values of linear values (...), both in [0, 1] (IEC 61966-2-1)."""
    bright = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, bright)


def rgb(red: float, green: float, blue: float) -> Floats:
    """Return the linear colour (3,) of display values in 0..255, as pickers show them."""
    return linear_from_srgb(np.array([red, green, blue]) / 255)


def sample_palette(rng: np.random.Generator, n: int) -> Floats:
    """Return n linear colours (n, 3) that could meet on one thing; the first covers most."""
    weights = np.array([family[0] for family in FAMILIES])
    rows = rng.choice(len(FAMILIES), n, p=weights / weights.sum())
    low = np.array([[r[0] for r in family[1:]] for family in FAMILIES])[rows]
    high = np.array([[r[1] for r in family[1:]] for family in FAMILIES])[rows]
    hue, saturation, value = rng.uniform(low, high).T
    if rng.random() < MATCHED:
        hue = (hue[0] + rng.normal(0, HUE_SPREAD, n)) % 1
    return linear_from_srgb(rgb_from_hsv(hue, saturation, value))


def sample_colour(rng: np.random.Generator) -> Floats:
    """Return one linear colour (3,)."""
    return np.asarray(sample_palette(rng, 1)[0])


def shades(colour: Floats, n: int, contrast: float) -> Floats:
    """Return n linear colours (n, 3) from darker to lighter around one (3,).

    The factors on it span 1 / (1 + contrast) to 1 + contrast; nothing exceeds 0.95.
    """
    factors = np.geomspace(1 / (1 + contrast), 1 + contrast, n)
    return np.minimum(factors[:, None] * colour, 0.95)
