"""Fit: a template brought onto lifted points, first as a body, then as a surface.

A template with bones takes a posture (`articulated`), any other one a turn and a shift (`rigid`);
what is left of the residuals bends it (`bend`). Vertices that nothing was seen of are carried by
the rest of the template, and marked.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError, NothingUsable
from mvboot.mesh.edges import edges_of
from mvboot.mesh.reading import require_outward
from mvboot.surfaces.articulated import (
    ROUGH_POINTS,
    Expectation,
    aligned_posture,
    fitted_posture,
)
from mvboot.surfaces.bend import Bending
from mvboot.surfaces.evidence import Evidence
from mvboot.surfaces.lift import Lifted
from mvboot.surfaces.posture import Posture, posed_offsets, unposed
from mvboot.surfaces.rigid import rigid_motion
from mvboot.template import Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST = 0.02
"""Share of the vertices that must have been lifted for a fit."""
FEWEST = 12
"""Lifted vertices that are needed however small the mesh is."""
STAGES = (0.3, 0.1, 0.03, 0.01, 0.003)
"""How far off right points may be in each stage, as shares of the template's size: at first none is
left out, whatever the pose. The last is also what no template is expected to explain."""
ROUGH = 3
"""Stages of a first search: the first ones."""
WARM = 3
"""Stages of a fit that begins with the frame before: the last ones."""
ROUNDS, ROUNDS_POSED = 4, 2
"""Rounds of bending in each stage, of a template without bones and of one that was posed."""
FARTHEST = 0.03
"""Share of the template's size by which a vertex may be expected off the posed template."""
SCALES = 5.0
"""Subject and template are not of one unit where their sizes differ by this factor."""
OUTVOTED = 0.1
"""A point that keeps less of its weight than this was not believed: its vertex is carried."""


@dataclass(frozen=True)
class FitSettings:
    """What is expected of a subject; each is one standard deviation.

    Parameters
    ----------
    strain
        Share of its length by which an edge differs from the posed template's.
    strain_without_bones
        The same for a template without bones, which has to bend instead.
    turn_deg
        Turn of a joint from the rest pose, degrees.
    turn_from_frame_deg
        Turn of a joint from one frame to the next, degrees: the weight of time.
    shape
        Shape coefficients, in standard deviations of the template's people.
    shape_from_frame
        The same from one frame to the next: somebody's shape hardly changes.
    move_from_frame
        Share of the template's size by which a vertex moves from one frame to the next, for a
        template without bones.
    detail
        Share of the way a vertex lies off the posed template that is expected to be there again in
        the next frame.

    Raises
    ------
    InputError
        A value that is not positive, named; detail outside [0, 1].
    """

    strain: float = 0.1
    strain_without_bones: float = 0.2
    turn_deg: float = 60.0
    turn_from_frame_deg: float = 15.0
    shape: float = 1.0
    shape_from_frame: float = 0.05
    move_from_frame: float = 0.1
    detail: float = 0.8

    def __post_init__(self) -> None:
        for name in (
            "strain", "strain_without_bones", "turn_deg", "turn_from_frame_deg", "shape",
            "shape_from_frame", "move_from_frame",
        ):  # fmt: skip
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.detail <= 1:
            raise InputError(f"detail must be in [0, 1], got {self.detail}")


@dataclass(frozen=True, eq=False)
class Surface:
    """A template's surface at one instant.

    Parameters
    ----------
    units
        Of all lengths: the template's.
    vertices
        (V, 3) in the world.
    carried
        (V,) whether nothing that was believed is known of a vertex: it lies where the template
        carries it.
    covariance
        (V, 3, 3) of the lifted points, NaN where there was none. The surface between them is
        smoothed and usually better; what all views get wrong alike is not in it.
    views
        (V,) how many views agreed on each lifted point.
    error_px
        (V,) how far the lifted point projects from where they show it; NaN without one.
    posture
        How a template with bones stands; None without bones.
    offsets
        (V, 3) from the posed template to the surface, turned back into the rest pose; zero
        without bones.
    """

    units: str
    vertices: Floats
    carried: Bools
    covariance: Floats
    views: IntArray
    error_px: Floats
    posture: Posture | None
    offsets: Floats


