"""What a field sees of the surface: where in its picture each surface point is, and how surely.

A point is matched with the pixels by the Gaussian affinity of the losses (`losses.matching`),
``m = exp(-|u - u'|^2 / 2 spacing^2)``, of which only the nearest pixels are kept. Their mean is
drawn off the point wherever pixels lie on one side of it only, as at every outline. Therefore the
field about it is taken as linear, ``u' = u_mean + B (x' - x_mean)``, fitted to the same pixels with
the same weights, and solved for the pixel of the point itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mvboot.errors import InputError, NothingUsable
from mvboot.fields import DenseField
from mvboot.fields.points import named_points, spacing
from mvboot.template import Template

Floats = NDArray[np.float64]

REACH = 1.5
"""A surface point is seen where some pixel lies within this many spacings of it."""
NEIGHBOURS = 12
"""Pixels that are weighted to find a surface point, at most: as many as lie within two of it."""
FARTHEST = 1.0
"""How far from the mean of its pixels a point may lie, in pixels of the field."""
NARROW = 0.02
"""Pixels^2 added to the scatter of the pixels: some lie all in a row."""
FLAT = 0.15
"""Spacings a pixel by which the field changes at least, when it is solved for the pixel."""
DOUBT, ROUNDING = 1.0, 0.3
"""How far a derivative of a noisy field is believed (spacings^2 a pixel^2), and the error of a
pixel that is due to pixels (px^2): with these the covariances of lifted points hold their share."""


@dataclass(frozen=True, eq=False)
class Sightings:
    """Where one picture shows m surface points.

    Parameters
    ----------
    pixels
        (m, 2) px of the original picture; NaN where a point is hidden, or shown nowhere.
    covariance
        (m, 2, 2) px^2 of the pixel for an error of one spacing in the field; NaN likewise.
    matchability
        (m,) in [0, 1]: m of the nearest pixel.
    """

    pixels: Floats
    covariance: Floats
    matchability: Floats


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
    def of(field: DenseField, template: Template, foreground: float = 0.5) -> "Seen":
        """Return what a field sees, where the subject is with at least this probability.

        InputError for a field of another template, and a template without an embedding.
        """
        if template.embedding is None:
            raise InputError(f"the template {template.name!r} has no embedding to match in")
        points = named_points(field, template)
        there = points.known & (field.foreground >= foreground)
        canonical = template.canonical(points.faces, np.nan_to_num(points.barycentric))
        assert canonical.embedding is not None
        apart = spacing(canonical.embedding, there)
        values = canonical.embedding[there]
        return Seen(field.grid.centers()[there], values, apart, field.grid.scale)

    def where(self, points: Floats) -> Floats:
        """Return in which pixel (m, 2) each surface point (m, D) of the embedding is seen.

        NaN where no pixel lies within `REACH` spacings: the point is hidden, or the field shows it
        nowhere.
        """
        return self.find(points).pixels

    def find(self, points: Floats) -> Sightings:
        """Return where surface points (m, D) of the embedding are seen, and how surely."""
        count = len(points)
        pixels, covariance = np.full((count, 2), np.nan), np.full((count, 2, 2), np.nan)
        matchability = np.zeros(count)
        if len(self.pixels) and self.spacing > 0:
            near = self._tree.query(points, distance_upper_bound=REACH * self.spacing)
            gap = np.asarray(near[0])
            rows = np.flatnonzero(np.isfinite(gap))
            matchability[rows] = np.exp(-0.5 * (gap[rows] / self.spacing) ** 2)
            pixels[rows], covariance[rows] = self._solved(points[rows])
        return Sightings(pixels, covariance, matchability)

    def _solved(self, points: Floats) -> tuple[Floats, Floats]:
        """Return pixels (m, 2) and covariances (m, 2, 2) of points near to some pixels."""
        weight, index = self._nearest(points)
        unit, step = self.spacing, self.scale
        mean = np.einsum("mk,mka->ma", weight, self.pixels[index])
        offset = (self.pixels[index] - mean[:, None]) / step
        value = np.einsum("mk,mkd->md", weight, self.values[index])
        change = (self.values[index] - value[:, None]) / unit
        weighted = weight[..., None] * offset
        scatter = weighted.mT @ offset + NARROW * np.eye(2)
        slope = np.linalg.solve(scatter, weighted.mT @ change)  # spacings a pixel, (m, 2, D)
        steep = slope @ slope.mT
        aim = slope @ ((points - value) / unit)[..., None]
        moved = np.linalg.solve(steep + FLAT**2 * np.eye(2), aim)[..., 0]
        length = np.linalg.norm(moved, axis=1, keepdims=True)
        moved *= np.minimum(1.0, FARTHEST / np.maximum(length, 1e-12))
        certain = np.linalg.inv(steep + (FLAT**2 + DOUBT) * np.eye(2))
        return mean + step * moved, step**2 * (certain + ROUNDING * np.eye(2))

    def _nearest(self, points: Floats) -> tuple[Floats, NDArray[np.intp]]:
        """Return the nearest pixels (m, k) of points and their shares of the affinity."""
        count = min(NEIGHBOURS, len(self.pixels))
        gap, index = self._tree.query(points, k=count)
        gap, index = (np.asarray(one).reshape(len(points), count) for one in (gap, index))
        weight = np.exp(-0.5 * (gap**2 - gap[:, :1] ** 2) / self.spacing**2)
        return weight / weight.sum(1, keepdims=True), index

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.values)


def require_shown(seen: Mapping[str, Seen]) -> None:
    """Raise NothingUsable unless fields of two cameras show the subject at all."""
    showing = [name for name, one in seen.items() if len(one.pixels)]
    if len(showing) < 2:
        raise NothingUsable(
            f"fields of two cameras must show the subject; of {len(seen)} fields those of "
            f"{', '.join(showing) or 'no camera'} do"
        )
