from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from worm import make_worm, surface_of, worm_surface

from mvboot.errors import InputError, NothingUsable
from mvboot.surfaces.animation import animation_of

gltf = pytest.importorskip("pygltflib", reason="pygltflib is not installed (extra dev)")

KINDS = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
FRAMES = (10, 11, 13)


def values(document, accessor):
    """Return the numbers (n, ...) of an accessor."""
    part = document.accessors[accessor]
    view = document.bufferViews[part.bufferView]
    count = part.count * SIZES[part.type]
    blob = document.binary_blob()
    numbers = np.frombuffer(blob, KINDS[part.componentType], count, view.byteOffset)
    return numbers.reshape(part.count, -1).astype(float)


def local(node, animated):
    """Return the matrix of a node, its parts replaced by animated ones."""
    matrix = np.eye(4)
    turn = animated.get("rotation", node.rotation or [0, 0, 0, 1])
    matrix[:3, :3] = Rotation.from_quat(turn).as_matrix()
    matrix[:3, 3] = animated.get("translation", node.translation)
    return matrix


def played(document, sample):
    """Return the vertices and faces that a player shows at a sample of the animation."""
    animation = document.animations[0]
    animated = {}
    for channel in animation.channels:
        output = values(document, animation.samplers[channel.sampler].output)[sample]
        animated.setdefault(channel.target.node, {})[channel.target.path] = output
    skin, parents = document.skins[0], {}
    for number, node in enumerate(document.nodes):
        parents |= dict.fromkeys(node.children or [], number)

    def world(number):
        own = local(document.nodes[number], animated.get(number, {}))
        return world(parents[number]) @ own if number in parents else own

    inverse = values(document, skin.inverseBindMatrices).reshape(-1, 4, 4).swapaxes(1, 2)
    moved = np.stack([world(joint) for joint in skin.joints]) @ inverse
    primitive = document.meshes[0].primitives[0]
    rest = values(document, primitive.attributes.POSITION)
    bones = values(document, primitive.attributes.JOINTS_0).astype(int)
    weights = values(document, primitive.attributes.WEIGHTS_0)
    points = np.append(rest, np.ones((len(rest), 1)), 1)
    shown = np.einsum("vk,vkij,vj->vi", weights, moved[bones], points)[:, :3]
    return shown, values(document, primitive.indices).astype(int).reshape(-1, 3)


@pytest.fixture(scope="module")
def worm():
    return make_worm()


@pytest.mark.parametrize(("units", "up"), [("m", "z"), ("mm", "-y")])
def test_bones_play_the_surfaces(worm, ball, tmp_path, units, up):
    rig = ball.rig.in_units(units)
    rig = type(rig)(rig.cameras, units, up)
    scale = {"m": 1.0, "mm": 1000.0}[units]
    own = worm.in_units(units)
    animation = animation_of(own, rig, fps=10)
    surfaces = []
    for seed, frame in enumerate(FRAMES):
        posture = worm_surface(worm, seed).posture
        moved = type(posture)(posture.rotations, scale * posture.translation, posture.shape)
        vertices = own.posed(moved.rotations, moved.translation, moved.shape)
        surfaces.append(vertices / scale)
        animation.add(frame, surface_of(vertices, moved))
    animation.write(tmp_path / "w.glb")
    document = gltf.GLTF2().load(tmp_path / "w.glb")
    clock = values(document, document.animations[0].samplers[0].input)[:, 0]
    np.testing.assert_allclose(clock, [0, 0.1, 0.3])
    for sample, vertices in enumerate(surfaces):
        y_up = vertices[:, [0, 2, 1]] * [1, 1, -1] if up == "z" else vertices * [1, -1, -1]
        shown, faces = played(document, sample)
        np.testing.assert_allclose(shown[faces], y_up[worm.faces], atol=2e-6)
    assert "0.00 mm on average" in document.asset.extras["animation"]
    rest = values(document, document.meshes[0].primitives[0].attributes.POSITION)
    assert np.ptp(rest[:, 0]) > 0.8  # the template is z up whatever the rig: its x stays x


def shifted(rig, shift):
    """Return a rig moved by a shift (3,) of its world."""
    moved = {}
    for name, camera in rig.cameras.items():
        pose = camera.cam_from_world
        t = pose.t - pose.R @ pose.t.new_tensor(shift)
        moved[name] = camera.with_pose(replace(pose, t=t))
    return replace(rig, cameras=moved)


