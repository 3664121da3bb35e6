"""Distances between any two points of a surface."""

import pickle

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from mvboot.errors import InputError
from mvboot.template import Located, Template, surface_distances


def points(faces, count, seed=0):
    rng = np.random.default_rng(seed)
    return Located(rng.integers(len(faces), size=count), rng.dirichlet([1, 1, 1], count))


def fine_distances(vertices, faces, sources, extra):
    """Points on all edges, and their distances (S, N) from some of them by straight lines across
    faces between all points of each."""
    ends = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    edges, first, edge = np.unique(ends, axis=0, return_index=True, return_inverse=True)
    share = np.linspace(0, 1, extra + 2)[1:-1]
    weights = np.zeros((len(edges), extra, 3))
    face = np.repeat(first // 3, extra).reshape(-1, extra)
    for end, part in ((0, 1 - share), (1, share)):
        corner = (faces[first // 3] == edges[:, end, None]).argmax(axis=1)
        weights[np.arange(len(edges))[:, None], np.arange(extra), corner[:, None]] = part
    there = Located(face.ravel(), weights.reshape(-1, 3))
    places = (vertices[faces[there.faces]] * there.barycentric[..., None]).sum(axis=1)
    places = np.concatenate([places, vertices])
    numbers = edge.reshape(-1, 3)[..., None] * extra + np.arange(extra)
    ring = np.concatenate([faces + len(there.faces), numbers.reshape(len(faces), -1)], axis=1)
    i, j = np.triu_indices(ring.shape[1], 1)
    key = np.unique(np.sort(np.stack([ring[:, i], ring[:, j]]), axis=0).reshape(2, -1), axis=1)
    lengths = np.linalg.norm(places[key[0]] - places[key[1]], axis=1)
    graph = coo_array((lengths, tuple(key)), shape=(len(places),) * 2).tocsr()
    return there, dijkstra(graph, directed=False, indices=sources)[:, : len(there.faces)]


def test_a_flat_sheet_is_measured_by_the_ruler(full_sheet):
    sheet = Template("sheet", "m", *full_sheet)
    a, b = points(sheet.faces, 5000), points(sheet.faces, 5000, seed=1)
    exact = np.linalg.norm(
        sheet.points(a, sheet.vertices) - sheet.points(b, sheet.vertices), axis=1
    )
    found = sheet.geodesic_between(a, b)
    assert (found >= exact - 1e-6).all()
    assert np.median(found / exact - 1) < 0.006
    assert (found < 1.02 * exact + 0.01).all()  # a sixteenth of an edge


def test_a_folded_sheet_is_as_long_as_a_flat_one(full_sheet):
    """The fold runs along an edge, so what was straight is still as long."""
    flat, faces = full_sheet
    steps = np.abs(flat[:, 0]) < 0.03
    flat = np.where(steps[:, None] & [True, False, False], 0.0, flat)
    folded = np.stack([np.minimum(flat[:, 0], 0), flat[:, 1], np.maximum(flat[:, 0], 0)], axis=1)
    a, b = points(faces, 2000), points(faces, 2000, seed=1)
    found = [Template("s", "m", v, faces).geodesic_between(a, b) for v in (flat, folded)]
    np.testing.assert_allclose(found[1], found[0], atol=1e-5)


def test_a_sphere(sphere):
    ball = Template("ball", "m", *sphere)
    a, b = points(ball.faces, 5000), points(ball.faces, 5000, seed=1)
    places = [ball.points(each, ball.vertices) for each in (a, b)]
    places = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in places]
    exact = np.arccos(np.clip((places[0] * places[1]).sum(axis=1), -1, 1))
    error = np.abs(ball.geodesic_between(a, b) - exact)
    assert np.median(error / exact) < 0.003
    assert error[exact < 3].max() < 0.03
    assert error.max() < 0.1  # opposite points, where the nearest way changes: 2/3 of an edge


@pytest.mark.slow
def test_against_a_much_finer_graph(shipped):
    there, fine = fine_distances(shipped.vertices, shipped.faces, [200, 9000], extra=4)
    count = len(there.faces)
    start = Located(
        np.repeat(there.faces[[200, 9000]], count),
        np.repeat(there.barycentric[[200, 9000]], count, axis=0),
    )
    everywhere = Located(np.tile(there.faces, 2), np.tile(there.barycentric, (2, 1)))
    found, fine = shipped.geodesic_between(start, everywhere), fine.ravel()
    ends = shipped.vertices[shipped.faces]
    edge = np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))
    error, apart = np.abs(found - fine), fine > 0
    assert np.median(error[apart] / fine[apart]) < 0.005
    assert (error > np.maximum(0.03 * fine, 0.2 * edge)).mean() < 0.003
    near = fine < 4 * edge
    assert near.sum() > 1000
    assert np.median(error[near]) < 0.02 * edge and error[near].max() < 0.5 * edge


