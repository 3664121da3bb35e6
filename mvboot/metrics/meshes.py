"""How right a fitted surface is: against the true one, and in a camera that it was not made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.fields import DenseField
from mvboot.fields.points import named_points
from mvboot.geometry import Camera, fundamental_matrix
from mvboot.geometry.epipolar import epipolar_distance
from mvboot.mesh.nearest import TriangleTree
from mvboot.mesh.normals import face_normals
from mvboot.mesh.raycast import CameraRays, RayCaster
from mvboot.mesh.sampling import sampled
from mvboot.metrics.distribution import distribution
from mvboot.rig import UNITS_IN_M, Rig
from mvboot.surfaces import Seen, Surface, visible_vertices
from mvboot.template import Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

SAMPLES = 20_000
"""Points that stand for a surface where it is compared with another one."""


@dataclass(frozen=True, eq=False)
class MeshErrors:
    """One fitted surface against the true one, of the same template.

    Parameters
    ----------
    vertex_mm
        (V,) distance of each vertex from its true place.
    carried
        (V,) whether it was only carried by the template.
    accuracy_mm, completeness_mm
        (n,) distance of points of the surface from the nearest place of the true one, and of points
        of the true one from the surface.
    normals
        (n,) cosine between the normals at points of the surface and at the nearest true places.
    """

    vertex_mm: Floats
    carried: Bools
    accuracy_mm: Floats
    completeness_mm: Floats
    normals: Floats


def mesh_errors(surface: Surface, true: Floats, faces: IntArray, seed: int = 0) -> MeshErrors:
    """Compare a surface with the true vertices (V, 3), which are in its unit."""
    scale = 1000 * UNITS_IN_M[surface.units]
    rng = np.random.default_rng(seed)
    ours, rows = _sampled(surface.vertices, faces, rng)
    theirs, _ = _sampled(true, faces, rng)
    there = TriangleTree(true[faces]).nearest(ours)
    back = TriangleTree(surface.vertices[faces]).nearest(theirs)
    assert there.distance is not None and back.distance is not None
    facing = face_normals(true, faces)[there.faces]
    return MeshErrors(
        scale * np.linalg.norm(surface.vertices - true, axis=1),
        surface.carried,
        scale * there.distance,
        scale * back.distance,
        np.asarray((face_normals(surface.vertices, faces)[rows] * facing).sum(1)),
    )


def seen_errors_mm(
    surface: Surface, field: DenseField, points: Floats, template: Template
) -> Floats:
    """Return how far surface points lie from where a picture truly shows them, mm.

    ``field`` is the true one and ``points`` (h, w, 3) where its pixels lie in the world, clothes
    and hair as they are. NaN off the subject.
    """
    found = template.points(named_points(field, template), surface.vertices)
    error = np.linalg.norm(found - points, axis=-1)
    return np.asarray(1000 * UNITS_IN_M[surface.units] * error[field.known])


def mesh_summary(frames: Sequence[MeshErrors], template: Template) -> dict[str, Any]:
    """Return the errors of frames together: by vertex, part and distance between surfaces.

    ``chamfer_mm`` is the mean of accuracy and completeness, ``normal_consistency`` the mean cosine
    of normals; ``seen`` and ``carried`` are of vertices that were seen and that were not.
    """
    vertex = np.concatenate([frame.vertex_mm for frame in frames])
    carried = np.concatenate([frame.carried for frame in frames])
    accuracy = np.concatenate([frame.accuracy_mm for frame in frames])
    completeness = np.concatenate([frame.completeness_mm for frame in frames])
    return {
        "vertices": distribution(vertex, "mm"),
        "seen": distribution(vertex[~carried], "mm"),
        "carried": distribution(vertex[carried], "mm"),
        "carried_share": float(carried.mean()),
        "accuracy": distribution(accuracy, "mm"),
        "completeness": distribution(completeness, "mm"),
        "chamfer_mm": float((accuracy.mean() + completeness.mean()) / 2),
        "normal_consistency": float(np.concatenate([f.normals for f in frames]).mean()),
        "per_part": _per_part(np.mean([frame.vertex_mm for frame in frames], 0), template),
    }


@dataclass(frozen=True, eq=False)
class HeldOut:
    """One fitted surface in a camera that it was not made of.

    Parameters
    ----------
    iou
        Intersection over union of its silhouette and the subject's; NaN where both are empty.
    reprojection_px
        (n,) distance of the vertices that the camera sees from where its field shows them.
    epipolar_px
        (m,) distance of that from the epipolar lines of the vertices in the other cameras that see
        them, px without lenses.
    """

    iou: float
    reprojection_px: Floats
    epipolar_px: Floats


def held_out_errors(
    surface: Surface,
    template: Template,
    rig: Rig,
    camera: str,
    subject: NDArray[np.floating[Any]] | None = None,
    field: DenseField | None = None,
) -> HeldOut:
    """Look at a surface in one camera of a rig; the rest of the rig made it.

    Parameters
    ----------
    rig
        At its poses in the frame, in the unit of the surface.
    subject
        (h, w) share of the subject in each pixel; without it the silhouette is not compared.
    field
        What the camera's own field says; without it places are not compared.
    """
    own = rig[camera]
    iou = float("nan")
    if subject is not None:
        shown = RayCaster(surface.vertices, template.faces).cast(
            own.center.numpy(), CameraRays(own).directions
        )
        iou = _overlap(shown.met.reshape(subject.shape), subject >= 0.5)
    nothing = np.zeros(0)
    if field is None or template.embedding is None:
        return HeldOut(iou, nothing, nothing)
    visible = visible_vertices(surface.vertices, template.faces, rig)
    pixels = Seen.of(field, template).where(template.embedding)
    there = visible[rig.names.index(camera)] & np.isfinite(pixels[:, 0])
    off = np.linalg.norm(np.asarray(own.project(surface.vertices)) - pixels, axis=1)[there]
    lines = [
        _from_line(rig[name], own, surface.vertices[both], pixels[both])
        for row, name in enumerate(rig.names)
        if name != camera and (both := there & visible[row]).any()
    ]
    return HeldOut(iou, off, np.concatenate([nothing, *lines]))


def held_out_summary(found: Mapping[str, Sequence[HeldOut]]) -> dict[str, Any]:
    """Return the scores of each held-out camera; None for what has no value."""
    return {
        camera: {
            "iou": _mean(np.array([one.iou for one in frames])),
            "reprojection": distribution(
                np.concatenate([one.reprojection_px for one in frames]), "px"
            ),
            "epipolar": distribution(np.concatenate([one.epipolar_px for one in frames]), "px"),
        }
        for camera, frames in found.items()
    }


def _sampled(
    vertices: Floats, faces: IntArray, rng: np.random.Generator
) -> tuple[Floats, IntArray]:
    """Return points (n, 3) spread evenly over a mesh, and the faces (n,) that they lie in."""
    found = sampled(vertices, faces, SAMPLES, rng)
    points = np.einsum("nc,nci->ni", found.barycentric, vertices[faces[found.faces]])
    return points, found.faces


def _per_part(vertex_mm: Floats, template: Template) -> dict[str, float]:
    if template.charts is None:
        return {}
    corners = template.faces.ravel()
    parts = np.repeat(template.charts.parts, 3)
    return {
        name: float(vertex_mm[np.unique(corners[parts == number + 1])].mean())
        for number, name in enumerate(template.charts.names)
        if (parts == number + 1).any()
    }


def _from_line(other: Camera, own: Camera, points: Floats, pixels: Floats) -> Floats:
    """Return how far pixels (n, 2) are from the epipolar lines of points in another camera."""
    F = fundamental_matrix(other, own)
    there = torch.from_numpy(np.asarray(other.undistort(np.asarray(other.project(points)))))
    here = torch.from_numpy(np.asarray(own.undistort(pixels)))
    distance = epipolar_distance(F, there, here).numpy()
    return np.asarray(distance[np.isfinite(distance)])


def _overlap(a: Bools, b: Bools) -> float:
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else float("nan")


def _mean(values: Floats) -> float | None:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else None
