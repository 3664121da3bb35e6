"""Template: a surface whose every point has a name that survives pose, shape and camera."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from mvboot.errors import InputError
from mvboot.geometry.arrays import like, to_tensor
from mvboot.mesh.geodesics import geodesic_distances, surface_graph
from mvboot.mesh.nearest import Located, TriangleTree
from mvboot.mesh.reading import require_sound
from mvboot.rig import UNITS_IN_M, UP_AXES
from mvboot.template.charts import Charts
from mvboot.template.lookup import ChartLookup
from mvboot.template.skeleton import Skeleton
from mvboot.template.surface_distances import PointDistances
from mvboot.units import UNIT_NAMES, UNIT_WORDS

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Canonical:
    """Where surface points lie on the template, whatever the pose.

    ``part`` (...) and ``uv`` (..., 2) from the charts, ``embedding`` (..., D); None where the
    template has none of it.
    """

    part: IntArray | None
    uv: FloatArray | None
    embedding: FloatArray | None


@dataclass(frozen=True)
class Template:
    """A mesh with canonical coordinates, and what is known of how it moves.

    Parameters
    ----------
    name
        What it is, for people.
    units
        Unit of length of everything here: "m", "cm", "mm" or "um".
    up, forward
        Axes that point up and where the subject looks in the rest pose ("z", "-y"), or None.
    vertices
        (V, 3) rest pose, mean shape.
    faces
        (F, 3) counterclockwise as seen from outside; one piece, open or closed.
    charts
        Parts and flat coordinates per face, or None.
    embedding
        (V, D) points whose Euclidean distance follows the geodesic distance, or None.
    symmetry
        (V,) index of each vertex's mirror image, or None where there is none.
    skeleton
        Bones and skin weights, or None for a rigid thing.
    shapes
        (S, V, 3) displacements for one standard deviation of each shape component, S may be 0.
    keypoints
        Name to (vertices (k,), weights (k,)): a place on or in the mesh, the weighted sum.
    edges
        Pairs of keypoint names to draw.
    licence
        Under which terms the mesh may be used, and where it came from.

    Raises
    ------
    InputError
        A missing unit, parts that do not fit together, an unsound mesh (`require_sound`).
    """

    name: str
    units: str
    vertices: FloatArray
    faces: IntArray
    up: str | None = None
    forward: str | None = None
    charts: Charts | None = None
    embedding: FloatArray | None = None
    symmetry: IntArray | None = None
    skeleton: Skeleton | None = None
    shapes: FloatArray | None = None
    keypoints: Mapping[str, tuple[IntArray, FloatArray]] = field(default_factory=dict)
    edges: tuple[tuple[str, str], ...] = ()
    licence: str = ""

    def __post_init__(self) -> None:
        if self.units not in UNITS_IN_M:
            given = "no units" if not self.units else f"units {self.units!r}"
            raise InputError(f"the template has {given}; state one of {UNIT_NAMES}")
        for name in ("up", "forward"):
            axis = getattr(self, name)
            if axis is not None and axis not in UP_AXES:
                raise InputError(f"{name} must be one of {', '.join(UP_AXES)}, got {axis!r}")
        require_sound(self.vertices, self.faces)
        self._check_sizes()
        for name, (ids, weights) in self.keypoints.items():
            whole = ids.shape == weights.shape and ids.ndim == 1 and len(ids) > 0
            if not whole or ids.min() < 0 or ids.max() >= len(self.vertices):
                raise InputError(f"keypoint {name!r} does not name vertices of the mesh")
        unknown = {end for edge in self.edges for end in edge} - set(self.keypoints)
        if unknown:
            raise InputError(f"edges name unknown keypoints: {', '.join(sorted(unknown))}")

    def _check_sizes(self) -> None:
        size = len(self.vertices)
        sizes: dict[str, tuple[int, int]] = {}
        if self.charts is not None:
            sizes["charts"] = (len(self.charts.parts), len(self.faces))
        if self.embedding is not None:
            sizes["embedding"] = (len(self.embedding), size)
        if self.symmetry is not None:
            sizes["symmetry"] = (len(self.symmetry), size)
        if self.skeleton is not None:
            sizes["skin weights"] = (self.skeleton.weights.shape[0], size)
            sizes["head shapes"] = (len(self.skeleton.head_shapes), self.n_shapes)
        if self.shapes is not None:
            sizes["shapes"] = (self.shapes.shape[1], size)
        for name, (got, expected) in sizes.items():
            if got != expected:
                raise InputError(f"the template's {name} are for {got}, the mesh has {expected}")

    @cached_property
    def topology(self) -> str:
        """Hash (16 hex digits) of the number of vertices and the faces: what fields refer to."""
        content = np.concatenate([[len(self.vertices)], self.faces.ravel()]).astype("<i8")
        return hashlib.sha256(content.tobytes()).hexdigest()[:16]

    def save(self, path: str | Path) -> None:
        """Write an NPZ file without pickles; arrays per vertex or face in single precision."""
        from mvboot.template.store import write_template  # it needs this class

        write_template(self, path)

    @staticmethod
    def load(path: str | Path) -> "Template":
        """Read what `save` wrote; a damaged file or a hash that does not fit is InputError."""
        from mvboot.template.store import read_template  # it needs this class

        return read_template(path)

    @property
    def n_shapes(self) -> int:
        """Number of shape components."""
        return 0 if self.shapes is None else len(self.shapes)

    @cached_property
    def graph(self) -> csr_array:
        """The graph (V, V) of straight lines on the rest surface (`surface_graph`)."""
        return surface_graph(self.vertices, self.faces)

    def geodesics(self, sources: IntArray) -> FloatArray:
        """Return distances (S, V) along the rest surface from the source vertices (S,)."""
        return geodesic_distances(self.graph, sources)

    def canonical(self, faces: IntArray, barycentric: FloatArray) -> Canonical:
        """Return the canonical coordinates of surface points: faces (...), weights (..., 3).

        A face of -1 is the background: part 0, uv 0, embedding NaN.
        """
        part, uv = (None, None) if self.charts is None else self.charts.at(faces, barycentric)
        if self.embedding is None:
            return Canonical(part, uv, None)
        known = faces >= 0
        values = np.full((*faces.shape, self.embedding.shape[1]), np.nan)
        corners = self.embedding[self.faces[faces[known]]]
        values[known] = np.einsum("nc,ncd->nd", barycentric[known], corners)
        return Canonical(part, uv, values)

    def locate(self, part: ArrayLike, uv: ArrayLike) -> Located:
        """Return the surface points (...) of chart coordinates: parts (...) and uv (..., 2).

        uv beside the chart, from a network or an 8 bit file, gives the nearest point of the
        part's triangles. Part 0 is the background and gives face -1, whatever its uv.

        Raises
        ------
        InputError
            A part that the template does not have, uv of a part that are not numbers, a template
            without charts.
        """
        return self._chart_lookup.locate(part, uv)

    def nearest(self, embedding: ArrayLike) -> Located:
        """Return the surface points (...) whose embedding is nearest to values (..., D).

        Rows that are not numbers give face -1. InputError for another D or a template without an
        embedding.
        """
        return self._embedding_tree.nearest(embedding)

    def points(self, located: Located, vertices: Any) -> Any:
        """Return where surface points (N...) lie on meshes (..., V, 3): (..., N..., 3).

        NaN where there is no point. NumPy gives NumPy back, a tensor a tensor with its gradients.
        InputError for meshes or surface points of another template.
        """
        meshes = to_tensor(vertices)
        if meshes.shape[-2:] != self.vertices.shape:
            raise InputError(
                f"vertices have shape {tuple(meshes.shape)}, expected {(..., *self.vertices.shape)}"
            )
        self._require_own(located)
        corners = meshes[..., torch.as_tensor(self.faces[located.faces]), :]
        weights = torch.as_tensor(located.barycentric).to(meshes)[..., None]
        known = torch.as_tensor(located.known).to(meshes.device)[..., None]
        found = (corners * weights.nan_to_num(0.0)).sum(dim=-2)  # NaN would spoil the gradients
        return like(vertices, torch.where(known, found, torch.nan))

    def geodesic_between(self, a: Located, b: Located) -> FloatArray:
        """Return the distances (...) along the rest surface of pairs of points (...).

        Exact within a face. On the shipped templates the median error is 0.3 %, and in 1 of 1000
        pairs (3 of those nearer than four edges) it is above 3 % and a fifth of an edge. NaN
        where either point is none. A vertex costs about 1.5 ms when it is first needed, after
        that 100,000 pairs take 40 ms (`PointDistances`). InputError unless both have the same
        shape and are points of this template.
        """
        self._require_own(a)
        self._require_own(b)
        return self._point_distances.between(a, b)

    @cached_property
    def _chart_lookup(self) -> ChartLookup:
        if self.charts is None:
            raise InputError(f"the template {self.name!r} has no charts")
        return ChartLookup(self.charts)

    @cached_property
    def _embedding_tree(self) -> TriangleTree:
        if self.embedding is None:
            raise InputError(f"the template {self.name!r} has no embedding")
        return TriangleTree(self.embedding[self.faces])

    @cached_property
    def _point_distances(self) -> PointDistances:
        return PointDistances(self.vertices, self.faces, self.graph)

    def _require_own(self, located: Located) -> None:
        highest = int(located.faces.max(initial=-1))
        if highest >= len(self.faces):
            raise InputError(
                f"a surface point lies in face {highest}, but {self.name!r} has "
                f"{len(self.faces)}; it is a point of another template"
            )

    def posed(self, rotations: Any, translation: Any = None, shape: Any = None) -> Any:
        """Return the vertices (..., V, 3) in a pose, by linear blend skinning.

        Parameters
        ----------
        rotations
            (..., B, 3) Rodrigues vectors, radians, in each bone's own axes (`Skeleton`); zero is
            the rest pose. NumPy gives NumPy back, a tensor a tensor with its gradients.
        translation
            (..., 3) of the root, in ``units``; none is zero.
        shape
            (..., S) coefficients of the shape components, in standard deviations; none is the
            mean. Leading dimensions of all three broadcast.

        Raises
        ------
        InputError
            A template without a skeleton, or arrays of another size.
        """
        turns, transforms, coefficients = self._moved(rotations, translation, shape)
        assert self.skeleton is not None
        points = self._shaped(torch.as_tensor(self.vertices).to(turns), coefficients)
        return like(rotations, self.skeleton.skinned(points, transforms))

    def in_units(self, units: str) -> "Template":
        """Return the template with all lengths in another unit: "m", "cm", "mm" or "um"."""
        if units not in UNITS_IN_M:
            raise InputError(f"unknown units {units!r}; choose {UNIT_WORDS}")
        if units == self.units:
            return self
        scale = UNITS_IN_M[self.units] / UNITS_IN_M[units]
        return replace(
            self,
            units=units,
            vertices=scale * self.vertices,
            embedding=None if self.embedding is None else scale * self.embedding,
            shapes=None if self.shapes is None else scale * self.shapes,
            skeleton=None if self.skeleton is None else self.skeleton.scaled(scale),
        )

    def rest(self, shape: Any) -> Any:
        """Return the vertices (..., V, 3) of the rest pose for shape coefficients (..., S)."""
        coefficients = to_tensor(shape)
        points = self._shaped(torch.as_tensor(self.vertices).to(coefficients), coefficients)
        return like(shape, points)

    def transforms(self, rotations: Any, translation: Any = None, shape: Any = None) -> Any:
        """Return posed_from_rest (..., B, 4, 4) of every bone; arguments as in `posed`."""
        return like(rotations, self._moved(rotations, translation, shape)[1])

    def _shaped(self, points: torch.Tensor, coefficients: torch.Tensor | None) -> torch.Tensor:
        if coefficients is None or self.shapes is None:
            return points
        flat = torch.as_tensor(self.shapes).to(points).flatten(1)
        return points + (coefficients @ flat).reshape(*coefficients.shape[:-1], -1, 3)

    def joints(self, rotations: Any, translation: Any = None, shape: Any = None) -> Any:
        """Return the heads of the bones (..., B, 3) in a pose; arguments as in `posed`."""
        turns, transforms, coefficients = self._moved(rotations, translation, shape)
        heads = self._heads(turns, coefficients)
        moved = (transforms[..., :3, :3] @ heads[..., None])[..., 0] + transforms[..., :3, 3]
        return like(rotations, moved)

    def _moved(self, rotations: Any, translation: Any, shape: Any) -> tuple[Any, Any, Any]:
        if self.skeleton is None:
            raise InputError(f"the template {self.name!r} has no skeleton and cannot be posed")
        turns = to_tensor(rotations)
        shift = torch.zeros(3).to(turns) if translation is None else to_tensor(translation)
        coefficients = None if shape is None else to_tensor(shape).to(turns)
        given = {
            "rotations": (tuple(turns.shape[-2:]), (len(self.skeleton.names), 3)),
            "translation": (tuple(shift.shape[-1:]), (3,)),
            "shape": (
                (self.n_shapes,) if coefficients is None else tuple(coefficients.shape[-1:]),
                (self.n_shapes,),
            ),
        }
        for name, (got, expected) in given.items():
            if got != expected:
                raise InputError(f"the {name} end in shape {got}, this template needs {expected}")
        heads = self._heads(turns, coefficients)
        return turns, self.skeleton.transforms(turns, heads, shift.to(turns)), coefficients

    def _heads(self, turns: torch.Tensor, coefficients: torch.Tensor | None) -> torch.Tensor:
        assert self.skeleton is not None
        heads = torch.as_tensor(self.skeleton.heads).to(turns)
        if coefficients is None:
            return heads
        flat = torch.as_tensor(self.skeleton.head_shapes).to(turns).flatten(1)
        return heads + (coefficients @ flat).reshape(*coefficients.shape[:-1], -1, 3)

    def landmarks(self, vertices: Any) -> Any:
        """Return the keypoints (..., K, 3), in the order of ``keypoints``, of (..., V, 3)."""
        points = to_tensor(vertices)
        found = [
            (points[..., ids, :] * torch.as_tensor(weights).to(points)[:, None]).sum(dim=-2)
            for ids, weights in self.keypoints.values()
        ]
        return like(vertices, torch.stack(found, dim=-2))


def require_topology(template: Template, topology: str, where: str | Path | None = None) -> None:
    """Raise InputError unless something was made with this template's mesh (its hash)."""
    if template.topology != topology:
        raise InputError(
            f"was made with the template {topology}, but {template.name!r} is "
            f"{template.topology}; face and vertex numbers mean other places. Use the template it "
            "was made with, or make it again",
            where,
        )
