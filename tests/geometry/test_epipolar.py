import numpy as np
import pytest
import torch

from mvboot.geometry import Camera, Pose, epipolar_distance, fundamental_matrix
from mvboot.geometry.epipolar import cross_matrix
from mvboot.rig import Rig

K_A = [[900.0, 1.5, 640.0], [0.0, 880.0, 500.0], [0.0, 0.0, 1.0]]
K_B = [[1200.0, -2.0, 600.0], [0.0, 1190.0, 520.0], [0.0, 0.0, 1.0]]


@pytest.fixture
def pair():
    a = Camera.from_opencv(K_A, [-0.2, 0.05, 1e-3, 2e-3], [0.1, 0.2, -0.1], [0.1, 0.0, 3.0])
    b = Camera.from_opencv(
        K_B, [-0.02, 0.0, 0.0, 0.0], [0.0, -0.7, 0.1], [-0.3, 0.1, 3.5], lens="fisheye"
    )
    return a, b


@pytest.fixture
def seen(pair):
    """The same points (2, 20, 3) as undistorted pixels of both cameras."""
    points = torch.tensor(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 20, 3)))
    return tuple(camera.undistort(camera.project(points)) for camera in pair)


def homogeneous(pixels):
    return torch.cat([pixels, torch.ones_like(pixels[..., :1])], -1)


def test_the_same_point_satisfies_the_constraint(pair, seen):
    F = fundamental_matrix(*pair)
    value = (homogeneous(seen[1]) * (homogeneous(seen[0]) @ F.mT)).sum(-1)
    assert value.abs().max() < 1e-12
    assert torch.linalg.matrix_norm(F) == pytest.approx(1.0)
    assert torch.linalg.svdvals(F)[2] < 1e-15


def test_swapping_the_cameras_transposes(pair):
    forth, back = fundamental_matrix(*pair), fundamental_matrix(*reversed(pair))
    sign = (forth * back.mT).sum().sign()
    torch.testing.assert_close(forth, back.mT * sign, rtol=0, atol=1e-12)


def test_the_other_cameras_centre_is_the_epipole(pair):
    a, b = pair
    F = fundamental_matrix(a, b)
    image_of_b = a.projection_matrix @ torch.cat([b.center, torch.ones(1).double()])
    assert (F @ (image_of_b / image_of_b.norm())).abs().max() < 1e-12


def test_rig_fundamental_is_by_name(pair):
    rig = Rig({"left": pair[0], "right": pair[1]}, units="m")
    torch.testing.assert_close(rig.fundamental("left", "right"), fundamental_matrix(*pair))
    torch.testing.assert_close(rig.fundamental("right", "left"), fundamental_matrix(*pair[::-1]))


def test_distance_is_in_pixels(pair, seen):
    F = fundamental_matrix(*pair)
    assert epipolar_distance(F, *seen).max() < 1e-8
    line = homogeneous(seen[0]) @ F.mT
    across = line[..., :2] / line[..., :2].norm(dim=-1, keepdim=True)
    along = across[..., [1, 0]] * torch.tensor([1.0, -1.0])
    moved = seen[1] + 5.0 * across + 100.0 * along
    torch.testing.assert_close(
        epipolar_distance(F, seen[0], moved), torch.full((2, 20), 5.0).double(), rtol=0, atol=1e-8
    )
    assert epipolar_distance(3.0 * F, seen[0], moved).max() == pytest.approx(5.0)


def test_distance_broadcasts_and_keeps_nan(pair, seen):
    F = fundamental_matrix(*pair)
    one_against_all = epipolar_distance(F, seen[0][0, :1], seen[1][0])
    assert one_against_all.shape == (20,) and one_against_all[0] < 1e-8 < one_against_all[1]
    missing = seen[1].clone()
    missing[0, 3, 1] = torch.nan
    assert torch.isnan(epipolar_distance(F, seen[0], missing)).nonzero().tolist() == [[0, 3]]


