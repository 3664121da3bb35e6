import numpy as np
import pytest
import trimesh

from mvboot.errors import InputError
from mvboot.template import load_template, template_of_mesh
from mvboot.template.embedding import distance_errors


def write(path, vertices, faces, **more):
    np.savez(path, vertices=vertices, faces=faces, **more)
    return path


def test_any_closed_mesh_becomes_a_template(tmp_path, sphere):
    path = tmp_path / "ball.ply"
    trimesh.Trimesh(*sphere, process=False).export(path)
    ball = template_of_mesh(path, units="cm", up="z")
    assert (ball.name, ball.units, ball.up) == ("ball", "cm", "z")
    assert ball.embedding.shape == (len(sphere[0]), 8)
    assert np.median(distance_errors(ball.embedding, ball.graph)) < 0.1
    assert len(ball.charts.names) >= 24
    assert ball.symmetry is not None
    ball.save(tmp_path / "ball.npz")
    assert load_template(tmp_path / "ball.npz").topology == ball.topology


def test_an_open_mesh_with_a_hole(tmp_path, sheet):
    template = template_of_mesh(write(tmp_path / "sheet.npz", *sheet), units="mm", name="cloth")
    assert template.name == "cloth" and template.symmetry is None
    parts = template.canonical(np.arange(len(sheet[1])), np.full((len(sheet[1]), 3), 1 / 3))
    assert parts.part.min() >= 1 and np.isfinite(parts.embedding).all()


def test_texture_coordinates_become_charts(tmp_path, full_sheet):
    vertices, faces = full_sheet
    uv = (vertices[faces][..., :2] + 1) / 2
    template = template_of_mesh(write(tmp_path / "s.npz", vertices, faces, uv=uv), units="m")
    assert template.charts.names == ("part1",)
    np.testing.assert_allclose(template.charts.uv, uv, atol=1e-6)


def test_the_unit_is_never_guessed(tmp_path, sphere):
    path = write(tmp_path / "ball.npz", *sphere)
    with pytest.raises(InputError, match="does not state its unit; give units: m, "):
        template_of_mesh(path)
    with pytest.raises(InputError, match="'inch'"):
        template_of_mesh(path, units="inch")


def test_pieces_are_refused_unless_told(tmp_path, sphere):
    vertices, faces = sphere
    path = write(
        tmp_path / "two.npz",
        np.concatenate([vertices, vertices[:3] + 9]),
        np.concatenate([faces, [[len(vertices), len(vertices) + 1, len(vertices) + 2]]]),
    )
    with pytest.raises(InputError, match="2 separate pieces"):
        template_of_mesh(path, units="m")
    assert len(template_of_mesh(path, units="m", largest_piece=True).faces) == len(faces)
