import numpy as np
import pytest

from mvboot.mesh.geodesics import surface_graph
from mvboot.template.embedding import distance_errors, embed


def test_a_flat_sheet_is_embedded_as_it_is(full_sheet):
    graph = surface_graph(*full_sheet)
    embedding = embed(graph, 2)
    assert embedding.shape == (len(full_sheet[0]), 2)
    assert np.median(distance_errors(embedding, graph)) < 0.005


def test_sphere_distances_bend_as_little_as_they_can(sphere):
    graph = surface_graph(*sphere)
    assert np.median(distance_errors(embed(graph), graph)) < 0.1


def test_same_mesh_same_numbers_and_the_unit_scales(full_sheet):
    vertices, faces = full_sheet
    once, again = (embed(surface_graph(vertices, faces), 3) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_allclose(once.mean(axis=0), 0, atol=1e-9)
    large = embed(surface_graph(1000 * vertices, faces), 3)
    np.testing.assert_allclose(large, 1000 * once, atol=1e-3)


def test_a_single_triangle_leaves_empty_columns():
    graph = surface_graph(np.eye(3), np.array([[0, 1, 2]]))
    embedding = embed(graph, 4)
    lengths = np.linalg.norm(embedding - np.roll(embedding, 1, axis=0), axis=1)
    np.testing.assert_allclose(lengths, np.sqrt(2), rtol=1e-6)
    np.testing.assert_allclose(embedding[:, 2:], 0, atol=1e-6)


def test_shipped_embeddings_follow_the_surface(shipped):
    errors = distance_errors(shipped.embedding, shipped.graph)
    assert np.median(errors) < 0.05
    assert shipped.embedding.shape[1] == pytest.approx(8)