@pytest.mark.parametrize("bones", [True, False])
def test_a_world_far_from_its_origin_plays_where_it_is(worm, ball, tmp_path, bones):
    """In metres, 5,600 km away, where single precision would round to half a metre."""
    shift = np.array([4.5e5, 5.6e6, 30.0])
    rig = replace(shifted(ball.rig, shift), up="z")
    own = worm if bones else replace(worm, skeleton=None, shapes=None)
    animation, surfaces = animation_of(own, rig, fps=10), []
    for frame in range(2):
        posture = worm_surface(worm, frame).posture
        moved = type(posture)(posture.rotations, posture.translation + shift, posture.shape)
        surfaces.append(worm.posed(moved.rotations, moved.translation, moved.shape))
        animation.add(frame, surface_of(surfaces[-1], moved if bones else None))
    animation.write(tmp_path / "w.glb")
    document = gltf.GLTF2().load(tmp_path / "w.glb")
    primitive = document.meshes[0].primitives[0]
    for sample, vertices in enumerate(surfaces):
        y_up = vertices[:, [0, 2, 1]] * [1, 1, -1]
        if bones:
            shown, faces = played(document, sample)
            shown = shown + document.asset.extras["origin"]
        else:
            target = primitive.targets[sample]["POSITION"]
            shown = values(document, primitive.attributes.POSITION) + values(document, target)
            shown = shown + document.nodes[0].translation
            faces = values(document, primitive.indices).astype(int).reshape(-1, 3)
        np.testing.assert_allclose(shown[faces], y_up[worm.faces], atol=1e-5, rtol=0)


def test_quaternions_do_not_jump(worm, ball, tmp_path):
    animation = animation_of(worm, ball.rig, fps=10)
    for frame, angle in enumerate(np.linspace(0, 4 * np.pi, 24)):
        posture = worm_surface(worm, 0).posture
        rotations = np.zeros((3, 3))
        rotations[1, 0] = angle
        moved = type(posture)(rotations, np.zeros(3), posture.shape)
        animation.add(frame, surface_of(worm.posed(rotations, np.zeros(3), moved.shape), moved))
    animation.write(tmp_path / "w.glb")
    document = gltf.GLTF2().load(tmp_path / "w.glb")
    for channel in document.animations[0].channels:
        if channel.target.path == "rotation":
            output = document.animations[0].samplers[channel.sampler].output
            turns = values(document, output)
            assert (turns[1:] * turns[:-1]).sum(1).min() > 0.9


def test_how_far_it_is_from_the_surfaces_is_said(worm, ball, tmp_path):
    animation = animation_of(worm, ball.rig, fps=10)
    for frame, side in enumerate((-0.004, 0.004)):
        surface = worm_surface(worm, 0)
        moved = surface_of(surface.vertices + [side, 0, 0], surface.posture)
        animation.add(frame, moved)
    animation.write(tmp_path / "w.glb")
    said = gltf.GLTF2().load(tmp_path / "w.glb").asset.extras["animation"]
    assert "4.00 mm on average, 4.00 mm at most" in said


def test_without_bones_it_has_shapes(ball, tmp_path):
    animation = animation_of(ball.template, ball.rig, fps=25)
    for frame in range(3):
        animation.add(frame, surface_of((1 + frame) * ball.template.vertices))
    animation.write(tmp_path / "b.glb")
    document = gltf.GLTF2().load(tmp_path / "b.glb")
    assert len(document.meshes[0].primitives[0].targets) == 3
    assert not document.skins
    sampler = document.animations[0].samplers[0]
    np.testing.assert_allclose(values(document, sampler.input)[:, 0], [0, 0.04, 0.08])


def test_what_is_refused(worm, ball, tmp_path):
    for rate in (0, -1, np.nan):
        with pytest.raises(InputError, match="frame rate"):
            animation_of(worm, ball.rig, fps=rate)
    animation = animation_of(worm, ball.rig, fps=10)
    with pytest.raises(InputError, match="no posture"):
        animation.add(0, surface_of(worm.vertices))
    with pytest.raises(NothingUsable, match="no frame"):
        animation.write(tmp_path / "w.glb")
