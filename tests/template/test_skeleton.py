from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import roma
import torch
from scipy.sparse import csr_array
from scipy.spatial.transform import Rotation

from mvboot.errors import InputError
from mvboot.template import Template, load_template
from mvboot.template.skeleton import Skeleton, bone_axes, sparse_weights


def random_pose(template, seed=0, scale=0.4, batch=()):
    bones = len(template.skeleton.names)
    return np.random.default_rng(seed).normal(0, scale, (*batch, bones, 3))


def walked_joints(skeleton, rotations, translation):
    """Joint positions bone by bone, the way a book does it."""
    turns, places = [], []
    for b, parent in enumerate(skeleton.parents):
        own = skeleton.axes[b] @ Rotation.from_rotvec(rotations[b]).as_matrix() @ skeleton.axes[b].T
        if parent < 0:
            places.append(skeleton.heads[b] + translation)
            turns.append(own)
            continue
        step = skeleton.heads[b] - skeleton.heads[parent]
        places.append(places[parent] + turns[parent] @ step)
        turns.append(turns[parent] @ own)
    return np.array(places), np.array(turns)


def test_rest_pose_is_the_rest_mesh(shipped):
    rest = shipped.posed(np.zeros((len(shipped.skeleton.names), 3)))
    np.testing.assert_allclose(rest, shipped.vertices, atol=1e-9)


def test_root_moves_everything_rigidly(shipped):
    pose = np.zeros((len(shipped.skeleton.names), 3))
    pose[0] = [0.3, -1.2, 0.5]
    moved = shipped.posed(pose, translation=[1.0, 2.0, 3.0])
    axes, head = shipped.skeleton.axes[0], shipped.skeleton.heads[0]
    R = axes @ Rotation.from_rotvec(pose[0]).as_matrix() @ axes.T
    expected = (shipped.vertices - head) @ R.T + head + [1, 2, 3]
    np.testing.assert_allclose(moved, expected, atol=1e-9)


def test_joints_are_those_of_a_walk_along_the_chains(shipped):
    pose, shift = random_pose(shipped), np.array([0.5, -1.0, 0.25])
    expected, turns = walked_joints(shipped.skeleton, pose, shift)
    np.testing.assert_allclose(shipped.joints(pose, shift), expected, atol=1e-9)
    tensors = (torch.as_tensor(v) for v in (pose, shipped.skeleton.heads, shift))
    transforms = shipped.skeleton.transforms(*tensors)
    np.testing.assert_allclose(transforms[:, :3, :3].numpy(), turns, atol=1e-9)


def test_vertices_are_the_weighted_mean_of_their_bones(shipped):
    skeleton, pose = shipped.skeleton, random_pose(shipped)
    places, turns = walked_joints(skeleton, pose, np.zeros(3))
    local = shipped.vertices[:, None] - skeleton.heads
    by_bone = np.einsum("bij,vbj->vbi", turns, local) + places
    expected = (skeleton.weights.toarray()[..., None] * by_bone).sum(axis=1)
    np.testing.assert_allclose(shipped.posed(pose), expected, atol=1e-9)


def mirrored_pose(template, pose):
    """Swap left and right; bend stays, twist and side change sign."""
    swap = {"left": "right", "right": "left"}
    names = template.skeleton.names
    other = [
        names.index("_".join([*name.split("_")[:-1], swap[name.split("_")[-1]]]))
        if name.endswith(("_left", "_right"))
        else b
        for b, name in enumerate(names)
    ]
    return pose[other] * [1, -1, -1]


def test_mirrored_pose_gives_the_mirrored_mesh(shipped):
    pose = random_pose(shipped)
    straight, mirrored = shipped.posed(pose), shipped.posed(mirrored_pose(shipped, pose))
    flipped = straight[shipped.symmetry] * [-1, 1, 1]
    np.testing.assert_allclose(mirrored, flipped, atol=1e-9)
    still = (pose + mirrored_pose(shipped, pose)) / 2
    posed = shipped.posed(still)
    np.testing.assert_allclose(posed[shipped.symmetry] * [-1, 1, 1], posed, atol=1e-9)


def test_limits_mirror_and_contain_the_rest_pose(shipped):
    limits = shipped.skeleton.limits
    assert (limits[..., 0] <= 0).all() and (limits[..., 1] >= 0).all()
    np.testing.assert_allclose(mirrored_pose(shipped, limits.max(-1))[:, 0], limits[:, 0, 1])
    pose = random_pose(shipped, scale=5.0)
    clamped = shipped.skeleton.clamped(pose)
    assert (clamped >= limits[..., 0]).all() and (clamped <= limits[..., 1]).all()
    np.testing.assert_array_equal(shipped.skeleton.clamped(clamped), clamped)


def test_positive_bends_of_the_body_go_where_the_rig_says(body):
    bones, joints = body.skeleton.index, body.joints

    def moved(bone, component, joint, angle=0.5):
        pose = np.zeros((len(body.skeleton.names), 3))
        pose[bones(bone), component] = angle
        return joints(pose)[bones(joint)] - body.skeleton.heads[bones(joint)]

    for side, out in (("left", 1), ("right", -1)):
        assert moved(f"shin_{side}", 0, f"foot_{side}")[1] > 0.1  # the knee flexes backward
        assert moved(f"thigh_{side}", 0, f"foot_{side}", -0.5)[1] < -0.1  # the hip forward
        assert moved(f"forearm_{side}", 0, f"hand_{side}")[2] > 0  # the elbow lifts the hand
        lifted = moved(f"upper_arm_{side}", 2, f"hand_{side}", 0.5 * out)
        assert lifted[2] > 0.1  # side of the left is minus side of the right
    assert moved("spine1", 0, "head")[1] < -0.1  # bending forward


