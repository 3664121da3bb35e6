"""The inverse of canonical coordinates."""

import numpy as np
import pytest
import torch
import trimesh

from mvboot.errors import InputError
from mvboot.mesh.nearest import TriangleTree
from mvboot.template import Located, Template, template_of_mesh


@pytest.fixture(scope="module", params=["body", "quadruped", "ball", "ring"])
def template(request, tmp_path_factory):
    """The shipped templates, and a sphere and a torus with automatic charts."""
    if request.param in ("body", "quadruped"):
        return request.getfixturevalue(request.param)
    shapes = {
        "ball": lambda: trimesh.creation.icosphere(3),
        "ring": lambda: trimesh.creation.torus(1.0, 0.4),
    }
    path = tmp_path_factory.mktemp("mesh") / f"{request.param}.ply"
    shapes[request.param]().export(path)
    return template_of_mesh(path, units="m", up="z")


def some_points(template, count=3000):
    """Return points inside faces, on edges, and at vertices."""
    rng = np.random.default_rng(0)
    inside = rng.dirichlet([1, 1, 1], count - 200)
    edges = np.stack([rng.uniform(size=100), *np.zeros((2, 100))], axis=1)
    edges[:, 2] = 1 - edges[:, 0]
    weights = np.concatenate([inside, edges, np.eye(3)[rng.integers(3, size=100)]])
    return Located(rng.integers(len(template.faces), size=count), weights)


def gaps(template, a, b):
    places = [template.points(points, template.vertices) for points in (a, b)]
    return np.linalg.norm(places[0] - places[1], axis=-1)


def test_charts_there_and_back(template):
    points = some_points(template)
    given = template.canonical(points.faces, points.barycentric)
    found = template.locate(given.part, given.uv)
    again = template.canonical(found.faces, found.barycentric)
    np.testing.assert_array_equal(again.part, given.part)
    np.testing.assert_allclose(again.uv, given.uv, atol=1e-9)
    assert gaps(template, found, points).max() < 1e-9
    assert found.distance.max() < 1e-9
    assert found.barycentric.min() >= 0
    np.testing.assert_allclose(found.barycentric.sum(axis=1), 1, atol=1e-12)


def test_embedding_there_and_back(template):
    points = some_points(template)
    given = template.canonical(points.faces, points.barycentric).embedding
    found = template.nearest(given)
    again = template.canonical(found.faces, found.barycentric)
    np.testing.assert_allclose(again.embedding, given, atol=1e-9)
    assert gaps(template, found, points).max() < 1e-9
    assert found.distance.max() < 1e-9


def test_single_precision_is_enough(shipped):
    points = some_points(shipped)
    given = shipped.canonical(points.faces, points.barycentric)
    located = shipped.locate(given.part.astype(np.uint8), given.uv.astype(np.float32))
    assert gaps(shipped, located, points).max() < 5e-6
    assert gaps(shipped, shipped.nearest(given.embedding.astype(np.float32)), points).max() < 5e-7


def test_uv_of_eight_bits_is_near_the_point(shipped):
    points = some_points(shipped)
    given = shipped.canonical(points.faces, points.barycentric)
    located = shipped.locate(given.part, np.round(given.uv * 255) / 255)
    error = gaps(shipped, located, points)
    assert np.median(error) < 0.001 and error.max() < 0.03
    part = shipped.canonical(located.faces, located.barycentric).part
    np.testing.assert_array_equal(part, given.part)