@pytest.mark.slow
def test_identities(shipped):
    a, b = points(shipped.faces, 300), points(shipped.faces, 300, seed=1)
    assert (shipped.geodesic_between(a, a) == 0).all()
    there, back = shipped.geodesic_between(a, b), shipped.geodesic_between(b, a)
    np.testing.assert_allclose(there, back, rtol=1e-6)
    places = [shipped.points(each, shipped.vertices) for each in (a, b)]
    assert (there >= np.linalg.norm(places[0] - places[1], axis=1) - 1e-12).all()
    corner = Located(np.arange(300), np.eye(3)[np.zeros(300, int)])
    vertex = shipped.faces[corner.faces, 0]
    first = Located(np.zeros(300, int), np.eye(3)[np.zeros(300, int)])
    graph = shipped.geodesics(shipped.faces[0, :1])[0, vertex]
    np.testing.assert_allclose(shipped.geodesic_between(first, corner), graph, atol=2e-5)


def test_one_place_seen_from_two_faces_is_no_distance(quadruped):
    """The corners of faces that meet in a vertex."""
    face, corner = np.nonzero(quadruped.faces == quadruped.faces[100, 0])
    same = Located(face, np.eye(3)[corner])
    rolled = Located(np.roll(face, 1), np.eye(3)[np.roll(corner, 1)])
    assert quadruped.geodesic_between(same, rolled).max() < 2e-5


def test_distances_that_are_not_kept_are_the_same(quadruped, monkeypatch):
    a, b = points(quadruped.faces, 200), points(quadruped.faces, 200, seed=1)
    kept = quadruped.geodesic_between(a, b)
    monkeypatch.setattr(surface_distances, "KEPT", 100)
    afresh = surface_distances.PointDistances(quadruped.vertices, quadruped.faces, quadruped.graph)
    np.testing.assert_allclose(afresh.between(a, b), kept, atol=1e-6)


def test_it_travels_light(quadruped):
    quadruped.geodesic_between(points(quadruped.faces, 9), points(quadruped.faces, 9, seed=1))
    assert len(pickle.dumps(quadruped._point_distances)) < 4 * len(quadruped.vertices) ** 2 / 5


def test_no_distance_from_nothing_and_none_to_another_template(quadruped):
    a = Located(np.array([[4, -1], [-1, 9]]), np.full((2, 2, 3), 1 / 3))
    b = Located(np.array([[4, 5], [-1, 9]]), np.full((2, 2, 3), 1 / 3))
    found = quadruped.geodesic_between(a, b)
    np.testing.assert_array_equal(np.isnan(found), [[False, True], [True, False]])
    with pytest.raises(InputError, match="as many of either"):
        quadruped.geodesic_between(a, points(quadruped.faces, 3))
    with pytest.raises(InputError, match="face 9999, but"):
        quadruped.geodesic_between(a, Located(np.full((2, 2), 9999), a.barycentric))
