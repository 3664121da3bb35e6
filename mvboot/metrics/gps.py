"""Geodesic point similarity and average precision (DensePose: Guler et al. 2018)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.mesh.sampling import sampled
from mvboot.metrics.rules import centimetres
from mvboot.template import Located, Template

Floats = NDArray[np.float64]

KAPPA_M = 0.255
"""Error at which the similarity is 0.61, for people (Guler et al. 2018)."""
THRESHOLDS = np.linspace(0.5, 0.95, 10)
SOURCES, TARGETS = 30, 60
"""Points drawn to find the mean distance within a part, and points for each of them: distances
take time by the source."""


@dataclass(frozen=True, eq=False)
class Kappa:
    """How fast the similarity falls with the error.

    Parameters
    ----------
    name
        What it is, for people.
    cm
        () for the whole surface, or (P + 1,) by part number.
    """

    name: str
    cm: Floats

    @staticmethod
    def fixed(metres: float = KAPPA_M) -> "Kappa":
        """Return one kappa for the whole surface; InputError unless it is positive."""
        if not (np.isfinite(metres) and metres > 0):
            raise InputError(f"kappa must be a positive length in metres, got {metres}")
        return Kappa(f"{metres:g} m", np.array(100 * metres))

    @staticmethod
    def of_parts(template: Template, seed: int = 0) -> "Kappa":
        """Return the mean distance along the surface within each part, as in DensePose since 2019.

        Points spread evenly over a part are drawn for it. Errors on a hand weigh more than on the
        back, and templates of any size can be compared. InputError for a template without charts.
        """
        if template.charts is None:
            raise InputError(f"the template {template.name!r} has no parts; state one kappa")
        rng = np.random.default_rng(seed)
        cm = np.ones(len(template.charts.names) + 1)
        for number in np.unique(template.charts.parts):
            here = _spread(template, int(number), SOURCES, rng)
            here = Located(here.faces.repeat(TARGETS), here.barycentric.repeat(TARGETS, axis=0))
            there = _spread(template, int(number), SOURCES * TARGETS, rng)
            cm[number] = centimetres(template) * template.geodesic_between(here, there).mean()
        return Kappa("mean distance within the part", cm)

    def at(self, part: NDArray[np.int64]) -> Floats:
        """Return the kappas of points (n,) on these parts, cm."""
        return self.cm[part] if self.cm.ndim else np.broadcast_to(self.cm, part.shape)


def geodesic_similarity(error_cm: Floats, kappa_cm: Floats) -> float:
    """Return ``mean exp(-g^2 / (2 kappa^2))`` of errors (n,); 0 from those that are infinite."""
    return float(np.exp(-0.5 * (error_cm / kappa_cm) ** 2).mean())


def average_precision(scores: Floats) -> float | None:
    """Return the mean over thresholds .5, .55, ... .95 of the share of pictures (n,) above.

    There is exactly one prediction of each picture and nothing to rank, so that precision at a
    threshold is that share. None for no pictures.
    """
    if not len(scores):
        return None
    return float((scores[:, None] >= THRESHOLDS - 1e-9).mean())


def _spread(template: Template, part: int, count: int, rng: np.random.Generator) -> Located:
    """Return ``count`` points drawn evenly over the area of a part."""
    assert template.charts is not None
    own = np.flatnonzero(template.charts.parts == part)
    found = sampled(template.vertices, template.faces[own], count, rng)
    return Located(own[found.faces], found.barycentric)
