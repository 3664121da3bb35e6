"""Non-rigid fit: a mesh bent to lifted points, as rigidly around every vertex as they allow.

As-rigid-as-possible deformation (Sorkine and Alexa 2007) with places that are wanted only as much
as their covariance says: in turns the rotation about each vertex is found in closed form, and all
vertices by one sparse linear system. Where nothing was seen the surface is carried along.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import bsr_array, csc_array, csr_array, diags_array, eye_array, kron
from scipy.sparse.linalg import LinearOperator, SuperLU, cg, splu

from mvboot.surfaces.evidence import Evidence

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

EXACT, TURNS = 1e-11, 25
"""Share of the right side that may be left of a system, and turns before it is factored anew.

Short edges are so much stiffer than what nothing holds that a coarser solution lets that drift."""


@dataclass(frozen=True, eq=False)
class Bending:
    """A mesh that resists bending.

    Parameters
    ----------
    vertices
        (V, 3) its shape at rest.
    edges
        (E, 2) the pairs of vertices that are neighbours.
    strain
        Share of an edge's length by which it may differ from a turned one, one standard deviation.
    """

    vertices: Floats
    edges: IntArray
    strain: float

    def bent(
        self,
        evidence: Evidence,
        start: Floats,
        reaches: tuple[float, ...],
        spread: float = np.inf,
        expected: Floats | None = None,
    ) -> Floats:
        """Return the vertices (V, 3) that explain the evidence best, from ``start`` (V, 3).

        ``reaches``: how far, per axis, right points may still be off (`Evidence.precision`), one
        round after the other.
        ``spread``: standard deviation of any vertex from where it is ``expected`` (V, 3), None: at
        the start; infinite: they are free.
        """
        found = start
        middle = start if expected is None else expected
        stiffness, solver = self._stiffness(), _Solver()
        for reach in reaches:
            precision = evidence.precision(found[evidence.vertices], reach)
            pull = np.zeros_like(found)
            pull[evidence.vertices] = (precision @ evidence.points[..., None])[..., 0]
            wanted = pull + self._turned(self._rotations(found)) + middle / spread**2
            system = stiffness + self._blocks(evidence, precision)
            system = system + eye_array(system.shape[0]) / spread**2
            found = solver.solve(csc_array(system), wanted.ravel(), found.ravel()).reshape(-1, 3)
        return found

    @cached_property
    def _weights(self) -> Floats:
        """(E,) one over the squared spread of each edge."""
        a, b = self.vertices[self.edges].transpose(1, 0, 2)
        length2 = ((a - b) ** 2).sum(1)
        return np.asarray(1 / (self.strain**2 * np.maximum(length2, 1e-12 * length2.mean())))

    @cached_property
    def _ends(self) -> csr_array:
        """(V, E) 1 where an edge begins, -1 where it ends."""
        size, count = len(self.vertices), len(self.edges)
        signs = np.repeat([1.0, -1.0], count)
        return csr_array(
            (signs, (self.edges.T.ravel(), np.tile(np.arange(count), 2))), shape=(size, count)
        )

    def _stiffness(self) -> csc_array:
        """Return the Laplacian of the edges for all coordinates (3 V, 3 V)."""
        weight, size = self._weights, len(self.vertices)
        i, j = self.edges.T
        links = csr_array((weight, (i, j)), shape=(size, size))
        links = links + links.T
        laplacian = diags_array(links.sum(axis=1)) - links
        return csc_array(kron(laplacian, np.eye(3)))

    def _blocks(self, evidence: Evidence, precision: Floats) -> csc_array:
        """Return precisions (n, 3, 3) as blocks of the diagonal (3 V, 3 V)."""
        size = len(self.vertices)
        every = np.zeros((size, 3, 3))
        every[evidence.vertices] = precision
        pointers = np.arange(size + 1)
        return csc_array(bsr_array((every, pointers[:-1], pointers), shape=(3 * size, 3 * size)))

    def _rotations(self, found: Floats) -> Floats:
        """Return the rotation (V, 3, 3) that turns edges at each vertex nearest to their own."""
        i, j = self.edges.T
        rest, now = self.vertices[i] - self.vertices[j], found[i] - found[j]
        spread = self._weights[:, None, None] * now[:, :, None] * rest[:, None, :]
        total = (abs(self._ends) @ spread.reshape(-1, 9)).reshape(-1, 3, 3)
        left, _, right = np.linalg.svd(total)
        left[..., 2] *= np.linalg.det(left @ right)[:, None]
        return np.asarray(left @ right)

    def _turned(self, rotations: Floats) -> Floats:
        """Return the sums (V, 3) of the edges at each vertex, turned as both of their ends are."""
        i, j = self.edges.T
        rest = self.vertices[i] - self.vertices[j]
        between = 0.5 * (rotations[i] + rotations[j])
        weighted = self._weights[:, None] * (between @ rest[..., None])[..., 0]
        return np.asarray(self._ends @ weighted)


class _Solver:
    """Solves systems that are much alike: one is factored, and helps to solve those after it."""

    def __init__(self) -> None:
        self._factors: SuperLU | None = None

    def solve(self, system: csc_array, wanted: Floats, start: Floats) -> Floats:
        """Return x (n,) of ``system x = wanted``, from a guess."""
        if self._factors is not None:
            helped = LinearOperator(system.shape, self._factors.solve, dtype=np.float64)
            x, unfinished = cg(system, wanted, start, rtol=EXACT, maxiter=TURNS, M=helped)
            if not unfinished:
                return np.asarray(x)
        self._factors = splu(
            system,
            permc_spec="MMD_AT_PLUS_A",  # for symmetric patterns
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        return np.asarray(self._factors.solve(wanted))
