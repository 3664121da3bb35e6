import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mvboot.geometry import Pose
from mvboot.geometry.rotations import matrix_of

few = settings(max_examples=30, deadline=None, derandomize=True)


def vectors(limit, shape=(3,)):
    return npst.arrays(np.float64, shape, elements=st.floats(-limit, limit))


poses = st.builds(Pose.from_rotation, vectors(1.5), vectors(10.0))
points = vectors(10.0, (5, 3)).map(torch.from_numpy)


def close(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


def same(a, b):
    close(a.R, b.R)
    close(a.t, b.t)


@few
@given(poses, points)
def test_inverse_undoes(pose, x):
    close(pose.inverse().apply(pose.apply(x)), x)
    same(pose.inverse().inverse(), pose)
    same(pose @ pose.inverse(), Pose.identity())


@few
@given(poses, poses, poses, points)
def test_composition(c_from_b, b_from_a, a_from_z, x):
    close((c_from_b @ b_from_a).apply(x), c_from_b.apply(b_from_a.apply(x)))
    same((c_from_b @ b_from_a) @ a_from_z, c_from_b @ (b_from_a @ a_from_z))
    same((c_from_b @ b_from_a).inverse(), b_from_a.inverse() @ c_from_b.inverse())
    same(c_from_b @ Pose.identity(), c_from_b)


@few
@given(poses, points)
def test_rotations_keep_lengths_and_the_centre_maps_to_zero(pose, x):
    close(pose.rotate(x).norm(dim=-1), x.norm(dim=-1))
    close(pose.apply(x) - pose.rotate(x), pose.t.expand(5, 3))
    close(pose.apply(pose.center), torch.zeros(3, dtype=torch.float64))


@few
@given(poses)
def test_rodrigues_and_matrix_are_the_same_rotation(pose):
    same(Pose.from_rotation(pose.rotvec, pose.t), pose)
    same(Pose.from_rotation(pose.R, pose.t), pose)
    close(torch.linalg.det(pose.R), torch.ones((), dtype=torch.float64))


@few
@given(poses, points, st.sampled_from([0.001, 0.1, 1000.0]))
def test_scaling_changes_the_unit(pose, x, factor):
    torch.testing.assert_close(
        pose.scaled(factor).apply(factor * x), factor * pose.apply(x), rtol=1e-9, atol=1e-9
    )


def test_rodrigues_is_opencvs():
    quarter = Pose.from_rotation([0.0, 0.0, np.pi / 2], [0.0, 0.0, 0.0])
    close(quarter.apply(torch.tensor([1.0, 0, 0]).double()), torch.tensor([0.0, 1, 0]).double())


def test_one_pose_per_frame():
    rng = np.random.default_rng(0)
    rotvec, t = rng.normal(0, 0.5, (4, 3)), rng.normal(0, 1, (4, 3))
    many = Pose.from_rotation(rotvec, t)
    assert many.batch_shape == (4,) and many[1].batch_shape == () and many[1:3].batch_shape == (2,)
    x = torch.tensor(rng.normal(0, 1, (4, 3)))
    for f in range(4):
        one = Pose.from_rotation(rotvec[f], t[f])
        same(many[f], one)
        close(many.apply(x)[f], one.apply(x[f]))
        close(many.center[f], one.center)
        same((many @ many.inverse())[f], Pose.identity())


BATCHES = [(), (3,), (2, 3), (1,)]


def some(batch, seed=0):
    rng = np.random.default_rng(seed)
    rotvec, t = torch.tensor(rng.normal(0, 0.5, (2, *batch, 3)))
    return Pose(matrix_of(rotvec), 2 * t)


def at(pose, index):
    """Return one pose of a batch, for an index into a batch that goes on beyond its own."""
    return pose[index[: len(pose.batch_shape)]]


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("more", [(), (3,), (2, 3), (0,)])
def test_the_batch_is_the_first_dimensions_of_the_points(batch, more):
    pose = some(batch)
    x = torch.tensor(np.random.default_rng(1).normal(0, 1, (*batch, *more, 3)))
    applied, rotated = pose.apply(x), pose.rotate(x)
    assert applied.shape == rotated.shape == x.shape
    for i in np.ndindex(batch):
        close(applied[i], x[i] @ pose.R[i].mT + pose.t[i])
        close(rotated[i], x[i] @ pose.R[i].mT)
        close(pose.center[i], -pose.R[i].mT @ pose.t[i])
        same(pose.inverse()[i], pose[i].inverse())
    close(pose.inverse().apply(applied), x)


@pytest.mark.parametrize("a", BATCHES[:3])
@pytest.mark.parametrize("more", [(), (3,), (2,)])
def test_composed_batches_begin_alike(a, more):
    few, many = some(a, 1), some((*a, *more), 2)
    for b_from_a, a_from_z in ((few, many), (many, few), (many, some(())), (some(()), many)):
        b_from_z = b_from_a @ a_from_z
        assert b_from_z.batch_shape == (*a, *more)
        for i in np.ndindex(*a, *more):
            same(b_from_z[i], at(b_from_a, i) @ at(a_from_z, i))


@pytest.mark.parametrize(
    ("batch", "shape"),
    [((5,), (4, 5)), ((5,), (4,)), ((5,), ()), ((3,), ()), ((5,), (1,)), ((1,), (5,))]
    + [((2, 3), (3,)), ((2, 3), (2,)), ((2, 3), (1, 3)), ((2, 3), (3, 2))],
)
def test_other_shapes_are_refused_and_named(batch, shape):
    pose, both = some(batch), f"{re.escape(str(batch))} .* {re.escape(str((*shape, 3)))}"
    for carry in (pose.apply, pose.rotate):
        with pytest.raises(ValueError, match=both):
            carry(torch.zeros((*shape, 3), dtype=torch.float64))


@pytest.mark.parametrize(("a", "b"), [((5,), (4, 5)), ((5,), (4,)), ((2, 3), (3,)), ((1,), (3,))])
def test_batches_that_begin_differently_are_not_composed(a, b):
    for one, other in ((a, b), (b, a)):
        with pytest.raises(ValueError, match="poses of batch"):
            some(one) @ some(other)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 1)])
def test_one_rotation_vector_of_any_shape(shape):
    pose = Pose.from_rotation(np.full(shape, 0.1), np.ones(shape))
    assert pose.batch_shape == ()
    same(pose, Pose.from_rotation([0.1] * 3, [1.0] * 3))


def test_to_changes_the_precision():
    pose = Pose.identity().to(torch.zeros(1, dtype=torch.float32))
    assert pose.R.dtype == pose.t.dtype == torch.float32


@pytest.mark.parametrize(
    ("rotation", "translation", "message"),
    [
        (np.diag([1.0, 1.0, -1.0]), [0.0] * 3, "mirrored world"),
        (np.eye(3) + 0.01, [0.0] * 3, "not orthonormal"),
        (np.eye(3), [0.0] * 2, "translation of 3 numbers"),
        (np.eye(3), [[0.0] * 3] * 2, "shapes"),
        (np.zeros((2, 3)), [0.0] * 3, "shapes"),
        ([0.0, np.nan, 0.0], [0.0] * 3, "finite"),
        ([0.0] * 3, [np.inf, 0.0, 0.0], "finite"),
    ],
)
def test_what_is_no_pose(rotation, translation, message):
    with pytest.raises(ValueError, match=message):
        Pose.from_rotation(rotation, translation)
