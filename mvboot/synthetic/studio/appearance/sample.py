"""A look for any template: a dressed person, an animal in its coat, or a painted thing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.synthetic.studio.appearance.clothes import dress, wear
from mvboot.synthetic.studio.appearance.coats import sample_coat
from mvboot.synthetic.studio.appearance.fur import is_quadruped, sample_animal
from mvboot.synthetic.studio.appearance.hair import sample_hair
from mvboot.synthetic.studio.appearance.look import Look
from mvboot.synthetic.studio.appearance.skin import sample_skin, sample_tone
from mvboot.template import Template, load_template

Floats = NDArray[np.float64]


def sample_look(
    template: Template,
    shape: Floats,
    rng: np.random.Generator,
    garments: Sequence[str] | None = None,
) -> Look:
    """Return what a subject of a shape (S,) looks like.

    The shipped body is a person with clothes, the shipped quadruped an animal with fur, any other
    template is painted. In metres. ``garments`` are what a person wears, by name from the skin
    outwards; None: what chance gives. InputError for garments of anybody else.
    """
    if template.topology == load_template("body").topology:
        return _person(template, shape, rng, garments)
    if garments is not None:
        raise InputError(f"only the shipped body wears clothes, not {template.name!r}")
    if is_quadruped(template):
        return sample_animal(template, shape, rng)
    return Look(sample_coat(template, rng), np.ones(len(template.faces), dtype=bool))


def _person(
    template: Template, shape: Floats, rng: np.random.Generator, garments: Sequence[str] | None
) -> Look:
    tone = sample_tone(rng)
    if garments is None:
        outfit = dress(template, shape, rng)
    else:
        outfit = wear(template, shape, garments, rng)
    worn = tuple(piece.name for piece in outfit.pieces)
    hair = sample_hair(template, shape, tone.dark, worn, rng)
    skin = sample_skin(template, tone, hair.colour, hair.stubble, hair.scalp, rng)
    naked = Look(skin, np.ones(len(template.faces), dtype=bool))
    nothing = np.zeros(len(template.faces), dtype=bool)
    return naked.wearing(outfit.pieces, outfit.hidden).wearing(hair.pieces, nothing)
