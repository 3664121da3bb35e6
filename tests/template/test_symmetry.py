import numpy as np

from mvboot.template.symmetry import mirror_vertices


def test_found_wherever_the_mesh_stands(shipped):
    found = mirror_vertices(shipped.vertices + [3.0, 0, 0])
    np.testing.assert_array_equal(found, shipped.symmetry)
    np.testing.assert_array_equal(found[found], np.arange(len(found)))


def test_tolerates_noise_but_not_another_shape(sphere):
    rng = np.random.default_rng(0)
    vertices = sphere[0]
    assert mirror_vertices(vertices + rng.normal(0, 1e-3, vertices.shape)) is not None
    bent = vertices + np.where(vertices[:, :1] > 0, vertices[:, :1] * [0, 0.5, 0], 0)
    assert mirror_vertices(bent) is None
    assert mirror_vertices(rng.normal(size=(200, 3))) is None


def test_across_another_axis(sphere):
    vertices = sphere[0] * [1, 1, 2]
    partner = mirror_vertices(vertices, axis=2)
    np.testing.assert_allclose(vertices[partner], vertices * [1, 1, -1], atol=1e-9)
