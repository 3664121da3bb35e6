import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mvboot.mesh.edges import edges_of
from mvboot.surfaces.bend import Bending
from mvboot.surfaces.evidence import Evidence

TURN = Rotation.from_rotvec([0.3, -0.2, 1.0]).as_matrix()
REACH = (0.05,) * 6


def evidence(vertices, points, sigma=0.002):
    return Evidence(vertices, points, np.broadcast_to(sigma**2 * np.eye(3), (len(points), 3, 3)))


@pytest.fixture(scope="module")
def sheet_bending(sheet):
    return Bending(sheet.template.vertices, edges_of(sheet.template.faces), 0.05)


def rolled(places, radius=1.0):
    """Return a flat sheet (n, 3) rolled about the y axis: no edge changes its length."""
    angle = places[:, 0] / radius
    return np.stack([radius * np.sin(angle), places[:, 1], radius * (np.cos(angle) - 1)], 1)


def test_edges_are_named_once():
    edges = edges_of(np.array([[0, 1, 2], [2, 1, 3]]))
    np.testing.assert_array_equal(edges, [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]])


def test_a_turned_mesh_stays_as_it_is(sheet_bending):
    places = sheet_bending.vertices @ TURN.T + [0.1, 0.2, 0.3]
    rows = np.arange(0, len(places), 7)
    found = sheet_bending.bent(evidence(rows, places[rows]), places, REACH)
    np.testing.assert_allclose(found, places, atol=1e-9)


def test_a_sheet_is_rolled_by_some_of_its_points(sheet_bending):
    true = rolled(sheet_bending.vertices)
    rows = np.random.default_rng(0).choice(len(true), 120, replace=False)
    found = sheet_bending.bent(evidence(rows, true[rows]), sheet_bending.vertices, (0.5,) * 15)
    before = np.linalg.norm(sheet_bending.vertices - true, axis=1)
    after = np.linalg.norm(found - true, axis=1)
    assert before.max() > 0.3 and after.mean() < 0.004
    assert np.quantile(after, 0.95) < 0.015, "what is free may fold"


def test_what_nothing_holds_does_not_drift(sheet_bending):
    """Edges of very different length, few of them seen, and weights that change every round."""
    vertices = sheet_bending.vertices.copy()
    tight = np.linalg.norm(vertices - [0.5, 0.5, 0], axis=1) < 0.3
    vertices[tight] = [0.5, 0.5, 0] + 0.01 * (vertices[tight] - [0.5, 0.5, 0])
    uneven = Bending(vertices, sheet_bending.edges, 0.05)
    true = vertices @ TURN.T
    rows = np.flatnonzero(vertices[:, 0] < -0.5)
    given = evidence(rows, true[rows] + np.random.default_rng(0).normal(0, 0.01, (len(rows), 3)))
    found = uneven.bent(given, true, (0.05, 0.02, 0.01) * 4)
    alone = true
    for reach in (0.05, 0.02, 0.01) * 4:
        alone = uneven.bent(given, alone, (reach,))  # each system solved by its own factors
    np.testing.assert_allclose(found, alone, atol=1e-6)


def test_what_is_not_seen_is_carried(sheet_bending):
    """Only the left half is seen, turned; the right half has to follow."""
    true = sheet_bending.vertices @ TURN.T
    rows = np.flatnonzero(sheet_bending.vertices[:, 0] < 0)
    start = true + 0.02 * np.random.default_rng(0).normal(size=true.shape)
    found = sheet_bending.bent(evidence(rows, true[rows]), start, (0.5,) * 40)
    assert np.linalg.norm(found - true, axis=1).max() < 0.02


def test_a_wrong_point_is_overruled_and_its_weight_is_its_covariance(sheet_bending):
    true = sheet_bending.vertices.copy()
    middle = len(true) // 2
    rows = np.arange(len(true))
    wrong = true.copy()
    wrong[middle, 2] = 0.3
    found = sheet_bending.bent(evidence(rows, wrong), true, (0.01,) * 3)
    assert abs(found[middle, 2]) < 0.001
    wrong[middle, 2] = 0.01
    lifts = [
        sheet_bending.bent(evidence(rows, wrong, sigma), true, (1.0,))[middle, 2]
        for sigma in (0.001, 0.1)
    ]
    assert lifts[0] > 0.008 and lifts[1] < 0.002


def test_a_spread_holds_it_near_the_start(sheet_bending):
    rows = np.arange(len(sheet_bending.vertices))
    shifted = evidence(rows, sheet_bending.vertices + [0, 0, 0.02], sigma=0.02)
    found = sheet_bending.bent(shifted, sheet_bending.vertices, (1.0,), spread=0.02)
    np.testing.assert_allclose(found[:, 2], 0.01, rtol=0.01)
