"""The size of what a rig films, in words: a wrong unit is seen at once."""

import numpy as np

from mvboot.calib.views import Views
from mvboot.geometry import image_size
from mvboot.rig import UNITS_IN_M, Rig

SMALLEST_M, LARGEST_M = 2e-3, 40.0
"""Extent of a filmed volume outside of which the unit is doubted."""
NEAREST_M = 5e-3
"""Cameras that are farther away may film something smaller: through a macro lens."""
MICROSCOPE = 0.01
"""Both of these limits shrink by this for a rig whose lengths are um: those are microscopes."""


def scale_words(rig: Rig) -> str:
    """Return how far the cameras are and how large the volume is that they film."""
    views = Views(rig.still())
    metres = views.working_distance_m
    return (
        f"cameras {_length(metres)} from what they see, which is about {_length(_extent(rig))} "
        "across"
    )


def scale_warning(rig: Rig) -> str | None:
    """Return a warning where no lab films a volume of that size, or None."""
    extent = _extent(rig)
    small = extent < smallest_m(rig, SMALLEST_M) and _near(rig)
    if len(rig) < 2 or not (small or extent > LARGEST_M):
        return None
    return (
        f"what the cameras film is {_length(extent)} across: the unit of the rig is probably not "
        f"{rig.units}; correct it in the file, or with --units where the file states none"
    )


def smallest_m(rig: Rig, usual: float) -> float:
    """Return the smallest length in metres that is plausible in this rig's unit."""
    return usual * (MICROSCOPE if rig.units == "um" else 1.0)


def _near(rig: Rig) -> bool:
    return Views(rig.still()).working_distance_m < smallest_m(rig, NEAREST_M)


def _extent(rig: Rig) -> float:
    """Return the median width in metres of a picture at the working distance."""
    views = Views(rig.still())
    widths = [max(image_size(c)) / float(c.K[0, 0].abs()) for c in rig.cameras.values()]
    return float(np.median(widths)) * views.working_distance * UNITS_IN_M[rig.units]


def _length(metres: float) -> str:
    for unit, size in (("m", 1.0), ("cm", 0.01), ("mm", 0.001)):
        if metres >= size:
            return f"{metres / size:.3g} {unit}"
    return f"{metres / 1e-6:.3g} um"
