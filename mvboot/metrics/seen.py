"""What a field sees of the surface: pixels of the subject and where on the template they are."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.metrics.points import named_points, spacing
from mvboot.metrics.rules import Rules
from mvboot.template import Template

Floats = NDArray[np.float64]

REACH = 2.0
"""A surface point is seen where some pixel lies within this many spacings of it."""
NEIGHBOURS = 12
"""Pixels that are weighted to find a surface point, at most."""


@dataclass(frozen=True, eq=False)
class Seen:
    """The n pixels of a picture where its field says the subject is.

    Parameters
    ----------
    pixels
        (n, 2) px of the original picture.
    values
        (n, D) embedding of the surface points that they show, in the template's unit. Values
        beside the surface, from a network, were moved to the nearest surface point.
    spacing
        Median distance of neighbouring pixels' values; NaN where there are no neighbours.
    scale
        Original px per pixel of the field.
    """

    pixels: Floats
    values: Floats
    spacing: float
    scale: float

    @staticmethod
    def of(field: DenseField, template: Template, rules: Rules | None = None) -> "Seen":
        """Return what a field sees.

        InputError for a field of another template, and a template without an embedding.
        """
        if template.embedding is None:
            raise InputError(f"the template {template.name!r} has no embedding to match in")
        rules = rules or Rules()
        points = named_points(field, template)
        there = points.known & (field.foreground >= rules.foreground)
        canonical = template.canonical(points.faces, np.nan_to_num(points.barycentric))
        assert canonical.embedding is not None
        apart = spacing(canonical.embedding, there)
        values = canonical.embedding[there]
        return Seen(field.grid.centers()[there], values, apart, field.grid.scale)

    def where(self, points: Floats) -> Floats:
        """Return in which pixel (m, 2) each surface point (m, D) of the embedding is seen.

        The mean of the nearest pixels, weighted by a Gaussian of their distance from the point
        with the spacing as its width. NaN where none lies within `REACH` spacings: the point is
        hidden, or the field shows it nowhere.
        """
        found = np.full((len(points), 2), np.nan)
        if not (len(self.pixels) and self.spacing > 0):
            return found
        gap, index = self._tree.query(points, k=min(NEIGHBOURS, len(self.pixels)))
        gap = np.asarray(gap).reshape(len(points), -1)
        index = np.asarray(index).reshape(len(points), -1)
        weight = np.exp(-0.5 * (gap**2 - gap[:, :1] ** 2) / self.spacing**2)
        mean = (weight[..., None] * self.pixels[index]).sum(1) / weight.sum(1)[:, None]
        seen = gap[:, 0] <= REACH * self.spacing
        found[seen] = mean[seen]
        return found

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.values)
