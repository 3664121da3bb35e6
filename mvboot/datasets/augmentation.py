"""Random changes of samples: where the crop lies, mirroring, and how the picture looks."""

import math

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mvboot.datasets.appearance import Appearance
from mvboot.fields import Crop


class Augmentation(BaseModel):
    """How far samples may change; the defaults are mild.

    Geometry is only ever a change of the crop, so that pixels, masks, fields and keypoints change
    together and stay exact in original pixels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shift: float = Field(0.1, ge=0, le=1, description="largest shift, as a share of the side")
    scale: float = Field(
        0.2, ge=0, lt=1, description="largest change of size: 0.2 is 1 / 1.2 to 1.2"
    )
    turn_deg: float = Field(20.0, ge=0, le=180, description="largest turn in the picture plane")
    flip: float = Field(0.0, ge=0, le=1, description="how often all views are mirrored together")
    appearance: Appearance = Appearance()

    def moved(self, crop: Crop, rng: np.random.Generator) -> Crop:
        """Return the crop shifted, resized and turned about its middle."""
        width, height = crop.size
        shift = rng.uniform(-self.shift, self.shift, 2) * (width, height)
        scale = math.exp(rng.uniform(-1, 1) * math.log1p(self.scale))
        turn = math.radians(rng.uniform(-self.turn_deg, self.turn_deg))
        middle = (np.array([width, height]) - 1) / 2 + shift
        return crop.of(Crop.around(middle, scale, crop.size, turn))

    def mirrors(self, rng: np.random.Generator) -> bool:
        """Draw whether a sample is mirrored."""
        return bool(rng.random() < self.flip)
