"""Relabelling of a rendered person, whose fields are known exactly, in eight views."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from mvboot.datasets.crops import square_crop, subject_box
from mvboot.fields import converted
from mvboot.mesh.normals import vertex_normals
from mvboot.metrics import chosen_vertices
from mvboot.surfaces import Seen
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.training.dense.relabel import in_front, lifted, relabelled

CELLS = 3.0
"""Within which views agree."""


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    settings = SynthSettings(cameras=8, frames=1, size=96, samples=1, occluders=0, seed=2)
    return synthesise(settings, tmp_path_factory.mktemp("relabel") / "capture")


@pytest.fixture(scope="module")
def true(capture):
    """Return the true fields by camera as embeddings, on cells about the subject."""
    found = {}
    for name in capture.cameras:
        field = converted(capture.field(name, 0), capture.template, "embedding")
        box = subject_box(capture.mask(name, 0), None, None)
        found[name] = field.on(square_crop(box, 64, 0.15).strided(2))
    return found


def lift(capture, fields):
    rig = replace(capture.rig, cameras={name: capture.camera(name, 0) for name in fields})
    side = float(np.median([field.grid.scale for field in fields.values()]))
    vertices = chosen_vertices(capture.template, 2000)
    return lifted(fields, rig, capture.template, vertices, CELLS * side)


def relabel(capture, fields):
    points = lift(capture, fields)
    return {name: relabelled(fields[name], capture.camera(name, 0), points) for name in fields}


def test_as_many_poses_as_points_are_not_one_for_each(capture, true):
    name = capture.cameras[0]
    found = lift(capture, true)
    camera, count = capture.camera(name, 0), len(found.points)
    none = torch.zeros(count, dtype=torch.long)
    moving = camera.with_pose(camera.cam_from_world[None][none])
    with pytest.raises(ValueError, match="one instant needs one pose"):
        relabelled(true[name], moving, found)


def shifted(field, cells):
    """Return a field whose names moved by so many cells (2,), the subject stays."""
    grid = field.grid
    moved = field.at(grid.centers() + np.multiply(cells, grid.scale)).coordinates
    there = field.known & np.isfinite(moved[..., 0])
    return replace(field, coordinates=np.where(there[..., None], moved, field.coordinates))


def mirrored(field, template):
    """Return a field in which left is right."""
    values = field.coordinates[field.known]
    vertex = cKDTree(template.embedding).query(values)[1]
    coordinates = field.coordinates.copy()
    coordinates[field.known] = template.embedding[template.symmetry[vertex]]
    return replace(field, coordinates=coordinates)


def errors(fields, true):
    """Return how far cells are from the truth, those that name a point in both."""
    gaps = []
    for name, field in fields.items():
        gap = np.linalg.norm(field.coordinates - true[name].coordinates, axis=-1)
        gaps.append(gap[field.known & true[name].known])
    return np.concatenate(gaps)


def cell(capture, fields):
    """Return how far neighbouring cells are apart on the surface."""
    return np.mean([Seen.of(field, capture.template).spacing for field in fields.values()])


@pytest.mark.slow
def test_labels_of_exact_fields_are_the_truth_within_a_cell(capture, true):
    found = relabel(capture, true)
    error, side = errors(found, true), cell(capture, true)
    assert np.median(error) < side / 2
    assert (error < side).mean() > 0.8
    for name, field in found.items():
        assert field.grid is true[name].grid and field.camera == name
        assert (true[name].known | ~field.known).all(), "only on the predicted subject"
        assert field.known.sum() > 0.8 * true[name].known.sum()
        assert ((field.confidence > 0) == field.known).all()
        np.testing.assert_array_equal(field.foreground, true[name].foreground)


def test_lifted_points_lie_on_the_subject_and_know_its_normals(capture, true):
    points = lift(capture, true)
    mesh = capture.truth.poses.vertices(capture.template, 0)[0]
    vertex = cKDTree(capture.template.embedding).query(points.values)[1]
    gap = np.linalg.norm(mesh[vertex] - points.points, axis=1)
    assert np.median(gap) < cell(capture, true) and len(points.points) > 0.7 * 2000
    normals = vertex_normals(mesh, capture.template.faces)[vertex]
    assert np.median((normals * points.normals).sum(1)) > 0.9
    assert (points.agreement > 0.9).mean() > 0.6 and (points.agreement <= 1).all()


def test_labels_of_noisy_fields_are_better_than_the_fields(capture, true):
    turns = np.random.default_rng(0).uniform(0, 2 * np.pi, len(true))
    noisy = {
        name: shifted(field, 2.0 * np.array([np.cos(turn), np.sin(turn)]))
        for (name, field), turn in zip(true.items(), turns, strict=True)
    }
    before, after = errors(noisy, true), errors(relabel(capture, noisy), true)
    assert after.mean() < 0.9 * before.mean()
    assert np.median(after) < 0.6 * np.median(before)


def test_the_view_that_is_wrong_is_repaired_by_the_others(capture, true):
    wrong = capture.cameras[2]
    spoilt = {**true, wrong: mirrored(true[wrong], capture.template)}
    found = relabel(capture, spoilt)
    before = errors({wrong: spoilt[wrong]}, true)
    after = errors({wrong: found[wrong]}, true)
    side = cell(capture, true)
    assert (before > 2 * side).mean() > 0.7, "left is right"
    assert np.median(after) < side and (after > 2 * side).mean() < 0.2
    assert len(after) > 0.7 * len(before)
    assert np.median(errors(found, true)) < side


def test_hidden_points_label_nothing():
    spots = np.array([[0.2, 0.3], [1.4, 0.9], [0.4, 0.2], [5.0, 5.0]])
    depth = np.array([2.0, 2.05, 2.4, 9.0])
    found = in_front(spots, depth, np.full(4, 0.1))
    np.testing.assert_array_equal(found, [True, True, False, True])
    assert len(in_front(spots[:0], depth[:0], depth[:0])) == 0


def test_fields_that_agree_on_nothing_label_nothing(capture, true):
    rng = np.random.default_rng(0)
    random = {}
    for name, field in true.items():
        drawn = capture.template.embedding[rng.integers(0, 6000, field.shape)]
        values = np.where(field.known[..., None], drawn, np.nan)
        random[name] = replace(field, coordinates=values.astype(np.float32))
    chance = sum(field.known.sum() for field in relabel(capture, random).values())
    assert chance < 0.5 * sum(field.known.sum() for field in true.values())
    constant = {
        name: replace(field, coordinates=0 * field.coordinates + np.float32(0.1))
        for name, field in true.items()
    }
    points = lift(capture, constant)
    assert len(points.points) == len(points.error_px) == 0
    assert not any(field.known.any() for field in relabel(capture, constant).values())
