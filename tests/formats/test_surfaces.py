import numpy as np
import pytest
from meshes import full_mesh

from mvboot.errors import InputError
from mvboot.formats.surfaces import SURFACE_EXPORTS, save_surface


def test_unknown_forms(tmp_path):
    for name in ("m.stl", "m"):
        with pytest.raises(InputError, match="known are ply, obj, glb"):
            save_surface(full_mesh(), tmp_path / name)
    assert set(SURFACE_EXPORTS) == {"ply", "obj", "glb"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"normals": np.zeros((3, 3))}, "normals have shape"),
        ({"error_px": np.zeros(5)}, "error_px have shape"),
        ({"texture": None}, "texture needs uv"),
        ({"up": "north"}, "up must be one of"),
    ],
)
def test_meshes_that_do_not_fit_together(change, message):
    with pytest.raises(InputError, match=message):
        full_mesh(**change)


def test_faces_of_vertices_that_are_not_there():
    mesh = full_mesh()
    with pytest.raises(InputError, match="not among the mesh's 4"):
        type(mesh)("m", mesh.vertices, mesh.faces + 1)
    with pytest.raises(InputError, match="state one of m, cm, mm"):
        type(mesh)("ft", mesh.vertices, mesh.faces)
