"""Evidence: lifted points as what a fit has to explain, each by its covariance, wrong ones less."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

TRUSTED = 3.0
"""Residuals of so many standard deviations have a quarter of their weight left."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Places that n vertices should take.

    Parameters
    ----------
    vertices
        (n,) which vertices, each once.
    points
        (n, 3) where they should be.
    covariance
        (n, 3, 3) of the places, and of what no model can explain.
    """

    vertices: IntArray
    points: Floats
    covariance: Floats

    def of(self, rows: IntArray) -> "Evidence":
        """Return some of it."""
        return Evidence(self.vertices[rows], self.points[rows], self.covariance[rows])

    def precision(self, found: Floats, reach: float) -> Floats:
        """Return how much each residual counts (n, 3, 3), where the vertices are found (n, 3).

        ``reach`` is how far, per axis, vertices may still be off that are right. The weight falls
        with the residual beyond it (Geman and McClure 1987): a wrong point pulls less, not more.
        """
        return self.trust(found, reach)[:, None, None] * self._inverse

    def trust(self, found: Floats, reach: float) -> Floats:
        """Return the share (n,) of its weight that each point keeps."""
        residual = found - self.points
        inverse = np.linalg.inv(self.covariance + reach**2 * np.eye(3))
        squared = np.einsum("ni,nij,nj->n", residual, inverse, residual, optimize=True)
        return np.asarray((TRUSTED**2 / (TRUSTED**2 + squared)) ** 2)

    @cached_property
    def _inverse(self) -> Floats:
        return np.asarray(np.linalg.inv(self.covariance), np.float64)
