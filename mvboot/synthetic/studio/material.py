"""What surfaces of a synthetic scene are made of, and the surfaces themselves.

Colours are linear reflectances in [0, 1] (not display values). Textures are functions of places, so
that they have detail at any distance: places in the world for things that stand still, places on
the template's rest pose for everything a subject wears, which therefore moves with it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Texture = Callable[[Floats], Floats]
"""Linear RGB (N, 3) at places (N, 3) in metres."""

Bump = Callable[[Floats], Floats]
"""Height (N,) in metres above the surface at places (N, 3): it tilts the normal only."""


@dataclass(frozen=True)
class Material:
    """How a surface answers light.

    Parameters
    ----------
    texture
        Its colour.
    bump
        Small relief that only shading shows, or None.
    gloss
        Strength of the highlight in [0, 1].
    sharpness
        Exponent of the highlight (Blinn and Phong): 5 is cloth, 30 skin, 200 polish.
    """

    texture: Texture
    bump: Bump | None = None
    gloss: float = 0.0
    sharpness: float = 20.0


@dataclass(frozen=True)
class Surface:
    """A triangle mesh (V, 3), (F, 3) with a material; both sides are seen.

    ``places`` (V, 3) are where the texture is looked up; None: at the vertices themselves.
    """

    vertices: Floats
    faces: IntArray
    material: Material
    places: Floats | None = None
