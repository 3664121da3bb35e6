"""What each pixel of a camera sees of a triangle mesh, by ray casting (Embree).

Embree finds the triangle in single precision; where the ray meets it is then solved in double
precision (Möller and Trumbore 1997), so that truth is exact.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from mvboot.geometry import Camera, image_size

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOTHING = -1
"""Face of a ray that meets nothing."""


@dataclass(frozen=True)
class Hits:
    """Where N rays meet a mesh.

    Parameters
    ----------
    face
        Face (N,) of the first triangle met, -1 for none.
    barycentric
        Weights (N, 3) of the triangle's corners, NaN for none.
    distance
        Distance (N,) along the ray, in the mesh's units; infinite for none.
    """

    face: Ints
    barycentric: Floats
    distance: Floats

    @property
    def met(self) -> NDArray[np.bool_]:
        """Which rays (N,) met the mesh."""
        return np.asarray(self.face != NOTHING)

    def at(self, rows: Ints) -> "Hits":
        """Return the hits of some of the rays."""
        return Hits(self.face[rows], self.barycentric[rows], self.distance[rows])

    def interpolated(self, faces: Ints, values: Floats) -> Floats:
        """Return values per vertex (V, D) where the rays met the mesh (N, D), NaN elsewhere."""
        found = np.full((len(self.face), values.shape[1]), np.nan)
        corners = values[faces[self.face[self.met]]]
        found[self.met] = (self.barycentric[self.met, :, None] * corners).sum(1)
        return found


@dataclass(frozen=True)
class CameraRays:
    """The rays of all pixels of a camera, computed once for a camera that stands still.

    Parameters
    ----------
    camera
        The camera, with one pose, else ValueError.
    samples
        Rays across and down a pixel; 1 is through its centre.
    """

    camera: Camera
    samples: int = 1

    def __post_init__(self) -> None:
        self.camera.require_one_pose()

    @cached_property
    def origin(self) -> Floats:
        """Camera centre (3,) in the world."""
        return np.asarray(self.camera.center.numpy())

    @cached_property
    def directions(self) -> Floats:
        """Unit directions (h * w * samples^2, 3), row by row; NaN where the lens has no ray.

        With several samples a pixel's rays stand together at the end of the pixel order.
        """
        width, height = whole_size(self.camera)
        offset = (np.arange(self.samples) + 0.5) / self.samples - 0.5
        y, x, dy, dx = np.meshgrid(
            np.arange(height), np.arange(width), offset, offset, indexing="ij"
        )
        return np.asarray(self.camera.ray(np.stack([x + dx, y + dy], -1).reshape(-1, 2))[1])


def whole_size(camera: Camera) -> tuple[int, int]:
    """Return width and height of a camera's pictures as whole numbers."""
    width, height = image_size(camera)
    return int(width), int(height)


class RayCaster:
    """A triangle mesh to cast rays at.

    Parameters
    ----------
    vertices, faces
        The mesh: (V, 3) and (F, 3).
    """

    def __init__(self, vertices: Floats, faces: Ints) -> None:
        self.vertices, self.faces = vertices, faces
        self._scene = EmbreeScene()
        self._shape = TriangleMesh(self._scene, vertices[faces].astype(np.float32))

    def cast(self, origin: Floats, directions: Floats) -> Hits:
        """Return where rays from ``origin``, (3,) or (N, 3), along unit directions (N, 3) hit."""
        usable = ~np.isnan(directions).any(1)
        origins = np.broadcast_to(origin, directions.shape)
        face = np.full(len(directions), NOTHING, dtype=np.int64)
        found = self._scene.run(
            np.ascontiguousarray(origins[usable], dtype=np.float32),
            np.ascontiguousarray(directions[usable], dtype=np.float32),
        )
        face[usable] = found
        barycentric = np.full((len(face), 3), np.nan)
        distance = np.full(len(face), np.inf)
        rows = np.flatnonzero(face != NOTHING)
        barycentric[rows], distance[rows] = intersection(
            self.vertices[self.faces[face[rows]]], origins[rows], directions[rows]
        )
        return Hits(face, barycentric, distance)

    def blocked(self, origins: Floats, directions: Floats, reach: Floats) -> NDArray[np.bool_]:
        """Return which rays (N,) meet something nearer than ``reach`` (N,).

        Origins and unit directions are (N, 3). A surface that a ray starts on counts: move the
        origins off it first.
        """
        found = self._scene.run(
            np.ascontiguousarray(origins, dtype=np.float32),
            np.ascontiguousarray(directions, dtype=np.float32),
            dists=np.ascontiguousarray(reach, dtype=np.float32),
            query="OCCLUDED",
        )
        return np.asarray(found != NOTHING)


def intersection(corners: Floats, origins: Floats, directions: Floats) -> tuple[Floats, Floats]:
    """Return barycentric weights (N, 3) and distances (N,) of rays and triangles (N, 3, 3)."""
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(directions, edge2)
    scale = (edge1 * across).sum(-1)
    scale = np.where(np.abs(scale) < 1e-300, 1e-300, scale)
    from_corner = origins - corners[:, 0]
    u = (from_corner * across).sum(-1) / scale
    turned = np.cross(from_corner, edge1)
    v = (directions * turned).sum(-1) / scale
    distance = (edge2 * turned).sum(-1) / scale
    return np.stack([1 - u - v, u, v], -1), distance
