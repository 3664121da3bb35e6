"""What fields that are off show of a surface: a point elsewhere, and on average inside the bend.

A pixel whose field is off by a step along the surface shows the point that lies that step away.
So a point is seen where its neighbours on the surface are: at their mean, which lies towards the
inside of a curved surface and away from an outline, with their scatter. Both follow from the
surface as it is believed to lie, without linearising anything.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from mvboot.errors import InputError
from mvboot.template import Template

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FAR = 3.0
"""Neighbours are looked for within so many standard deviations."""
FINEST = 0.7
"""Smallest standard deviation that the vertices of a mesh can stand for, in its edges."""
COARSEST = 0.04
"""Largest one, as a share of the template's size: beyond it limbs are mixed up."""
STEP = 1.25
"""Kernels are made for standard deviations that differ by this factor."""


class Scatter:
    """Where fields that are off show the vertices of a template.

    Parameters
    ----------
    template
        With an embedding, in which the fields are off alike in all directions.
    """

    def __init__(self, template: Template) -> None:
        if template.embedding is None:
            raise InputError(f"the template {template.name!r} has no embedding")
        self._embedding = template.embedding
        edges = (
            template.embedding[template.faces[:, 1:]] - template.embedding[template.faces[:, :1]]
        )
        doubled = np.sqrt(np.maximum(np.linalg.det(edges @ edges.mT), 0))
        self._area = np.zeros(len(template.vertices))
        for corner in range(3):
            np.add.at(self._area, template.faces[:, corner], doubled)
        self._edge = float(np.median(np.linalg.norm(edges, axis=-1)))
        self._size = float(np.ptp(template.vertices, axis=0).max())
        self._kernels: dict[int, csr_array] = {}

    def of(self, pixels: Floats, visible: Bools, noise: float) -> tuple[Floats, Floats]:
        """Return how far from its pixel each vertex is shown: mean (V, 2) and covariance (V, 2, 2).

        Parameters
        ----------
        pixels
            (V, 2) where a camera has the vertices.
        visible
            (V,) which of them it sees.
        noise
            Standard deviation of the fields along an axis of the embedding.
        """
        kernel, own = self._kernel(noise)
        there = np.where(visible[:, None], pixels, 0.0)
        x, y = there.T
        columns = np.stack([visible.astype(np.float64), x, y, x * x, x * y, y * y], 1)
        total = kernel @ columns
        total = total[:, 1:] / np.maximum(total[:, :1], 1e-12)
        mean = total[:, :2]
        second = total[:, [2, 3, 3, 4]].reshape(-1, 2, 2)
        share = min(1.0, noise / own) ** 2
        return share * (mean - there), share * (second - mean[:, :, None] * mean[:, None, :])

    def _kernel(self, noise: float) -> tuple[csr_array, float]:
        """Return weights (V, V) of the neighbours, and the standard deviation they stand for."""
        sigma = float(np.clip(noise, FINEST * self._edge, COARSEST * self._size))
        step = round(np.log(sigma) / np.log(STEP))
        sigma = STEP**step
        if step not in self._kernels:
            tree = cKDTree(self._embedding)
            near = tree.sparse_distance_matrix(tree, FAR * sigma, output_type="coo_matrix")
            weight = self._area[near.col] * np.exp(-0.5 * (near.data / sigma) ** 2)
            self._kernels = {step: csr_array((weight, (near.row, near.col)), shape=near.shape)}
        return self._kernels[step], sigma
