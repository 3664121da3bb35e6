"""A look for any template: a dressed person, an animal in its coat, or a painted thing."""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.looks.look import Look
from mvboot.synthetic.material import Material
from mvboot.synthetic.textures.coloured import Plain
from mvboot.synthetic.textures.colours import sample_colour
from mvboot.template import Template

Floats = NDArray[np.float64]


def sample_look(template: Template, shape: Floats, rng: np.random.Generator) -> Look:
    """Return what a subject of a shape (S,) looks like."""
    return Look(Material(Plain(sample_colour(rng))), np.ones(len(template.faces), dtype=bool))
