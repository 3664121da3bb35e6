"""Relabelling: predicted fields of one instant are lifted to 3D and projected back as labels.

The hard, non-differentiable way to learn from many views, which Yu et al. (NeurIPS 2021) compare
with and do not spell out: points of the template are looked up in every field, triangulated
robustly and written where they project, so that the views that agree teach those that do not
(Simon et al., CVPR 2017, do so with keypoints).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mvboot.fields import DenseField
from mvboot.geometry import Camera
from mvboot.mesh.normals import vertex_normals
from mvboot.rig import Rig
from mvboot.surfaces import Seen, lift
from mvboot.template import Template
from mvboot.triangulation import TriangulationOptions

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

AROUND = 48
"""Points whose places say how the surface is turned at one of them."""
NEAR, WIDTH, NEIGHBOURS = 1.0, 0.5, 8
"""Points label a cell within so many cells of its centre, weighted by a Gaussian, and how many."""
BLOCK, THICKNESS = 2, 2.0
"""Within blocks of so many cells a point hides others that are so many cells' widths behind it."""


@dataclass(frozen=True, eq=False)
class Lifted:
    """Where n points of a template lie at one instant; only those that views agree on.

    ``values`` (n, D) are their embedding, ``points`` (n, 3) their places in the world,
    ``normals`` (n, 3) the surface's way out there, ``agreement`` (n,) the share of the views that
    show a point in which it is where the others say, and ``error_px`` (n,) its mean reprojection
    error in those.
    """

    values: Floats
    points: Floats
    normals: Floats
    agreement: Floats
    error_px: Floats


def lifted(
    fields: Mapping[str, DenseField],
    rig: Rig,
    template: Template,
    vertices: IntArray,
    threshold_px: float,
) -> Lifted:
    """Triangulate vertices of a template from where the fields of one instant show them.

    Parameters
    ----------
    fields
        By camera.
    rig
        Exactly these cameras, at their poses in the frame.
    template, vertices
        Which points are sought.
    threshold_px
        Views agree where a point projects so near to where they show it.

    Raises
    ------
    InputError
        Fewer than two cameras, a field of another template, a template without an embedding.
    """
    seen = {name: Seen.of(fields[name], template) for name in rig.names}
    options = TriangulationOptions(threshold_px=threshold_px)
    found = lift(seen, rig, template, vertices, options=options)
    there = found.visible
    vertices, points = vertices[there], found.points[there]
    assert template.embedding is not None  # or there would be nothing seen
    return Lifted(
        template.embedding[vertices],
        points,
        _normals(template, vertices, points),
        found.views[there] / found.shown[there],
        found.error_px[there],
    )


def relabelled(field: DenseField, camera: Camera, lifted: Lifted) -> DenseField:
    """Return a predicted field with the labels that lifted points give it, as an embedding.

    A point labels the cells about the pixel it projects to, whatever the field said there, unless
    the surface looks away from the camera, a nearer point covers it, or the predicted subject is
    not there. Other cells name no surface point. The foreground stays the predicted one; the
    confidence is the agreement of the views. ValueError for a camera with several poses.
    """
    camera.require_one_pose()
    pixels = np.asarray(camera.project(lifted.points), np.float64)
    way = camera.center.numpy() - lifted.points
    shown = np.isfinite(pixels).all(-1) & field.at(pixels).known
    shown &= (way * lifted.normals).sum(-1) > 0
    depth = -(way[shown] @ camera.forward.numpy())
    spots = field.grid.to_crop(pixels[shown])
    width = depth * field.grid.scale / float(camera.K[0, 0])
    front = in_front(spots, depth, THICKNESS * width)
    used = np.flatnonzero(shown)[front]
    values, agreement, known = _on_cells(
        spots[front], lifted.values[used], lifted.agreement[used], field.shape
    )
    known &= field.known
    return DenseField.of_embedding(
        np.where(known[..., None], values, np.nan),
        field.topology,
        field.camera,
        field.frame,
        field.foreground,
        np.where(known, agreement, 0.0),
        field.grid,
    )


def in_front(spots: Floats, depth: Floats, thickness: Floats) -> Bools:
    """Return which points at cells (n, 2) no nearer one covers, by more than ``thickness`` (n,).

    Points are compared within blocks of cells: the surface between them is not known.
    """
    blocks = np.floor(spots / BLOCK)
    number = np.unique(blocks, axis=0, return_inverse=True)[1].reshape(-1)
    nearest = np.full(len(spots), np.inf)
    np.minimum.at(nearest, number, depth)
    return np.asarray(depth <= nearest[number] + thickness)


def _on_cells(
    spots: Floats, values: Floats, agreement: Floats, shape: tuple[int, int]
) -> tuple[Floats, Floats, Bools]:
    """Return values (h, w, D) and agreement (h, w) about each cell, and where there are any."""
    height, width = shape
    y, x = np.mgrid[:height, :width].astype(np.float64)
    tree = cKDTree(spots.reshape(-1, 2))
    gap, index = tree.query(np.stack([x, y], -1), k=NEIGHBOURS, distance_upper_bound=NEAR)
    weight = np.exp(-0.5 * (gap / WIDTH) ** 2)  # 0 where the tree names no neighbour
    total = weight.sum(-1, keepdims=True)
    weight /= np.where(total > 0, total, 1)
    both = np.column_stack([values, agreement])
    both = np.append(both, np.zeros((1, both.shape[1])), 0)
    mean = (weight[..., None] * both[index]).sum(-2)
    return mean[..., :-1], mean[..., -1], total[..., 0] > 0


def _normals(template: Template, vertices: IntArray, points: Floats) -> Floats:
    """Return the normals (n, 3) of vertices where they lie now: 0, no side, where too few lie.

    The rest pose about each is turned to where its neighbours lie (Kabsch 1976).
    """
    if len(vertices) < AROUND:
        return np.zeros((len(vertices), 3))
    assert template.embedding is not None
    values = template.embedding[vertices]
    near = cKDTree(values).query(values, k=AROUND)[1]
    rest, now = (_centred(places[near]) for places in (template.vertices[vertices], points))
    left, _, right = np.linalg.svd(rest.mT @ now)
    left[..., 2] *= np.linalg.det(left @ right)[:, None]
    normals = vertex_normals(template.vertices, template.faces)[vertices]
    return np.asarray((normals[:, None] @ left @ right)[:, 0])


def _centred(places: Floats) -> Floats:
    return np.asarray(places - places.mean(1, keepdims=True))
