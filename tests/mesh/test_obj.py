import numpy as np
import pytest

from mvboot.mesh.obj import read_obj


def write(tmp_path, text):
    (tmp_path / "m.obj").write_text(text)
    return tmp_path / "m.obj"


def test_squares_comments_normals_and_negative_numbers(tmp_path):
    text = "# a square\nmtllib x.mtl\nv 0 0 0 # here\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvn 0 0 1\n"
    vertices, faces, uv = read_obj(write(tmp_path, text + "f 1//1 2//1 3//1 4//1\n"))
    np.testing.assert_array_equal(faces, [[0, 1, 2], [0, 2, 3]])
    assert vertices.shape == (4, 3) and uv is None
    np.testing.assert_array_equal(read_obj(write(tmp_path, text + "f -4 -3 -2\n"))[1], [[0, 1, 2]])


def test_texture_coordinates_go_with_corners(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0.1 0.2 0\nvt 0.3 0.4\n"
    uv = read_obj(write(tmp_path, text + "f 1/1 2/2 3/1\n"))[2]
    np.testing.assert_array_equal(uv, [[[0.1, 0.2], [0.3, 0.4], [0.1, 0.2]]])
    with pytest.raises(ValueError, match="not there"):
        read_obj(write(tmp_path, text + "f 1/1 2/2 3/9\n"))


def test_nonsense_is_named_by_its_line(tmp_path):
    with pytest.raises(ValueError, match="line 2 is not OBJ: 'v 0 zero 0'"):
        read_obj(write(tmp_path, "v 0 0 0\nv 0 zero 0\n"))
