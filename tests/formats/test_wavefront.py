import cv2
import numpy as np
import pytest
import trimesh
from meshes import full_mesh

from mvboot.errors import InputError
from mvboot.formats.surfaces import save_surface
from mvboot.mesh.obj import read_obj


def test_round_trip(tmp_path):
    mesh = full_mesh()
    save_surface(mesh, tmp_path / "m.obj")
    vertices, faces, uv = read_obj(tmp_path / "m.obj")
    np.testing.assert_allclose(vertices, mesh.vertices)
    np.testing.assert_array_equal(faces, mesh.faces)
    np.testing.assert_allclose(uv, mesh.uv)
    picture = cv2.imread(str(tmp_path / "m.png"))[..., ::-1]
    np.testing.assert_array_equal(picture, mesh.texture)
    text = (tmp_path / "m.obj").read_text()
    assert "# units: cm\n" in text
    assert "# template: ffeeddcc99887766\n" in text


@pytest.mark.parametrize("normals", [True, False])
@pytest.mark.parametrize("textured", [True, False])
def test_another_reader_understands_it(tmp_path, normals, textured):
    changes = {} if textured else {"uv": None, "texture": None}
    changes |= {} if normals else {"normals": None}
    save_surface(full_mesh(**changes), tmp_path / "m.obj")
    mesh = trimesh.load(tmp_path / "m.obj", process=False)
    corners = full_mesh().vertices[full_mesh().faces]
    np.testing.assert_allclose(mesh.vertices[mesh.faces], corners)
    if textured:
        assert mesh.visual.material.image.size == (8, 8)
        np.testing.assert_allclose(mesh.visual.uv[mesh.faces], full_mesh().uv)
    else:
        assert not (tmp_path / "m.mtl").exists()


def test_spaces_in_the_name(tmp_path):
    with pytest.raises(InputError, match="spaces"):
        save_surface(full_mesh(), tmp_path / "my mesh.obj")
