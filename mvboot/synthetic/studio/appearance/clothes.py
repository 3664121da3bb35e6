"""Clothes for a person: which go together, in what order, and what of the body they hide."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.synthetic.studio.appearance.cloth import Draper, Frame
from mvboot.synthetic.studio.appearance.garment import Draped, Mannequin, Patch
from mvboot.synthetic.studio.appearance.look import Piece
from mvboot.synthetic.studio.appearance.tailor import Tailor
from mvboot.synthetic.studio.appearance.wardrobe import (
    KINDS,
    TOPS,
    TROUSER_KINDS,
    Fitting,
    Sheet,
    Solid,
)
from mvboot.template import Template

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rng = np.random.Generator
Worn = tuple[Sheet | Solid, Draped | None]
"""A garment, and how it lies if it is a sheet."""

LAYER = 0.004
"""Metres between a garment and what is worn under it."""
TOP_WEIGHTS = (0.34, 0.08, 0.14, 0.18, 0.13, 0.13)
TROUSER_WEIGHTS = (0.25, 0.33, 0.13, 0.11, 0.18)
FRAME = ("upper_arm_left", "hand_left", "thigh_left", "foot_left")
BELTED = ("trousers", "jeans", "shorts")


@dataclass(frozen=True)
class Outfit:
    """Clothes on one person.

    ``pieces`` from the skin outwards; ``hidden`` (F,) are the faces of the body well under them.
    """

    pieces: tuple[Piece, ...]
    hidden: Bools


def dress(template: Template, shape: Floats, rng: Rng) -> Outfit:
    """Return clothes that go together, for the shipped body in a shape (S,)."""
    return wear(template, shape, sample_kinds(rng), rng)


def sample_kinds(rng: Rng) -> tuple[str, ...]:
    """Return names of garments (of `KINDS`) that go together, from the skin outwards."""
    kinds = ["socks"] if rng.random() < 0.5 else []
    if rng.random() < 0.1:
        kinds += ["leggings"] if rng.random() < 0.2 else []
        kinds += ["dress"]
    else:
        top = str(rng.choice(TOPS, p=TOP_WEIGHTS))
        bottom = str(rng.choice(TROUSER_KINDS, p=TROUSER_WEIGHTS))
        bottom = "skirt" if rng.random() < 0.1 else bottom
        tucked = bottom == "skirt" or rng.random() < 0.2
        kinds += [top, bottom] if tucked else [bottom, top]
        belted = tucked and bottom in BELTED and rng.random() < 0.7
        kinds += ["belt"] if belted else []
        kinds += ["jacket"] if top != "hoodie" and rng.random() < 0.2 else []
    shoes = rng.choice(["sneakers", "boots", "none"], p=[0.66, 0.22, 0.12])
    kinds += [str(shoes)] if shoes != "none" else []
    if shoes == "none" and "socks" in kinds:
        kinds.remove("socks")
    kinds += ["scarf"] if rng.random() < 0.05 else []
    hat = rng.choice(["beanie", "cap", "none"], p=[0.06, 0.08, 0.86])
    return tuple([*kinds, str(hat)] if hat != "none" else kinds)


def wear(template: Template, shape: Floats, kinds: Sequence[str], rng: Rng) -> Outfit:
    """Return named garments worn over each other, the first next to the skin.

    Tops before trousers or a skirt are tucked in. A name that is not in `KINDS` is InputError.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise InputError(f"no garment {unknown[0]!r}; there are {', '.join(KINDS)}")
    mannequin = Mannequin(template, shape)
    tailor = Tailor(mannequin)
    draper = Draper(Frame(*[tailor.head(bone) for bone in FRAME]), rng)
    taken = np.zeros(len(mannequin.mean))
    worn: list[Worn] = []
    for index, kind in enumerate(kinds):
        tucked = bool({*TROUSER_KINDS, "skirt"} & set(kinds[index + 1 :]))
        cropped = bool({"skirt", "dress"} & set(kinds[:index]))
        for item in KINDS[kind](Fitting(tailor, draper, rng, tucked, cropped, taken)):
            draped = _over(mannequin, item, taken) if isinstance(item, Sheet) else None
            taken = taken if draped is None else np.maximum(taken, draped.heights)
            worn.append((item, draped))
    return _assembled(mannequin, worn)


def _over(mannequin: Mannequin, sheet: Sheet, taken: Floats) -> Draped:
    """Lay a sheet over what is worn already, at heights (V,)."""
    height = np.maximum(sheet.height, np.where(taken > 0, taken + LAYER, 0.0))
    patch = Patch.cut(mannequin.template.faces, sheet.field)
    return Draped.over(mannequin, patch, height, sheet.rounds)


def _assembled(mannequin: Mannequin, worn: Sequence[Worn]) -> Outfit:
    """Make the pieces, without what others hide, from the outermost inwards."""
    hidden = np.zeros(len(mannequin.template.faces), dtype=bool)
    pieces: list[Piece] = []
    for item, draped in reversed(worn):
        if draped is None:
            assert isinstance(item, Solid)
            pieces.append(item.cloth.piece(item.name, item.material))
        else:
            assert isinstance(item, Sheet)
            seen = draped.patch.faces[~hidden[draped.patch.parents]]
            pieces.append(draped.cloth(seen, item.hem).piece(item.name, item.material))
        hidden |= mannequin.covered(item.field)
    return Outfit(tuple(pieces[::-1]), hidden)
