"""Colours in other coordinates."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rgb_from_hsv(hue: Floats, saturation: Floats, value: Floats) -> Floats:
    """Return display colours (..., 3) of hue (in turns), saturation and value (...) in [0, 1]."""
    sector = (np.array([5.0, 3.0, 1.0]) + 6 * np.asarray(hue)[..., None]) % 6
    ramp = np.clip(np.minimum(sector, 4 - sector), 0, 1)
    value = np.asarray(value)[..., None]
    return np.asarray(value - value * np.asarray(saturation)[..., None] * ramp)
