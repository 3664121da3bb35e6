import numpy as np

from mvboot.mesh.normals import face_normals, unit, vertex_normals

CORNER = np.array([[0.0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 0, 1]])
FACES = np.array([[0, 1, 2], [0, 3, 1]])


def test_normals_of_faces_and_of_the_corners_that_they_share():
    np.testing.assert_array_equal(face_normals(CORNER, FACES), [[0, 0, 1], [0, 1, 0]])
    shared = np.array([0.0, 1, 1]) / np.sqrt(2)
    expected = [shared, shared, [0, 0, 1], [0, 1, 0]]
    np.testing.assert_allclose(vertex_normals(CORNER, FACES), expected)


def test_larger_faces_count_more():
    wide = CORNER * [1, 3, 1]
    np.testing.assert_allclose(vertex_normals(wide, FACES)[0], np.array([0, 1, 3]) / np.sqrt(10))


def test_a_vector_of_no_length_stays():
    np.testing.assert_array_equal(
        unit(np.array([[0.0, 0, 0], [0, 3, 4]])), [[0] * 3, [0, 0.6, 0.8]]
    )


def test_vertices_of_no_face_have_no_normal():
    assert (vertex_normals(np.vstack([CORNER, [5, 5, 5]]), FACES)[-1] == 0).all()
