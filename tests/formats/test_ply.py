import numpy as np
import pytest
import trimesh
from meshes import full_mesh

from mvboot.errors import InputError
from mvboot.formats.ply import read_ply, read_triangles
from mvboot.formats.surfaces import save_surface


@pytest.fixture
def path(tmp_path):
    save_surface(full_mesh(), tmp_path / "m.ply")
    return tmp_path / "m.ply"


def test_round_trip(path):
    mesh, back = full_mesh(), read_ply(path)
    for name in ("vertices", "normals", "error_px", "sigma"):
        np.testing.assert_allclose(getattr(back, name), getattr(mesh, name), rtol=1e-6, atol=1e-9)
    for name in ("faces", "colours", "n_views", "visible"):
        np.testing.assert_array_equal(getattr(back, name), getattr(mesh, name))
    for name in ("units", "up", "rig", "template", "notes"):
        assert getattr(back, name) == getattr(mesh, name)


def test_what_is_not_known_is_not_in_the_file(tmp_path):
    bare = dict.fromkeys(
        ("up", "normals", "colours", "error_px", "sigma", "n_views", "visible", "uv", "texture")
    )
    save_surface(full_mesh(**bare, rig="", template=""), tmp_path / "m.ply")
    back = read_ply(tmp_path / "m.ply")
    assert all(getattr(back, name) is None for name in bare)
    assert (back.rig, back.template) == ("", "")


def test_another_reader_understands_it(path):
    mesh = trimesh.load(path, process=False)
    np.testing.assert_allclose(mesh.vertices, full_mesh().vertices)
    np.testing.assert_array_equal(mesh.faces, full_mesh().faces)
    np.testing.assert_array_equal(mesh.visual.vertex_colors[:, :3], full_mesh().colours)
    rows = mesh.metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(rows["n_views"].ravel(), [3, 0, 2, 300])
    np.testing.assert_array_equal(rows["visible"].ravel(), [1, 0, 1, 1])
    np.testing.assert_allclose(rows["error"].ravel(), [0.5, np.nan, 1.25, 2.0])
    text = path.read_bytes().split(b"end_header")[0].decode()
    for line in ("units: cm", "up: z", "rig: 00112233aabbccdd", "template: ffeeddcc99887766"):
        assert f"comment {line}\n" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-3], "damaged or cut off"),
        (lambda content: content[:60], "no binary little endian PLY"),
        (lambda content: content.replace(b"comment units: cm\n", b""), "states no units"),
        (lambda content: content.replace(b"units: cm", b"units: ft"), "units 'ft'"),
        (lambda content: content.replace(b"float x", b"float q"), "damaged or cut off"),
        (lambda content: content.replace(b"float x", b"thing x"), "damaged or cut off"),
        (lambda content: content.replace(b"face 4", b"face -2"), "damaged or cut off"),
    ],
)
def test_damaged_files(path, change, message):
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=message) as caught:
        read_ply(path)
    assert str(path) in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.ply"):
        read_ply(tmp_path / "none.ply")


def test_triangles_of_another_program(tmp_path):
    mesh = trimesh.creation.icosphere(1)
    mesh.export(tmp_path / "t.ply")
    vertices, faces = read_triangles(tmp_path / "t.ply")
    np.testing.assert_allclose(vertices, mesh.vertices, atol=1e-6)
    np.testing.assert_array_equal(faces, mesh.faces)
