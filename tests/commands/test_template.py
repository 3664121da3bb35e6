import json

import numpy as np
import pytest
import trimesh

from mvboot.template import load_template

BALL = trimesh.creation.icosphere(2, radius=40)


@pytest.fixture
def ball(tmp_path):
    BALL.export(tmp_path / "ball.stl")
    return tmp_path / "ball.stl"


def test_an_stl_becomes_a_template_with_landmarks(mvboot, ball, tmp_path):
    out = tmp_path / "ball.npz"
    words = ["--units", "mm", "--up", "z", "--landmark", "nose=12", "--landmark", "tail=vertex:80"]
    result = mvboot("template", ball, *words, "--out", out)
    assert result.code == 0, result.err
    assert "80 x 80 x 80 mm" in result.out and "no bones" in result.out
    told = mvboot("inspect", out)
    assert told.code == 0 and "kind: template" in told.out and "['nose', 'tail']" in told.out
    made = load_template(out)
    assert (len(made.vertices), made.units, made.up) == (len(BALL.vertices), "mm", "z")
    assert made.embedding is not None and made.charts is not None
    assert {name: ids.tolist() for name, (ids, _) in made.keypoints.items()} == {
        "nose": [12],
        "tail": [80],
    }


def test_landmarks_are_numbered_as_in_the_file(mvboot, tmp_path):
    """The file has an unused vertex before all others: numbers of the template are one less."""
    vertices = np.concatenate([[[9.0, 9, 9]], BALL.vertices])
    np.savez(tmp_path / "m.npz", vertices=vertices, faces=BALL.faces + 1)
    words = ["template", tmp_path / "m.npz", "--units", "cm", "--out", tmp_path / "t.npz"]
    result = mvboot(*words, "--landmark", "a=31", "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)["keypoints"] == ["a"]
    made = load_template(tmp_path / "t.npz")
    place = made.vertices[made.keypoints["a"][0][0]]
    np.testing.assert_allclose(place, vertices[31], atol=1e-4)
    refused = mvboot(*words, "--overwrite", "--landmark", "a=0")
    assert refused.code == 2 and "no vertex 0; the file's vertices count from 0 to 162" in (
        refused.err
    )


@pytest.mark.parametrize(
    ("mesh", "words", "said"),
    [
        (BALL, [], "state it with --units"),
        (BALL, ["--units", "inch"], "m, cm, mm"),
        (BALL, ["--units", "mm", "--landmark", "a=x"], "a vertex is a whole number"),
        (BALL, ["--units", "mm", "--landmark", "a=900"], "no vertex 900"),
        (BALL, ["--units", "mm", "--up", "w"], "up must be one of"),
        (trimesh.util.concatenate([BALL, BALL.copy().apply_translation([99, 0, 0])]),
         ["--units", "mm"], "--largest-piece"),
        (trimesh.Trimesh(BALL.vertices, BALL.faces[:, ::-1], process=False),
         ["--units", "mm"], "look inwards"),
        (trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, -1, 0]],
                         [[0, 1, 2], [0, 1, 3], [0, 1, 4]], process=False),
         ["--units", "mm"], "more than two faces"),
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused_in_a_line(mvboot, tmp_path, mesh, words, said):
    mesh.export(tmp_path / "m.ply")
    result = mvboot("template", tmp_path / "m.ply", *words, "--out", tmp_path / "t.npz")
    assert result.code == 2 and said in result.err and len(result.err.splitlines()) == 1
    assert not (tmp_path / "t.npz").exists()


@pytest.mark.parametrize("name", ["points.ply", "text.stl", "scan.fbx", "missing.obj"])
def test_files_without_a_surface_are_refused(mvboot, tmp_path, name):
    trimesh.PointCloud(BALL.vertices).export(tmp_path / "points.ply")
    (tmp_path / "text.stl").write_text("not a mesh")
    (tmp_path / "scan.fbx").write_bytes(b"Kaydara")
    result = mvboot("template", tmp_path / name, "--units", "m", "--out", tmp_path / "t.npz")
    assert result.code == 2 and name in result.err and len(result.err.splitlines()) == 1


def test_the_output_must_be_a_free_npz(mvboot, ball, tmp_path):
    (tmp_path / "t.npz").write_text("mine")
    for out, said in (("t.npz", "--overwrite"), ("t.ply", "written as .npz")):
        result = mvboot("template", ball, "--units", "mm", "--out", tmp_path / out)
        assert result.code == 2 and said in result.err


def test_a_mesh_given_as_template_is_told_the_command(mvboot, ball, walker, tmp_path):
    words = ["--rig", walker.rig, "--fields", tmp_path, "--out", tmp_path / "o"]
    result = mvboot("surface", *words, "--template", ball)
    assert result.code == 2 and "mvboot template" in result.err
