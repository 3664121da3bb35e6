from dataclasses import replace

import numpy as np
import pytest
import trimesh
from worm import make_worm, worm_surface

from mvboot.errors import InputError, NothingUsable
from mvboot.formats.ply import read_ply
from mvboot.surfaces.export import surface_mesh, write_surface
from mvboot.surfaces.fit import Lost
from mvboot.surfaces.texture import Painter


@pytest.fixture(scope="module")
def worm():
    return make_worm()


def test_measures_of_the_vertices(worm, ball):
    surface = worm_surface(worm, 0, sigma=0.02)
    carried = np.arange(len(worm.vertices)) < 5
    surface = replace(surface, carried=carried)
    mesh = surface_mesh(surface, worm, ball.rig, frame=7)
    np.testing.assert_allclose(mesh.sigma, 0.02)
    np.testing.assert_array_equal(mesh.visible, ~carried)
    assert mesh.statement["frame"] == "7"
    assert mesh.statement["rig"] == ball.rig.fingerprint()
    assert mesh.statement["template"] == worm.topology
    outward = (mesh.normals * (mesh.vertices - surface.vertices.mean(0))).sum(1)
    assert (outward > 0).mean() > 0.8


def test_a_folder_of_frames_and_an_animation(worm, ball, tmp_path):
    frames = [
        (3, worm_surface(worm, 0)),
        (4, Lost("nobody there")),
        (5, worm_surface(worm, 1)),
    ]
    paint = Painter(worm, 64).paint()
    written = write_surface(
        tmp_path / "out", frames, worm, ball.rig, ("ply", "obj", "glb"), fps=30, paint=paint
    )
    assert written == [3, 5]
    names = {path.name for path in (tmp_path / "out").iterdir()}
    each = {f"frame_{n:06d}.{s}" for n in (3, 5) for s in ("ply", "obj", "mtl", "png", "glb")}
    assert names == each | {"animation.glb"}
    back = read_ply(tmp_path / "out" / "frame_000005.ply")
    np.testing.assert_allclose(back.vertices, frames[2][1].vertices, atol=1e-6)
    assert back.notes["frame"] == "5"
    scene = trimesh.load(tmp_path / "out" / "frame_000005.glb", process=False)
    (mesh,) = scene.geometry.values()
    y_up = frames[2][1].vertices[:, [0, 2, 1]] * [1, 1, -1]
    np.testing.assert_allclose(mesh.vertices[mesh.faces], y_up[worm.faces], atol=1e-6)
    assert mesh.visual.material.baseColorTexture.size == (64, 64)


def test_what_is_refused(worm, ball, tmp_path):
    one = [(0, worm_surface(worm, 0))]
    with pytest.raises(InputError, match="known are ply, obj, glb"):
        write_surface(tmp_path / "a", one, worm, ball.rig, ("stl",))
    with pytest.raises(NothingUsable, match="no frame has a surface"):
        write_surface(tmp_path / "a", [(0, Lost("x"))], worm, ball.rig)
    with pytest.raises(InputError, match="one unit"):
        write_surface(tmp_path / "a", one, worm.in_units("cm"), ball.rig)
    with pytest.raises(InputError, match="another template"):
        write_surface(tmp_path / "a", one, ball.template, ball.rig)
    assert not (tmp_path / "a").exists()