def test_cameras_at_one_place_have_no_epipolar_geometry(pair):
    a = pair[0]
    for seed in range(10):
        rotvec = np.random.default_rng(seed).normal(0, 1, 3)
        R = Pose.from_rotation(rotvec, [0.0] * 3).R.numpy()
        turned = Camera.from_opencv(K_B, None, R, -R @ a.center.numpy())
        assert torch.isnan(fundamental_matrix(a, turned)).all()
    assert torch.isnan(fundamental_matrix(a, a)).all()


def test_one_matrix_per_frame_for_moving_cameras(pair):
    rotvec = np.random.default_rng(0).normal(0, 0.1, (3, 3))
    moving = Camera.from_opencv(K_A, None, rotvec, np.ones((3, 3)), frames=[0, 1, 2])
    F = fundamental_matrix(moving, pair[1])
    assert F.shape == (3, 3, 3)
    torch.testing.assert_close(F[1], fundamental_matrix(moving.at(1), pair[1]))


@pytest.mark.parametrize("a_batch", [(), (3,), (2, 3)])
@pytest.mark.parametrize("b_batch", [(), (3,), (2, 3)])
@pytest.mark.parametrize("more", [(), (3,)])
def test_matrices_and_distances_of_batches_are_those_of_a_loop(pair, a_batch, b_batch, more):
    rng = np.random.default_rng(1)
    a, b = (
        camera.with_pose(
            Pose.from_rotation(rng.normal(0, 0.2, (*n, 3)), rng.normal([0, 0, 3], 1.0, (*n, 3)))
        )
        for camera, n in zip(pair, (a_batch, b_batch), strict=True)
    )
    batch = max(a_batch, b_batch, key=len)
    if {a_batch, b_batch} == {(3,), (2, 3)}:
        with pytest.raises(ValueError, match="poses of batch"):
            fundamental_matrix(a, b)
        return
    F = fundamental_matrix(a, b)
    assert F.shape == (*batch, 3, 3)
    here, there = torch.tensor(rng.uniform(0, 1000, (2, *batch, *more, 2)))
    distance = epipolar_distance(F, here, there)
    assert distance.shape == (*batch, *more)
    for i in np.ndindex(batch):
        one, other = (
            c.with_pose(c.cam_from_world[i]) if c.cam_from_world.batch_shape else c for c in (a, b)
        )
        alone = fundamental_matrix(one, other)
        torch.testing.assert_close(F[i], alone, rtol=0, atol=1e-12)
        torch.testing.assert_close(distance[i], epipolar_distance(alone, here[i], there[i]))


def test_poses_of_different_frames_make_no_matrix(pair):
    rotvec = np.random.default_rng(0).normal(0, 0.1, (3, 3))
    a, b = (
        Camera.from_opencv(K_A, None, rotvec, np.ones((3, 3)), frames=frames)
        for frames in ([0, 1, 2], [1, 2, 3])
    )
    with pytest.raises(ValueError, match="different frames"):
        fundamental_matrix(a, b)
    assert fundamental_matrix(a.at([1, 2]), b.at([1, 2])).shape == (2, 3, 3)


def test_pixels_of_other_batches_are_refused(pair):
    F = fundamental_matrix(*pair).expand(3, 3, 3)
    for a, b in (((4, 3), (4, 3)), ((3, 4), (3,)), ((3,), (4, 3)), ((1, 3), (3, 3))):
        with pytest.raises(ValueError, match=r"\(3,\)"):
            epipolar_distance(F, torch.zeros(*a, 2).double(), torch.zeros(*b, 2).double())


def test_gradients_reach_the_pose(pair):
    def run(rotvec, t):
        return fundamental_matrix(Camera.from_opencv(K_A, None, rotvec, t), pair[1])

    start = pair[0].cam_from_world
    inputs = [start.rotvec.detach().requires_grad_(), start.t.detach().requires_grad_()]
    assert torch.autograd.gradcheck(run, inputs)


def test_cross_matrix_is_the_cross_product():
    v, w = torch.tensor(np.random.default_rng(0).normal(0, 1, (2, 4, 3)))
    product = (cross_matrix(v) @ w[..., None])[..., 0]
    torch.testing.assert_close(product, torch.linalg.cross(v, w))