def test_batches_and_tensors_agree_with_single_poses(shipped):
    poses = random_pose(shipped, batch=(2, 3))
    shifts = np.random.default_rng(1).normal(size=(3, 3))
    shapes = np.random.default_rng(2).normal(size=(2, 1, shipped.n_shapes))
    many = shipped.posed(poses, shifts, shapes)
    assert many.shape == (2, 3, len(shipped.vertices), 3)
    one = shipped.posed(poses[1, 2], shifts[2], shapes[1, 0])
    np.testing.assert_allclose(many[1, 2], one, atol=1e-12)
    single = shipped.posed(torch.tensor(poses[1, 2]).float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single.numpy(), shipped.posed(poses[1, 2]), atol=1e-5)


def two_bones():
    heads = np.array([[0.0, 0, 0], [1, 0, 0]])
    tails = np.array([[1.0, 0, 0], [2, 0, 0]])
    return Skeleton(
        names=("root", "tip"),
        parents=np.array([-1, 0]),
        heads=heads,
        tails=tails,
        axes=bone_axes(heads, tails, np.tile([0.0, 0, 1], (2, 1))),
        weights=csr_array(np.array([[1.0, 0], [0.5, 0.5], [0, 1]])),
        limits=np.tile([-1.0, 1.0], (2, 3, 1)),
        head_shapes=np.zeros((0, 2, 3)),
    )


def test_gradients_of_pose_and_translation():
    skeleton = two_bones()
    points = torch.tensor([[0.0, 0.1, 0], [1, 0.1, 0], [2, 0.1, 0]], dtype=torch.float64)

    def move(rotations, translation):
        heads = torch.as_tensor(skeleton.heads)
        return skeleton.skinned(points, skeleton.transforms(rotations, heads, translation))

    pose = torch.tensor([[0.2, 0.1, -0.3], [0.5, 0.2, 0.1]], dtype=torch.float64)
    inputs = (pose.requires_grad_(), torch.zeros(3, dtype=torch.float64, requires_grad=True))
    assert torch.autograd.gradcheck(move, inputs)


def test_bone_axes_are_rotations_along_the_bone(shipped):
    axes = torch.as_tensor(shipped.skeleton.axes)
    np.testing.assert_allclose(axes @ axes.mT, torch.eye(3).expand_as(axes), atol=1e-9)
    assert (torch.linalg.det(axes) > 0).all()
    along = shipped.skeleton.tails - shipped.skeleton.heads
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    np.testing.assert_allclose(axes[:, :, 1], along, atol=1e-9)
    assert roma.is_rotation_matrix(axes, epsilon=1e-6)


def test_sparse_weights_sum_to_one_over_few_bones():
    rng = np.random.default_rng(0)
    few, many = rng.dirichlet(np.full(6, 0.5), 500), rng.dirichlet(np.full(20, 0.5), 500)
    for dense in (few, many):
        weights = sparse_weights(dense)
        np.testing.assert_allclose(np.asarray(weights.sum(axis=1)), 1.0, atol=1e-12)
        assert np.diff(weights.indptr).max() <= 8
    assert np.abs(sparse_weights(few).toarray() - few).max() < 0.02
    even = sparse_weights(np.full((1, 3), 1 / 3)).toarray()
    np.testing.assert_allclose(even, 1 / 3, atol=1e-15)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ("root", "root")}, "name of its own"),
        ({"parents": np.array([1, -1])}, "first bone must be the root"),
        ({"parents": np.array([-1, 1])}, "parents come before"),
        ({"heads": np.zeros((3, 3))}, "heads have shape"),
        ({"weights": csr_array(np.full((3, 2), 0.4))}, "sum to one"),
        ({"weights": csr_array(np.ones((3, 1)))}, "weights for 1 bones"),
        ({"limits": np.tile([1.0, -1.0], (2, 3, 1))}, "least value above"),
    ],
)
def test_refusals(change, message):
    with pytest.raises(InputError, match=message):
        replace(two_bones(), **change)


def test_unknown_bone():
    with pytest.raises(InputError, match="no bone 'wing'; there are root, tip"):
        two_bones().index("wing")


def test_the_skeleton_of_the_documentation_poses_a_mesh(sphere, tmp_path, monkeypatch):
    """The example gives a ball, of the unit sphere's size, a head that nods."""
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[2] / "docs" / "template.md").read_text()
    code = next(part for part in text.split("```python")[1:] if "Skeleton(" in part)
    told = {"template": Template("ball", "m", *sphere)}
    exec(code.split("```")[0], told)
    rigged = load_template(tmp_path / "rigged.npz")
    nod = np.array([[0.0, 0, 0], [0.5, 0, 0]])
    moved = np.linalg.norm(rigged.posed(nod) - rigged.vertices, axis=1)
    far = rigged.vertices[:, 1] > 0.6
    assert moved[far].min() > 0.08 and moved[rigged.vertices[:, 1] < -0.6].max() < 0.02
    assert rigged.topology == told["template"].topology