class SurfaceFitter:
    """Fits one template, frame after frame.

    Parameters
    ----------
    template
        Any one, in the unit of the lifted points (`Template.in_units`); one without bones is
        turned, shifted and bent.

    Raises
    ------
    InputError
        A template without an embedding, or whose faces look inwards.
    """

    def __init__(self, template: Template, settings: FitSettings | None = None) -> None:
        _require_fit(template)
        self.template = template
        self.settings = settings or FitSettings()

    def fit(
        self,
        lifted: Lifted,
        previous: Surface | None = None,
        start: Surface | None = None,
        bend: bool = True,
    ) -> Surface:
        """Return the surface that explains lifted points, warm from the frame before if given.

        ``start`` is an earlier fit of the same instant to begin with; it is no evidence.
        Without ``bend`` a template with bones is posed only, and lies off that as it did before.

        Raises
        ------
        NothingUsable
            Too few vertices were lifted, or they are not of the template's size.
        InputError
            Points in another unit, or of vertices that the template does not have.
        """
        evidence = self._evidence(lifted)
        if self.template.skeleton is None:
            vertices, posture = self._without_bones(evidence, previous, start), None
            offsets = np.zeros_like(vertices)
        else:
            posture, vertices = self._with_bones(evidence, previous, start, bend)
            posed = np.asarray(self._posed(posture))
            offsets = unposed(self.template, posture, vertices - posed)
        return Surface(
            lifted.units,
            vertices,
            self._carried(evidence, vertices),
            self._spread(lifted, lifted.covariance, np.nan),
            self._spread(lifted, lifted.views, 0),
            self._spread(lifted, lifted.error_px, np.nan),
            posture,
            offsets,
        )

    def _with_bones(
        self, evidence: Evidence, previous: Surface | None, start: Surface | None, bend: bool
    ) -> tuple[Posture, Floats]:
        own, template = self.settings, self.template
        last = None if previous is None else previous.posture
        begun = None if start is None else start.posture
        offsets = np.zeros_like(template.vertices)
        if previous is None or last is None:
            turn, shape = np.radians(own.turn_deg), own.shape
            expected = Expectation.about(Posture.rest(template), turn, shape)
        else:
            turn, shape = np.radians(own.turn_from_frame_deg), own.shape_from_frame
            expected = Expectation.about(last, turn, shape)
            offsets = own.detail * self._limited(previous.offsets)
        begun = begun or last
        if begun is None:
            posture = self._found_posture(evidence, expected)
        else:
            posture = fitted_posture(template, evidence, begun, expected, self._stages[-WARM:])
        model = self._posed(posture) + posed_offsets(template, posture, offsets)
        if not bend:
            return posture, model
        bending = Bending(model, self._edges, own.strain)
        return posture, bending.bent(evidence, model, self._reaches(ROUNDS_POSED))

    def _found_posture(self, evidence: Evidence, expected: Expectation) -> Posture:
        """Return how a template with bones stands, of which nothing is known before."""
        start = aligned_posture(self.template, evidence)
        rough, fine = self._stages[:ROUGH], self._stages[-WARM:]
        found = fitted_posture(self.template, evidence, start, expected, rough, ROUGH_POINTS)
        return fitted_posture(self.template, evidence, found, expected, fine)

    def _without_bones(
        self, evidence: Evidence, previous: Surface | None, start: Surface | None
    ) -> Floats:
        own, template = self.settings, self.template
        bending = Bending(template.vertices, self._edges, own.strain_without_bones)
        begun = start or previous
        if begun is None:
            R, t = rigid_motion(template.vertices[evidence.vertices], evidence.points)
            turned = template.vertices @ R.T + t
            return bending.bent(evidence, turned, tuple(np.repeat(self._stages, ROUNDS)))
        spread = np.inf if previous is None else own.move_from_frame * self._size
        return bending.bent(
            evidence,
            begun.vertices,
            self._reaches(ROUNDS),
            spread,
            None if previous is None else previous.vertices,
        )

    def _evidence(self, lifted: Lifted) -> Evidence:
        size = len(self.template.vertices)
        if lifted.units != self.template.units:
            raise InputError(
                f"points in {lifted.units} do not fit a template in {self.template.units}; use "
                f"template.in_units({lifted.units!r})"
            )
        if len(lifted.vertices) and lifted.vertices.max() >= size:
            raise InputError(
                f"vertex {int(lifted.vertices.max())} was lifted, but {self.template.name!r} has "
                f"{size}; it is a point of another template"
            )
        there = lifted.visible & np.isfinite(lifted.covariance).all((1, 2))
        needed = max(FEWEST, int(LEAST * size))
        if there.sum() < needed:
            raise NothingUsable(
                f"{int(there.sum())} of the {size} vertices of {self.template.name!r} are seen by "
                f"views that agree, a surface needs {needed}; is the subject there, and are the "
                "fields of its template?"
            )
        self._require_size(lifted.vertices[there], lifted.points[there])
        spread = lifted.covariance[there] + self._stages[-1] ** 2 * np.eye(3)
        return Evidence(lifted.vertices[there], lifted.points[there], spread)

    def _require_size(self, vertices: IntArray, points: Floats) -> None:
        """Raise NothingUsable unless points (n, 3) spread about as their vertices (n,) do."""
        own, seen = (
            float(np.median(np.linalg.norm(places - np.median(places, axis=0), axis=1)))
            for places in (self.template.vertices[vertices], points)
        )
        if not own / SCALES < seen < own * SCALES:
            raise NothingUsable(
                f"what the fields show is {seen / own:.2g} times the size of the template "
                f"{self.template.name!r}; are the units of the rig ({self.template.units}) and of "
                "the template's file right?"
            )

    def _carried(self, evidence: Evidence, vertices: Floats) -> Bools:
        believed = evidence.trust(vertices[evidence.vertices], 0.0) >= OUTVOTED
        carried = np.ones(len(vertices), dtype=np.bool_)
        carried[evidence.vertices[believed]] = False
        return carried

    def _limited(self, offsets: Floats) -> Floats:
        """Return offsets (V, 3) that are shortened where they are too long to be believed."""
        length = np.linalg.norm(offsets, axis=1, keepdims=True)
        share = np.minimum(1.0, FARTHEST * self._size / np.maximum(length, 1e-12))
        return np.asarray(share * offsets)

    def _spread(self, lifted: Lifted, values: NDArray[Any], empty: float) -> NDArray[Any]:
        every = np.full((len(self.template.vertices), *values.shape[1:]), empty, values.dtype)
        every[lifted.vertices] = values
        return every

    def _posed(self, posture: Posture) -> Floats:
        return np.asarray(
            self.template.posed(posture.rotations, posture.translation, posture.shape)
        )

    @cached_property
    def _edges(self) -> IntArray:
        return edges_of(self.template.faces)

    @cached_property
    def _size(self) -> float:
        return float(np.ptp(self.template.vertices, axis=0).max())

    @property
    def _stages(self) -> tuple[float, ...]:
        return tuple(share * self._size for share in STAGES)

    def _reaches(self, rounds: int) -> tuple[float, ...]:
        return tuple(np.repeat(self._stages[-WARM:], rounds))


@dataclass(frozen=True)
class Lost:
    """A frame without a surface, and why."""

    reason: str


def _require_fit(template: Template) -> None:
    """Raise InputError for a template that cannot be fitted: no embedding, or inside out."""
    if template.embedding is None:
        raise InputError(
            f"the template {template.name!r} has no embedding, in which fields are matched; "
            "mvboot template makes a template with one of a mesh"
        )
    require_outward(template.vertices, template.faces, template.name)
