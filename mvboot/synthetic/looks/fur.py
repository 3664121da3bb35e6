"""Coats of animals, and of anything else."""

import numpy as np
from numpy.typing import NDArray

from mvboot.synthetic.looks.look import Look
from mvboot.synthetic.material import Material
from mvboot.synthetic.textures.coloured import Plain
from mvboot.synthetic.textures.colours import sample_colour
from mvboot.template import Template, load_template

Floats = NDArray[np.float64]


def is_quadruped(template: Template) -> bool:
    """Whether a template is the shipped quadruped."""
    return template.topology == load_template("quadruped").topology


def sample_animal(template: Template, shape: Floats, rng: np.random.Generator) -> Look:
    """Return an animal."""
    return Look(sample_coat(template, rng), np.ones(len(template.faces), dtype=bool))


def sample_coat(template: Template, rng: np.random.Generator) -> Material:
    """Return a coat."""
    return Material(Plain(sample_colour(rng)))
