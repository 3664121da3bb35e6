import cv2
import numpy as np
import pytest
import trimesh
from meshes import full_mesh

from mvboot.errors import InputError
from mvboot.formats import glb
from mvboot.formats.glb import strongest, write_morphed_glb
from mvboot.formats.surfaces import save_surface

gltf = pytest.importorskip("pygltflib", reason="pygltflib is not installed (extra dev)")

KINDS = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def values(document, accessor):
    """Return the numbers (n, ...) of an accessor."""
    part = document.accessors[accessor]
    view = document.bufferViews[part.bufferView]
    count = part.count * SIZES[part.type]
    numbers = np.frombuffer(
        document.binary_blob(), KINDS[part.componentType], count, view.byteOffset
    )
    return numbers.reshape(part.count, -1)


def test_metres_and_y_up(tmp_path):
    save_surface(full_mesh(), tmp_path / "m.glb")
    scene = trimesh.load(tmp_path / "m.glb", process=False)
    (mesh,) = scene.geometry.values()
    y_up = full_mesh().vertices[:, [0, 2, 1]] * [1, 1, -1] / 100
    np.testing.assert_allclose(mesh.vertices[mesh.faces], y_up[full_mesh().faces], atol=1e-7)
    assert mesh.vertices[:, 1].max() == pytest.approx(1.0)  # the tip is 100 cm up
    document = gltf.GLTF2().load(tmp_path / "m.glb")
    extras = document.asset.extras
    assert extras["units"] == "m"
    assert (extras["source units"], extras["source up"]) == ("cm", "z")
    assert (extras["rig"], extras["template"]) == ("00112233aabbccdd", "ffeeddcc99887766")


def test_unknown_up_is_said(tmp_path):
    save_surface(full_mesh(up=None), tmp_path / "m.glb")
    document = gltf.GLTF2().load(tmp_path / "m.glb")
    assert "axes as they are" in document.asset.extras["up"]
    places = values(document, document.meshes[0].primitives[0].attributes.POSITION)
    assert places[:, 2].max() == pytest.approx(1.0)


def test_texture(tmp_path):
    save_surface(full_mesh(), tmp_path / "m.glb")
    document = gltf.GLTF2().load(tmp_path / "m.glb")
    primitive = document.meshes[0].primitives[0]
    uv = values(document, primitive.attributes.TEXCOORD_0)
    faces = values(document, primitive.indices).reshape(-1, 3)
    expected = np.stack([full_mesh().uv[..., 0], 1 - full_mesh().uv[..., 1]], -1)
    np.testing.assert_allclose(uv[faces], expected, atol=1e-6)
    view = document.bufferViews[document.images[0].bufferView]
    content = document.binary_blob()[view.byteOffset :][: view.byteLength]
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(picture, full_mesh().texture)
    assert tuple(picture[int(uv[faces][0, 0, 1] * 8), 4]) == (255, 0, 0)  # the tip is red


def test_colours_are_linear(tmp_path):
    save_surface(full_mesh(uv=None, texture=None), tmp_path / "m.glb")
    document = gltf.GLTF2().load(tmp_path / "m.glb")
    colours = values(document, document.meshes[0].primitives[0].attributes.COLOR_0)
    np.testing.assert_allclose(colours[0], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(colours[3], 0.5029, atol=1e-4)  # sRGB 188 is half the light


def test_strongest_bones():
    weights = np.array([[0.3, 0.05, 0.25, 0.2, 0.2], [0, 0, 0, 1.0, 0]])
    bones, shares = strongest(weights)
    np.testing.assert_array_equal(bones[0], [0, 2, 3, 4])
    np.testing.assert_allclose(shares[0], np.array([0.3, 0.25, 0.2, 0.2]) / 0.95)
    np.testing.assert_array_equal(bones[1], [3, 0, 0, 0])
    np.testing.assert_array_equal(shares[1], [1, 0, 0, 0])
    few, shares = strongest(np.array([[0.4, 0.6]]))
    np.testing.assert_array_equal(few[0], [1, 0, 0, 0])
    np.testing.assert_allclose(shares[0], [0.6, 0.4, 0, 0])


def test_shapes_over_time(tmp_path):
    mesh = full_mesh()
    shapes = np.stack([mesh.vertices, mesh.vertices + [0, 0, 7], 2 * mesh.vertices])
    write_morphed_glb(mesh, shapes, np.array([0.0, 0.5, 1.0]), tmp_path / "m.glb")
    document = gltf.GLTF2().load(tmp_path / "m.glb")
    primitive = document.meshes[0].primitives[0]
    base = values(document, primitive.attributes.POSITION)
    (sampler,) = document.animations[0].samplers
    np.testing.assert_allclose(values(document, sampler.input)[:, 0], [0, 0.5, 1])
    weights = values(document, sampler.output).reshape(3, 3)
    moves = np.stack([values(document, target["POSITION"]) for target in primitive.targets])
    faces = values(document, primitive.indices).reshape(-1, 3)
    for frame in range(3):
        shown = base + np.einsum("t,tvi->vi", weights[frame], moves)
        expected = shapes[frame][:, [0, 2, 1]] * [1, 1, -1] / 100
        np.testing.assert_allclose(shown[faces], expected[mesh.faces], atol=1e-6)


def test_too_many_shapes(tmp_path, monkeypatch):
    monkeypatch.setattr(glb, "MOST_SHAPES", 2)
    mesh = full_mesh()
    with pytest.raises(InputError, match="3 frames without bones"):
        write_morphed_glb(mesh, np.stack([mesh.vertices] * 3), np.arange(3.0), tmp_path / "m.glb")


UTM = np.array([4.5e7, 5.6e8, 3e3])  # cm


@pytest.mark.parametrize("origin", [None, UTM + 500.0])
def test_a_world_far_from_its_origin_is_not_rounded(tmp_path, origin):
    """Single precision would move places 5,600 km away by a quarter of a metre."""
    mesh = full_mesh()
    far = full_mesh(origin=origin)
    far = type(far)(**{**vars(far), "vertices": mesh.vertices + UTM})
    save_surface(far, tmp_path / "far.glb")
    (found,) = trimesh.load(tmp_path / "far.glb", process=False).dump()
    y_up = (mesh.vertices + UTM)[:, [0, 2, 1]] * [1, 1, -1] / 100
    np.testing.assert_allclose(found.vertices[found.faces], y_up[mesh.faces], atol=1e-5, rtol=0)
    document = gltf.GLTF2().load(tmp_path / "far.glb")
    node = document.nodes[document.scenes[0].nodes[0]]
    assert node.translation == document.asset.extras["origin"]
    if origin is not None:
        np.testing.assert_allclose(node.translation, origin[[0, 2, 1]] * [1, 1, -1] / 100)
    near = gltf.GLTF2()
    save_surface(mesh, tmp_path / "near.glb")
    near = near.load(tmp_path / "near.glb")
    assert near.nodes[0].translation is None and "origin" not in near.asset.extras


def test_which_vertices_were_seen_is_kept(tmp_path):
    save_surface(full_mesh(texture=None, uv=None), tmp_path / "m.glb")
    document = gltf.GLTF2().load(tmp_path / "m.glb")
    found = values(document, document.meshes[0].primitives[0].attributes._VISIBLE)
    assert found[:, 0].tolist() == [1, 0, 1, 1]
