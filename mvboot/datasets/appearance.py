"""Changes of a picture that leave every pixel where it is: light, colour, blur, noise."""

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Picture = NDArray[np.uint8]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in the brightness of a pixel (ITU-R BT.601)."""


class Appearance(BaseModel):
    """How far light and colour may change; zeros change nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brightness: float = Field(0.2, ge=0, le=1, description="largest relative change of all values")
    contrast: float = Field(0.2, ge=0, le=1, description="largest relative change about the mean")
    saturation: float = Field(0.3, ge=0, le=1, description="largest relative change of colours")
    colour: float = Field(0.05, ge=0, le=1, description="largest relative gain of a channel")
    blur_px: float = Field(1.0, ge=0, description="largest standard deviation of the blur")
    noise: float = Field(0.02, ge=0, le=1, description="largest standard deviation, white is 1")

    def changed(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """Return a changed picture (h, w, 3) RGB; the draws do not depend on its size."""
        gain, contrast, saturation = (
            1 + rng.uniform(-reach, reach)
            for reach in (self.brightness, self.contrast, self.saturation)
        )
        gains = gain * (1 + rng.uniform(-self.colour, self.colour, 3))
        blur, noise = rng.uniform(0, self.blur_px), rng.uniform(0, self.noise)
        grain = np.random.default_rng(rng.integers(2**63))
        values: NDArray[np.float32] = picture.astype(np.float32)
        luma = (values @ LUMA)[..., None]
        values = np.asarray((luma + saturation * (values - luma)) * gains, np.float32)
        mean = values.mean()
        values = mean + np.float32(contrast) * (values - mean)
        if blur > 0.1:
            values = np.asarray(cv2.GaussianBlur(values, (0, 0), blur), np.float32)
        if noise > 0:
            values += np.float32(255 * noise) * grain.standard_normal(values.shape, np.float32)
        return np.asarray(np.clip(np.round(values), 0, 255), np.uint8)
