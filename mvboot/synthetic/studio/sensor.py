"""From light to a picture: exposure, colour, noise, display values."""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.faults import CameraFaults
from mvboot.synthetic.studio.textures.colours import srgb_from_linear

Floats = NDArray[np.float64]
Picture = NDArray[np.uint8]

MIDDLE, BRIGHT = 0.17, 1.1
"""What an exposure maps the geometric mean of the light to, and at most its bright end."""
SHOT = 3.0
"""Variance of the noise in full light over that in the dark, minus one."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def exposure_for(light: Floats) -> float:
    """Return the factor that exposes light (N, 3) well; 1 for darkness."""
    luminance = np.asarray(light, np.float64) @ LUMINANCE
    luminance = luminance[luminance > 0]
    if not len(luminance):
        return 1.0
    mean = float(np.exp(np.log(luminance).mean()))
    return min(MIDDLE / mean, BRIGHT / float(np.quantile(luminance, 0.95)))


def developed(
    light: Floats, exposure: float, faults: CameraFaults, rng: np.random.Generator
) -> Picture:
    """Return the picture (h, w, 3) RGB of linear light, as a camera with its faults takes it.

    Noise grows with the light (photons) from that in the dark (``faults.noise``).
    """
    height, width = light.shape[:2]
    linear = light * (exposure * faults.light_factors((width, height)))
    if faults.noise > 0:
        spread = faults.noise * np.sqrt(1 + SHOT * np.clip(linear, 0, 1))
        linear = linear + spread * rng.standard_normal(linear.shape, dtype=np.float32)
    return np.asarray(np.rint(255 * srgb_from_linear(np.clip(linear, 0, 1))), np.uint8)
