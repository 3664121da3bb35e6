"""Reconstruction: a surface from fields alone, where there is no template to fit.

Oriented points, the Poisson surface through them, of which only what points support is kept, and
what no silhouette excludes; then fewer faces.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mvboot.errors import InputError, NothingUsable
from mvboot.fields import DenseField
from mvboot.formats.single import camera_centers, near_origin
from mvboot.mesh.normals import vertex_normals
from mvboot.mesh.surface_mesh import SurfaceMesh
from mvboot.rig import Rig
from mvboot.surfaces.carve import Silhouette, inside_all
from mvboot.surfaces.dense import dense_points
from mvboot.surfaces.oriented import OrientedPoints, oriented_points
from mvboot.surfaces.poisson import poisson_mesh, simplified
from mvboot.template.parts import local_mesh

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

NEAR = 4
"""The distance of a point to its so many-th neighbour is the spacing of the points there."""


@dataclass(frozen=True)
class ReconstructSettings:
    """How a surface is made of points.

    Parameters
    ----------
    depth
        The Poisson surface has at most 2^depth cells along its longest side.
    support
        A vertex is kept within so many spacings of the points.
    faces
        Faces that are left, about.
    margin
        Pixels (of the silhouette) by which silhouettes are widened before they carve.

    Raises
    ------
    InputError
        A value out of range, named.
    """

    depth: int = 8
    support: float = 2.0
    faces: int = 20_000
    margin: int = 1

    def __post_init__(self) -> None:
        for name, low, high in (
            ("depth", 4, 12),
            ("support", 0.1, np.inf),
            ("faces", 50, np.inf),
            ("margin", 0, np.inf),
        ):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} must be {low} to {high}, got {getattr(self, name)}")


def reconstruct(
    fields: Mapping[str, DenseField],
    rig: Rig,
    silhouettes: Mapping[str, Silhouette] | None = None,
    settings: ReconstructSettings | None = None,
    foreground: float = 0.5,
    threshold_px: float | None = None,
    min_views: int | None = None,
) -> SurfaceMesh:
    """Return the surface that fields of one instant show, in the rig's unit.

    Parameters
    ----------
    fields
        By camera; what they name, template or not, need only be the same in all.
    rig
        At least these cameras, at their poses in the frame.
    silhouettes
        By camera, of any cameras of the rig: what they exclude is removed. None: nothing is.
    foreground, threshold_px, min_views
        Which pixels count, and when fields agree: as for `dense_points`.

    Raises
    ------
    InputError
        As `dense_points`, and a silhouette of a camera that the rig does not have.
    NothingUsable
        Fewer than two fields show the subject, or the points make no surface.
    """
    points = oriented_points(dense_points(fields, rig, foreground, threshold_px, min_views))
    return surface_of_points(points, rig, silhouettes, settings)


def surface_of_points(
    points: OrientedPoints,
    rig: Rig,
    silhouettes: Mapping[str, Silhouette] | None = None,
    settings: ReconstructSettings | None = None,
) -> SurfaceMesh:
    """Return the surface through oriented points; `reconstruct` says more.

    Each vertex has error, sigma and views of the point nearest to it.
    """
    own = settings or ReconstructSettings()
    outlines = {name: one.grown(own.margin) for name, one in (silhouettes or {}).items()}
    kept = points.of(inside_all(points.points, rig, outlines))
    if len(kept.points) <= NEAR:
        raise NothingUsable(f"{len(kept.points)} points are too few for a surface")
    vertices, faces = poisson_mesh(kept, own.depth)
    supported = _supported(vertices, kept.points, own.support)
    supported &= inside_all(vertices, rig, outlines)
    vertices, faces = _trimmed(vertices, faces, supported)
    vertices, faces = simplified(vertices, faces, own.faces)
    nearest = cKDTree(kept.points).query(vertices)[1]
    return SurfaceMesh(
        rig.units,
        vertices,
        faces,
        up=rig.up,
        normals=vertex_normals(vertices, faces),
        error_px=kept.error_px[nearest],
        sigma=kept.sigma[nearest],
        n_views=kept.views[nearest],
        visible=np.ones(len(vertices), dtype=np.bool_),
        origin=near_origin(camera_centers(rig), rig.units),
        rig=rig.fingerprint(),
        notes={"made of": f"{len(kept.points)} points, without a template"},
    )


def _supported(vertices: Floats, points: Floats, support: float) -> Bools:
    """Return which vertices (V, 3) lie within so many spacings of the points (n, 3)."""
    tree = cKDTree(points)
    gaps = np.asarray(tree.query(points, k=NEAR + 1)[0])
    spacing = float(np.median(gaps[:, NEAR]))
    return np.asarray(tree.query(vertices)[0] <= support * spacing)


def _trimmed(vertices: Floats, faces: IntArray, kept: Bools) -> tuple[Floats, IntArray]:
    """Return the faces of which every corner is kept, with their vertices alone."""
    faces = faces[kept[faces].all(1)]
    if not len(faces):
        raise NothingUsable("no part of the surface is near to points and inside all silhouettes")
    used, local = local_mesh(faces)
    return vertices[used], local