def test_uv_beside_the_chart_goes_to_its_border(template):
    charts = template.charts
    part = np.repeat(np.arange(1, len(charts.names) + 1), 2)
    uv = np.tile([[-1.0, 0.5], [1.25, 3.0]], (len(part) // 2, 1))
    found = template.locate(part, uv)
    near = template.canonical(found.faces, found.barycentric)
    np.testing.assert_array_equal(near.part, part)
    np.testing.assert_allclose(found.distance, np.linalg.norm(near.uv - uv, axis=1), atol=1e-12)
    for row, number in enumerate(part):
        corners = charts.uv[charts.parts == number].reshape(-1, 2)
        assert found.distance[row] <= np.linalg.norm(corners - uv[row], axis=1).min() + 1e-12


@pytest.mark.slow
def test_a_noisy_embedding_seldom_lands_elsewhere(shipped):
    """The surface passes near itself in the embedding: fingers, ears."""
    points = some_points(shipped, 600)
    values = shipped.canonical(points.faces, points.barycentric).embedding
    noise = np.random.default_rng(1).normal(scale=0.01, size=values.shape)
    found = shipped.nearest(values + noise)
    error = shipped.geodesic_between(points, found)
    assert np.median(error) < 0.02
    assert (error > 0.06).mean() < 0.01
    assert (found.distance <= np.linalg.norm(noise, axis=1) + 1e-12).all()


def test_background_and_values_that_are_not_known(body):
    given = body.canonical(np.array([[5, 7]]), np.full((1, 2, 3), 1 / 3))
    uv = np.where([[[True], [False]]], given.uv, np.nan)
    found = body.locate(given.part * [[1, 0]], uv)
    assert found.faces.tolist() == [[5, -1]] and found.known.tolist() == [[True, False]]
    assert np.isnan(found.barycentric[0, 1]).all() and np.isnan(found.distance[0, 1])
    values = given.embedding.copy()
    values[0, 0, 3] = np.nan
    found = body.nearest(values)
    assert found.faces.tolist() == [[-1, 7]] and np.isnan(found.distance).tolist() == [
        [True, False]
    ]
    again = body.canonical(found.faces, found.barycentric)
    assert again.part[0, 0] == 0 and np.isnan(again.embedding[0, 0]).all()
    assert body.nearest(np.zeros((0, 8))).faces.shape == (0,)


@pytest.mark.parametrize(("count", "dimensions"), [(1, 2), (4, 2), (5, 3), (37, 3), (1000, 8)])
def test_the_tree_finds_what_trying_all_triangles_finds(count, dimensions):
    rng = np.random.default_rng(count)
    corners = rng.uniform(size=(count, 1, dimensions)) + rng.normal(0, 0.1, (count, 3, dimensions))
    values = rng.uniform(-0.5, 1.5, (50, dimensions))
    found = TriangleTree(corners).nearest(values)
    reached = (corners[found.faces] * found.barycentric[..., None]).sum(axis=1)
    np.testing.assert_allclose(found.distance, np.linalg.norm(reached - values, axis=1), atol=1e-12)
    steps = np.array([(i, j, 12 - i - j) for i in range(13) for j in range(13 - i)]) / 12
    tried = np.einsum("sc,fcd->fsd", steps, corners).reshape(-1, dimensions)
    nearest = np.linalg.norm(tried[:, None] - values, axis=2).min(axis=0)
    assert (found.distance <= nearest + 1e-12).all()
    assert (found.distance >= nearest - 0.06).all()


@pytest.mark.parametrize(
    ("corners", "place"),
    [
        ([[0, 0], [0, 0], [0, 0]], [0, 0]),
        ([[0, 0], [4, 0], [0, 0]], [2, 0]),
        ([[0, 0], [1, 0], [3, 0]], [2, 0]),
    ],
)
def test_triangles_without_area(corners, place):
    found = TriangleTree(np.array([corners], dtype=float)).nearest([[2.0, 1.0]])
    np.testing.assert_allclose(found.barycentric[0] @ np.array(corners), place, atol=1e-12)


def test_points_lie_on_every_given_mesh(body):
    points = Located(np.array([[3, -1]]), np.array([[[0.2, 0.3, 0.5], [np.nan] * 3]]))
    meshes = np.stack([body.vertices, 2 * body.vertices])
    found = body.points(points, meshes)
    assert found.shape == (2, 1, 2, 3) and np.isnan(found[:, :, 1]).all()
    np.testing.assert_allclose(found[0, 0, 0], [0.2, 0.3, 0.5] @ body.vertices[body.faces[3]])
    np.testing.assert_allclose(found[1, 0, 0], 2 * found[0, 0, 0])


def test_points_keep_gradients_free_of_the_background(body):
    points = Located(np.array([3, -1]), np.array([[0.2, 0.3, 0.5], [np.nan] * 3]))
    vertices = torch.tensor(body.vertices, dtype=torch.float32, requires_grad=True)
    body.points(points, vertices)[0].sum().backward()
    expected = torch.zeros(len(body.vertices), 3)
    expected[body.faces[3]] = torch.tensor([[0.2], [0.3], [0.5]])
    torch.testing.assert_close(vertices.grad, expected)


@pytest.mark.parametrize(
    ("part", "uv", "message"),
    [
        ([25], [[0, 0]], "no part 25; the template has parts 1 to 24"),
        ([-1], [[0, 0]], "no part -1"),
        ([2, 3], [[0.5, np.nan], [0, 0]], "uv of 1 points"),
        ([1.5], [[0, 0]], "whole part numbers"),
        ([1, 2], [[0, 0]], "\\(2,\\) and uv .*\\(1, 2\\)"),
    ],
)
def test_charts_that_are_refused(body, part, uv, message):
    with pytest.raises(InputError, match=message):
        body.locate(part, uv)


def test_other_refusals(body, quadruped, full_sheet):
    plain = Template("sheet", "mm", *full_sheet)
    with pytest.raises(InputError, match="'sheet' has no charts"):
        plain.locate([1], [[0, 0]])
    with pytest.raises(InputError, match="'sheet' has no embedding"):
        plain.nearest(np.zeros((1, 8)))
    with pytest.raises(InputError, match=r"\(4, 3\), this template needs \(\.\.\., 8\)"):
        body.nearest(np.zeros((4, 3)))
    with pytest.raises(InputError, match="three weights"):
        Located(np.array([1, 2]), np.zeros((1, 3)))
    foreign = Located(np.array([len(quadruped.faces)]), np.full((1, 3), 1 / 3))
    with pytest.raises(InputError, match="point of another template"):
        quadruped.points(foreign, quadruped.vertices)
    with pytest.raises(InputError, match=r"expected \(.*2844, 3\)"):
        quadruped.points(foreign, body.vertices)
