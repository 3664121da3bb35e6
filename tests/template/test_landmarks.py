import numpy as np

from mvboot.template.landmarks import at_vertex, inside


def test_inside_is_the_point_and_moves_with_the_skin(sphere):
    vertices = sphere[0]
    point = np.array([0.1, 0.2, -0.3])
    ids, weights = inside(vertices, point, np.arange(len(vertices)))
    np.testing.assert_allclose(weights @ vertices[ids], point, atol=1e-12)
    np.testing.assert_allclose(weights @ (vertices[ids] + [1, 2, 3]), point + [1, 2, 3], atol=1e-12)
    assert len(ids) == 24


def test_only_candidates_carry(sphere):
    candidates = np.arange(0, 600, 7)
    ids, _ = inside(sphere[0], np.zeros(3), candidates, count=10)
    assert set(ids) <= set(candidates)


def test_at_vertex():
    ids, weights = at_vertex(7)
    assert ids.tolist() == [7] and weights.tolist() == [1.0]
