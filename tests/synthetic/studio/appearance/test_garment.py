"""Sheets cut out of a template's surface and laid over it."""

import numpy as np
import pytest

from mvboot.mesh.normals import vertex_normals
from mvboot.synthetic.studio.appearance.garment import (
    Draped,
    Mannequin,
    Patch,
    border,
    drape,
    hemmed,
)
from mvboot.template import load_template


@pytest.fixture(scope="module")
def body():
    return load_template("body")


@pytest.fixture(scope="module")
def mannequin(body):
    return Mannequin(body, np.random.default_rng(1).standard_normal(body.n_shapes))


def area(vertices, faces):
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2


def test_cut_follows_the_field(body):
    """A half space of the body: the rim lies on the plane, nothing below it, areas add up."""
    field = body.vertices[:, 2] - 0.951
    patch, rest = (Patch.cut(body.faces, sign * field) for sign in (1, -1))
    vertices = patch.source @ body.vertices
    rim = np.unique(border(patch.faces)[0])
    assert vertices[:, 2].min() > 0.948
    assert np.abs(vertices[rim, 2] - 0.951).max() < 3e-3
    assert np.allclose(patch.source.sum(axis=1), 1)
    both = area(vertices, patch.faces) + area(rest.source @ body.vertices, rest.faces)
    assert both == pytest.approx(area(body.vertices, body.faces), rel=2e-3)


def test_cut_keeps_orientation(body):
    patch = Patch.cut(body.faces, body.vertices[:, 2] - 0.951)
    own = vertex_normals(patch.source @ body.vertices, patch.faces)
    expected = patch.source @ vertex_normals(body.vertices, body.faces)
    assert ((own * expected).sum(1) > 0.5).mean() > 0.99


@pytest.mark.parametrize("smoothing", [0, 30])
def test_sheet_is_never_lower_than_asked(mannequin, smoothing):
    patch = Patch.cut(mannequin.template.faces, mannequin.mean[:, 2] - 0.951)
    offset = 0.01 + 0.02 * np.random.default_rng(0).random(len(mannequin.mean))
    draped = Draped.over(mannequin, patch, offset, smoothing)
    assert (draped.height >= patch.source @ offset - 1e-12).all()
    assert ((draped.heights > 0) == (mannequin.mean[:, 2] > 0.93)).mean() > 0.97


def test_smoothing_spans_hollows(mannequin):
    """A stretched sheet has less surface than one that follows every detail."""
    patch = Patch.cut(mannequin.template.faces, mannequin.mean[:, 2] - 0.951)
    offset = np.full(len(mannequin.mean), 0.005)
    areas = [
        area(cloth.vertices, cloth.faces)
        for cloth in (drape(mannequin, patch, offset, rounds, 0) for rounds in (0, 60))
    ]
    assert areas[1] < 0.997 * areas[0]


def test_hem_folds_inwards(mannequin):
    patch = Patch.cut(mannequin.template.faces, mannequin.mean[:, 2] - 1.1)
    flat = drape(mannequin, patch, np.full(len(mannequin.mean), 0.02), 10, 0)
    folded = hemmed(flat, 0.01)
    start, _ = border(flat.faces)
    rim = np.unique(start)
    near, far = np.split(folded.vertices[len(flat.vertices) :], 2)
    normals = vertex_normals(flat.vertices, flat.faces)[rim]
    assert (((near - flat.vertices[rim]) * normals).sum(1) < 0).all()
    assert np.linalg.norm(far - flat.vertices[rim], axis=1).max() < 0.025
    assert (far[:, 2] > flat.vertices[rim, 2]).mean() > 0.95
    assert len(border(folded.faces)[0]) == len(start)


def test_covered_leaves_rings(mannequin):
    field = mannequin.mean[:, 2] - 1.0
    faces = mannequin.template.faces
    counts = [mannequin.covered(field, rings).sum() for rings in (0, 1, 2)]
    assert counts[0] == (field[faces] > 0).all(1).sum()
    assert counts[0] > counts[1] > counts[2] > 0
