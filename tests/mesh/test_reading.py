import numpy as np
import pytest
import trimesh

from mvboot.errors import InputError
from mvboot.mesh.reading import read_mesh, require_sound

BOX = trimesh.creation.box()


@pytest.mark.parametrize("suffix", ["ply", "obj", "glb"])
def test_formats_give_the_same_surface(tmp_path, sphere, suffix):
    vertices, faces = sphere
    path = tmp_path / f"mesh.{suffix}"
    trimesh.Trimesh(vertices, faces, process=False).export(path)
    mesh = read_mesh(path)
    np.testing.assert_array_equal(mesh.faces, faces)
    np.testing.assert_allclose(mesh.vertices, vertices, atol=1e-6)


def test_npz_with_unused_and_doubled_vertices(tmp_path):
    vertices = np.array([[9, 9, 9], [0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 1, 0.0]])
    faces = np.array([[1, 2, 3], [3, 4, 5], [2, 4, 5]])  # the last is a line
    np.savez(tmp_path / "m.npz", vertices=vertices, faces=faces)
    mesh = read_mesh(tmp_path / "m.npz")
    assert mesh.vertices.shape == (4, 3)
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [2, 1, 3]])


def test_texture_seams_are_sewn_and_their_uv_kept(tmp_path):
    (tmp_path / "m.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\n"
        "vt 0 0\nvt 1 0\nvt 0 1\nvt 0.5 0.5\nvt 0.6 0.5\nvt 0.5 0.6\n"
        "f 1/1 2/2 3/3\nf 3/4 2/5 4/6\n"
    )
    mesh = read_mesh(tmp_path / "m.obj")
    assert len(mesh.vertices) == 4
    np.testing.assert_allclose(
        np.sort(mesh.uv.reshape(-1, 2).sum(axis=1)), [0, 1, 1, 1, 1.1, 1.1], atol=1e-6
    )


def save(path, vertices=BOX.vertices, faces=BOX.faces, **more):
    np.savez(path, vertices=vertices, faces=faces, **more)
    return path


def nan_vertex():
    vertices = np.array(BOX.vertices)
    vertices[3, 1] = np.nan
    return vertices


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"faces": np.zeros((0, 3), int)}, "no faces"),
        ({"faces": BOX.faces + 1}, "counted from 0"),
        ({"faces": BOX.faces.astype(float)}, "whole numbers"),
        ({"faces": np.zeros((5, 4), int)}, "triangles"),
        ({"vertices": BOX.vertices[:, :2]}, "expected \\(V, 3\\)"),
        ({"vertices": nan_vertex()}, "not finite numbers, the first is vertex 3"),
        ({"uv": np.zeros((3, 3, 2))}, "uv has shape"),
        ({"faces": np.concatenate([BOX.faces, BOX.faces[:1]])}, "more than two"),
        ({"faces": np.concatenate([BOX.faces[:1, ::-1], BOX.faces[1:]])}, "normals consistent"),
        ({"faces": BOX.faces, "topology": "x"}, "finished template"),
    ],
)
def test_refusals_say_what_is_wrong(tmp_path, arrays, message):
    path = save(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InputError, match=message) as caught:
        read_mesh(path)
    assert str(path) in str(caught.value)


def test_two_pieces_are_refused_or_the_largest_kept(tmp_path, sphere):
    vertices = np.concatenate([BOX.vertices + 5, sphere[0]])
    faces = np.concatenate([BOX.faces, sphere[1] + 8])
    path = save(tmp_path / "two.npz", vertices, faces)
    with pytest.raises(InputError, match="2 separate pieces \\(faces: 1280, 12\\)"):
        read_mesh(path)
    mesh = read_mesh(path, largest_piece=True)
    np.testing.assert_array_equal(mesh.vertices, sphere[0])
    np.testing.assert_array_equal(mesh.faces, sphere[1])


def test_two_cones_that_touch_at_their_tips_are_no_surface():
    vertices = np.random.default_rng(0).normal(size=(7, 3))
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 4, 5], [0, 5, 6]])
    with pytest.raises(InputError, match="touches itself at vertex 0"):
        require_sound(vertices, faces)


@pytest.mark.parametrize("suffix", ["ply", "obj", "glb", "npz"])
def test_damaged_files(tmp_path, suffix):
    good = tmp_path / f"good.{suffix}"
    if suffix == "npz":
        save(good)
    else:
        trimesh.creation.icosphere(3).export(good)
    bad = tmp_path / f"bad.{suffix}"
    bad.write_bytes(good.read_bytes()[: good.stat().st_size // 3])
    with pytest.raises(InputError, match=f"bad.{suffix}"):
        read_mesh(bad)


def test_points_alone_unknown_suffixes_and_missing_files(tmp_path):
    trimesh.PointCloud(BOX.vertices).export(tmp_path / "points.ply")
    (tmp_path / "mesh.fbx").write_text("")
    np.savez(tmp_path / "other.npz", points=np.zeros(3))
    for name, message in (
        ("points.ply", "no faces"),
        ("mesh.fbx", "one of .ply"),
        ("none.ply", "no such file"),
        ("other.npz", "no vertices and no faces; there is points"),
    ):
        with pytest.raises(InputError, match=message):
            read_mesh(tmp_path / name)


def test_open_and_closed_meshes_are_sound(sphere, sheet):
    require_sound(*sphere)
    require_sound(*sheet)
