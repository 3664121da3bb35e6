import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from mvboot.mesh.geodesics import farthest_points, geodesic_distances, surface_graph


def reference_distances(vertices, faces, sources, extra=4):
    """Distances by more points on every edge, joined straight across every face."""
    sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2)
    edges, edge = np.unique(np.sort(sides, axis=2).reshape(-1, 2), axis=0, return_inverse=True)
    share = np.linspace(0, 1, extra + 2)[1:-1, None]
    on_edges = vertices[edges[:, :1]] * (1 - share) + vertices[edges[:, 1:]] * share
    points = np.concatenate([vertices, on_edges.reshape(-1, 3)])
    numbers = len(vertices) + edge.reshape(-1, 3)[..., None] * extra + np.arange(extra)
    ring = np.concatenate([faces, numbers.reshape(len(faces), -1)], axis=1)
    i, j = np.triu_indices(ring.shape[1], 1)
    a, b = ring[:, i].ravel(), ring[:, j].ravel()
    key = np.unique(np.minimum(a, b) * len(points) + np.maximum(a, b))
    a, b = key // len(points), key % len(points)
    lengths = np.linalg.norm(points[a] - points[b], axis=1)
    graph = coo_array((lengths, (a, b)), shape=(len(points),) * 2).tocsr()
    return dijkstra(graph, directed=False, indices=sources)[:, : len(vertices)]


def test_sphere(sphere):
    vertices, faces = sphere
    found = geodesic_distances(surface_graph(vertices, faces), np.array([0, 100, 500]))
    exact = np.arccos(np.clip(vertices[[0, 100, 500]] @ vertices.T, -1, 1))
    error = np.abs(found[found > 0] / exact[found > 0] - 1)
    assert np.median(error) < 0.005
    assert error.max() < 0.03


def test_flat_sheet_is_nearly_straight_and_never_shorter(full_sheet):
    vertices, faces = full_sheet
    found = geodesic_distances(surface_graph(vertices, faces), np.arange(0, len(vertices), 17))
    exact = np.linalg.norm(vertices[::17, None] - vertices[None], axis=2)
    excess = found[exact > 0] / exact[exact > 0] - 1
    assert excess.min() > -1e-9
    assert np.median(excess) < 0.005


@pytest.mark.parametrize(("depth", "median"), [(0, 0.05), (1, 0.02), (3, 0.005)])
def test_deeper_unfolding_is_more_exact(full_sheet, depth, median):
    vertices, faces = full_sheet
    found = geodesic_distances(surface_graph(vertices, faces, depth), np.array([0, 80]))
    exact = np.linalg.norm(vertices[[0, 80], None] - vertices[None], axis=2)
    assert np.median(found[exact > 0] / exact[exact > 0] - 1) < median


def test_path_goes_around_the_hole(sheet):
    vertices, faces = sheet
    left, right = (np.linalg.norm(vertices - [x, 0, 0], axis=1).argmin() for x in (-0.5, 0.5))
    found = geodesic_distances(surface_graph(vertices, faces), np.array([left]))[0, right]
    assert found == pytest.approx(2.0, rel=0.002)  # 0.5 up, 1 across, 0.5 down along the hole


def test_opposite_corners_of_a_cube_are_joined_by_the_unfolded_line():
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], dtype=float)
    squares = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([t for a, b, c, d in squares for t in ((a, b, c), (a, c, d))])
    distances = geodesic_distances(surface_graph(corners, faces), np.arange(8))
    assert distances[0, 7] == pytest.approx(np.sqrt(5), abs=1e-12)
    np.testing.assert_allclose(distances, distances.T, atol=1e-12)


@pytest.mark.slow
def test_body_against_a_much_finer_graph(body):
    sources = np.array([0, 2500])
    found = body.geodesics(sources)
    fine = reference_distances(body.vertices, body.faces, sources)
    error = np.abs(found[fine > 0] / fine[fine > 0] - 1)
    assert np.median(error) <= 0.015
    assert np.quantile(error, 0.9) <= 0.015


def test_pieces_are_infinitely_far_apart():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [6, 0, 0], [5, 1, 0.0]])
    graph = surface_graph(vertices, np.array([[0, 1, 2], [3, 4, 5]]))
    assert np.isinf(geodesic_distances(graph, np.array([0]))[0, 3:]).all()


def test_farthest_points_spread_and_repeat(sphere):
    graph = surface_graph(*sphere)
    chosen, distances = farthest_points(graph, 12)
    assert len(set(chosen.tolist())) == 12
    apart = distances[:, chosen] + 10 * np.eye(12)
    assert apart.min() > 0.7  # an icosahedron's corners would be 1.107 apart
    np.testing.assert_array_equal(chosen, farthest_points(graph, 12)[0])
    assert len(farthest_points(graph, 10_000)[0]) == len(sphere[0])
