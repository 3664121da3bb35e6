import dataclasses
import re

import numpy as np
import pytest
import roma
import torch

from mvboot.geometry import Camera, Pose
from mvboot.geometry.arrays import to_tensor
from mvboot.geometry.camera import checked_size
from mvboot.geometry.lenses import Brown, Fisheye
from mvboot.geometry.rotations import matrix_of

K0 = np.array([[900.0, 0.0, 640.0], [0.0, 880.0, 500.0], [0.0, 0.0, 1.0]])


# --- there and back ---------------------------------------------------------------------------


def test_ray_and_project_are_inverse(camera, pixels, points):
    np.testing.assert_allclose(camera.project(points), pixels, atol=1e-6, rtol=0)


def test_rays_start_at_the_centre_and_have_unit_length(camera, pixels):
    origin, direction = camera.ray(pixels)
    np.testing.assert_allclose(origin, -camera.cam_from_world.R.numpy().T @ [0.1, 0.2, 3.0])
    np.testing.assert_allclose(np.linalg.norm(direction, axis=-1), 1.0)


def test_principal_point_looks_along_the_optical_axis(camera):
    _, direction = camera.ray(camera.K[:2, 2].numpy())
    np.testing.assert_allclose(direction, camera.forward.numpy(), atol=1e-12)


def test_undistorted_pixels_are_a_pinholes(camera, pixels, points):
    pinhole = Camera(camera.K, Camera.from_opencv(K0).lens, camera.cam_from_world)
    np.testing.assert_allclose(camera.undistort(pixels), pinhole.project(points), atol=1e-6)


def test_projection_matrix_is_the_pinhole_part(camera, pixels, points):
    homogeneous = points @ camera.projection_matrix[:, :3].numpy().T
    homogeneous = homogeneous + camera.projection_matrix[:, 3].numpy()
    flat = homogeneous[..., :2] / homogeneous[..., 2:]
    np.testing.assert_allclose(camera.undistort(pixels), flat, atol=1e-6)


# --- derivatives ------------------------------------------------------------------------------


def parameters(camera):
    pose = camera.cam_from_world
    upper = camera.K[[0, 0, 0, 1, 1], [0, 1, 2, 1, 2]]
    tensors = (upper, camera.lens.coefficients.clone(), pose.rotvec, pose.t.clone())
    return [tensor.detach().requires_grad_(tensor.numel() > 0) for tensor in tensors]


def intrinsics(upper):
    zero, one = torch.zeros_like(upper[:1]), torch.ones_like(upper[:1])
    return torch.cat([upper[:3], zero, upper[3:], zero, zero, one]).reshape(3, 3)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["project", "ray", "undistort"])
def test_gradients_with_respect_to_points_and_parameters(camera, pixels, points, method):
    def run(upper, coefficients, rotvec, t, values):
        moved = Camera.from_opencv(
            intrinsics(upper), coefficients, rotvec, t, lens=camera.lens.name
        )
        return getattr(moved, method)(values)

    values = points if method == "project" else pixels
    values = torch.tensor(values[::4, ::3].reshape(-1, values.shape[-1]), requires_grad=True)
    assert torch.autograd.gradcheck(run, (*parameters(camera), values))


def test_a_tilt_of_zero_has_a_gradient():
    def run(coefficients):
        return Camera.from_opencv(K0, coefficients).project(
            torch.tensor([[0.3, 0.2, 1.0]]).double()
        )

    assert torch.autograd.gradcheck(run, torch.zeros(14, dtype=torch.float64, requires_grad=True))


def test_gradients_survive_a_first_use_without_them():
    coefficients = torch.tensor([0.1, 0.0, 0.0, 0.0], dtype=torch.float64, requires_grad=True)
    camera = Camera.from_opencv(K0, coefficients)
    with torch.no_grad():
        camera.project(torch.tensor([0.1, 0.2, 1.0]).double())
    for _ in range(2):
        camera.ray(torch.tensor([100.0, 100.0]).double())[1].sum().backward()
    assert coefficients.grad.abs().min() > 0


@pytest.mark.parametrize("lens", ["brown", "fisheye"])
def test_gradients_are_finite_where_the_answer_is_nan(lens):
    camera = Camera.from_opencv(K0, [-0.3, 0, 0, 0], lens=lens)
    points = torch.tensor([[0.1, 0.2, 1.0], [0.1, 0.2, -1.0], [9.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    points = points.double().requires_grad_()
    px = camera.project(points)
    assert torch.isnan(px).any(-1).tolist() == [False, True, True, True]
    px[~torch.isnan(px)].sum().backward()
    assert torch.isfinite(points.grad).all()
    pixels = torch.tensor([[700.0, 600.0], [1e5, 0.0], [640.0, 500.0]], dtype=torch.float64)
    pixels.requires_grad_()
    _, direction = camera.ray(pixels)
    assert torch.isnan(direction).any(-1).tolist() == [False, True, False]
    direction[~torch.isnan(direction)].sum().backward()
    assert torch.isfinite(pixels.grad).all()


def test_gradient_on_the_axis_of_a_fisheye_is_exact():
    camera = Camera.from_opencv(K0, [0.1, 0, 0, 0], lens="fisheye")
    on_axis = torch.tensor([[0.0, 0.0, 2.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(camera.project, on_axis)


# --- what comes in and what comes out -----------------------------------------------------------


@pytest.mark.parametrize("batch", [(), (3,), (2, 3), (0,), (2, 1, 3)])
def test_any_leading_dimensions(camera, batch):
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.5, 0.5, (*batch, 3))
    px = camera.project(points)
    assert px.shape == (*batch, 2)
    one_by_one = [camera.project(point) for point in points.reshape(-1, 3)]
    np.testing.assert_allclose(px.reshape(-1, 2), np.array(one_by_one).reshape(-1, 2), rtol=1e-12)
    origin, direction = camera.ray(px)
    assert origin.shape == (3,) and direction.shape == (*batch, 3)
    assert camera.undistort(px).shape == (*batch, 2)


def test_numpy_in_numpy_out_and_tensor_in_tensor_out(camera, pixels, points):
    assert isinstance(camera.project(points), np.ndarray)
    assert all(isinstance(part, np.ndarray) for part in camera.ray(pixels))
    assert isinstance(camera.undistort(pixels), np.ndarray)
    assert isinstance(camera.project(torch.tensor(points)), torch.Tensor)
    assert all(isinstance(part, torch.Tensor) for part in camera.ray(torch.tensor(pixels)))
    assert isinstance(camera.project(points.tolist()), np.ndarray)


def test_whole_numbers_are_not_rounded(camera):
    np.testing.assert_array_equal(
        camera.project(np.array([0, 0, 1])), camera.project(np.array([0.0, 0.0, 1.0]))
    )


def test_float32_stays_float32_and_agrees(camera, pixels, points):
    px = camera.project(torch.tensor(points, dtype=torch.float32))
    assert px.dtype == torch.float32
    np.testing.assert_allclose(px.numpy(), pixels, atol=2e-2)  # 1280 px * 2^-24 * a few steps
    _, direction = camera.ray(torch.tensor(pixels, dtype=torch.float32))
    assert direction.dtype == torch.float32
    np.testing.assert_allclose(direction.numpy(), camera.ray(pixels)[1], atol=2e-5)


def test_parameters_of_mixed_precision_make_one_camera():
    camera = Camera.from_opencv(torch.tensor(K0, dtype=torch.float32), [0.1, 0, 0, 0], [0, 0, 0.1])
    assert camera.project(torch.tensor([0.1, 0.2, 1.0])).dtype == torch.float32
    assert camera.project(torch.tensor([0.1, 0.2, 1.0]).double()).dtype == torch.float64


def test_nan_in_nan_out(camera, pixels):
    pixels[0, 0, 0] = pixels[1, 1, 1] = np.nan
    missing = np.isnan(pixels).any(-1)
    for answer in (camera.ray(pixels)[1], camera.undistort(pixels)):
        np.testing.assert_array_equal(np.isnan(answer).all(-1), missing)
        np.testing.assert_array_equal(np.isnan(answer).any(-1), missing)
    points = np.array([[0.0, np.nan, 1.0], [0.0, 0.0, np.inf], [0.0, 0.0, 1.0]])
    assert np.isnan(camera.project(points)).all(-1).tolist() == [True, True, False]


def test_behind_the_camera_is_nan(camera):
    camera = camera.with_pose(Pose.identity())
    points = np.array([[0.0, 0.0, -0.5], [0.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    assert np.isnan(camera.project(points)).all(-1).tolist() == [True, True, False]


def test_the_unit_of_the_world_changes_no_pixel(camera, points):
    in_mm = camera.with_pose(camera.cam_from_world.scaled(1000.0))
    np.testing.assert_allclose(in_mm.project(1000.0 * points), camera.project(points), atol=1e-9)


# --- the model triangulation solves with --------------------------------------------------------


def residual(camera, pixels, points):
    lin = camera.linearize(torch.tensor(pixels))
    v = torch.tensor(points) - lin.origin
    depth = (lin.gauge * v).sum(-1)
    return ((lin.matrix @ v[..., None])[..., 0] / depth[..., None]).numpy()


def test_linearization_is_exact_without_distortion(K, pixels):
    camera = Camera.from_opencv(K, None, [0.1, -0.2, 0.3], [0.1, 0.2, 3.0])
    moved = np.random.default_rng(0).normal(0, 0.3, (*pixels.shape[:-1], 3))
    truth = camera.project(moved) - pixels
    np.testing.assert_allclose(residual(camera, pixels, moved), truth, atol=1e-8)
    assert np.abs(truth).max() > 50


def test_linearization_is_first_order(camera, pixels, points):
    np.testing.assert_allclose(residual(camera, pixels, points), 0, atol=1e-8)
    step = np.random.default_rng(0).normal(0, 1, points.shape)
    errors = []
    for size in (1e-3, 1e-4):
        moved = points + size * step
        gap = residual(camera, pixels, moved) - (camera.project(moved) - pixels)
        errors.append(np.abs(gap).max())
    assert errors[1] <= max(1e-7, 0.02 * errors[0])


def test_the_ray_is_the_null_vector_of_the_linearization(camera, pixels):
    lin = camera.linearize(torch.tensor(pixels))
    _, direction = camera.ray(torch.tensor(pixels))
    null = (lin.matrix @ direction[..., None])[..., 0]
    np.testing.assert_allclose(null.numpy(), 0, atol=1e-9)


def test_missing_pixels_are_invalid_and_nothing_in_the_model_is_nan(camera):
    lin = camera.linearize(torch.tensor([[np.nan, 0.0], [640.0, 500.0]], dtype=torch.float64))
    assert lin.valid.tolist() == [False, True]
    assert torch.isfinite(lin.matrix).all() and torch.isfinite(lin.gauge).all()


# --- one pose per frame -------------------------------------------------------------------------


@pytest.fixture
def moving():
    rng = np.random.default_rng(1)
    return Camera.from_opencv(
        K0, [-0.1, 0, 0, 0], rng.normal(0, 0.1, (4, 3)), [[0, 0, 3.0]] * 4, frames=[2, 3, 5, 9]
    )


def test_at_selects_poses_by_frame_number(moving):
    at_5 = moving.at(5)
    assert moving.is_moving and not at_5.is_moving
    np.testing.assert_array_equal(at_5.cam_from_world.R, moving.cam_from_world.R[2])
    assert moving.at([9, 2, 9]).center.shape == (3, 3)
    np.testing.assert_array_equal(moving.at([9, 2]).center, moving.center[[3, 0]])


@pytest.mark.parametrize("frame", [0, 4, 10])
def test_a_frame_without_a_pose_is_named(moving, frame):
    with pytest.raises(ValueError, match=f"none for frame {frame}"):
        moving.at([5, frame])


def test_a_fixed_camera_is_itself_at_every_frame(camera):
    assert camera.at([1, 2, 3]) is camera


def test_moving_cameras_project_one_pose_per_point(moving):
    points = np.random.default_rng(0).uniform(-0.3, 0.3, (4, 3))
    px = moving.project(points)
    assert px.shape == (4, 2)
    for row, frame in enumerate([2, 3, 5, 9]):
        np.testing.assert_allclose(px[row], moving.at(frame).project(points[row]), rtol=1e-12)
    selected = moving.at([2, 3, 5, 9])
    lin = selected.linearize(torch.tensor(px))
    v = torch.tensor(points) - lin.origin
    np.testing.assert_allclose((lin.matrix @ v[..., None])[..., 0].numpy(), 0, atol=1e-9)


BATCHES = [(), (3,), (2, 3), (4,), (1,)]


def posed(batch):
    """Return a camera with a batch of poses, all different."""
    noise = torch.tensor(np.random.default_rng(2).normal(0, 0.15, (2, *batch, 3)))
    pose = Pose(matrix_of(noise[0]), noise[1] + torch.tensor([0.0, 0.0, 3.0]))
    return Camera.from_opencv(K0, [-0.1, 0.02, 1e-3, 0]).with_pose(pose)


def one_by_one(camera, ask, values):
    """Return what ``ask(camera of one pose, its values)`` gives, in a loop over the poses."""
    batch = camera.cam_from_world.batch_shape
    answers = [
        ask(camera.with_pose(camera.cam_from_world[i]), values[i]) for i in np.ndindex(batch)
    ]
    return np.stack(answers).reshape(*batch, *answers[0].shape)


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("more", [(), (3,), (4, 3)])
def test_a_batch_of_poses_is_the_first_dimensions_of_points_and_pixels(batch, more):
    camera = posed(batch)
    points = np.random.default_rng(3).uniform(-0.3, 0.3, (*batch, *more, 3))
    px = camera.project(points)
    assert px.shape == (*batch, *more, 2) and np.isfinite(px).all()
    close = {"rtol": 0, "atol": 1e-11}
    np.testing.assert_allclose(px, one_by_one(camera, lambda c, x: c.project(x), points), **close)
    origin, direction = camera.ray(px)
    alone = [lambda c, x, k=k: np.broadcast_to(c.ray(x)[k], (*more, 3)) for k in (0, 1)]
    np.testing.assert_allclose(
        np.broadcast_to(origin, direction.shape), one_by_one(camera, alone[0], px), **close
    )
    np.testing.assert_allclose(direction, one_by_one(camera, alone[1], px), **close)
    reach = np.linalg.norm(points - origin, axis=-1, keepdims=True)
    np.testing.assert_allclose(origin + reach * direction, points, rtol=0, atol=1e-9)
    for part in ("origin", "matrix", "gauge"):
        lines = getattr(camera.linearize(torch.tensor(px)), part)
        loop = one_by_one(
            camera, lambda c, x, p=part: getattr(c.linearize(torch.as_tensor(x)), p).numpy(), px
        )
        np.testing.assert_allclose(lines.numpy(), loop, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("batch", "shape"),
    [((5,), (4, 5)), ((5,), (4,)), ((5,), ()), ((3,), ()), ((5,), (1, 5)), ((2, 3), (3,))]
    + [((2, 3), (2,)), ((2, 3), (3, 2)), ((1,), (4,)), ((2, 3), (5, 2, 3)), ((1, 5), (5,))],
)
def test_other_points_and_pixels_are_refused_with_both_shapes(batch, shape):
    camera = posed(batch)
    asked = [(camera.project, 3), (camera.ray, 2), (lambda x: camera.linearize(to_tensor(x)), 2)]
    for ask, size in asked:
        both = re.escape(f"{batch} cannot") + ".*" + re.escape(f"of shape {(*shape, size)}:")
        with pytest.raises(ValueError, match=both):
            ask(np.zeros((*shape, size)))


@pytest.mark.parametrize("shape", [(1, 3), (1, 3, 3)])
def test_a_single_pose_with_a_frame_number(shape):
    R = np.zeros(shape) if shape == (1, 3) else np.eye(3)[None]
    camera = Camera.from_opencv(K0, None, R, [[0, 0, 1.0]], frames=[7])
    assert camera.is_moving and camera.center.shape == (1, 3)
    assert not camera.at(7).is_moving


# --- what is refused ----------------------------------------------------------------------------

MIRROR = np.diag([1.0, 1.0, -1.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"K": K0[:2]}, "3x3"),
        ({"K": K0.T}, "transposed K"),
        ({"K": K0 * np.nan}, "not a finite number"),
        ({"K": np.diag([-900.0, 880.0, 1.0])}, "focal lengths must be positive"),
        ({"K": np.diag([900.0, 880.0, 0.0])}, "last row"),
        ({"K": [*K0[:1], [5.0, 880.0, 500.0], *K0[2:]]}, r"K\[1\]\[0\]"),
        ({"dist": [0.1] * 6}, "4, 5, 8, 12, 14 distortion coefficients, got 6"),
        ({"dist": [0.1] * 5, "lens": "fisheye"}, "takes 4 distortion coefficients, got 5"),
        ({"dist": [0.1] * 4, "lens": "pinhole"}, "takes 0 distortion coefficients"),
        ({"dist": [np.inf, 0, 0, 0]}, "distortion coefficient is not a finite"),
        ({"lens": "omni", "dist": [0.0] * 4}, "unknown lens 'omni'; use one of pinhole"),
        ({"R": MIRROR}, "mirrored world"),
        ({"R": 2 * np.eye(3)}, "not orthonormal"),
        ({"R": np.full(3, np.nan)}, "not a finite number"),
        ({"R": np.zeros((2, 2))}, "Rodrigues vector or a 3x3 matrix"),
        ({"t": [0.0, 0.0]}, "translation of 3 numbers"),
        ({"t": [0.0, np.inf, 0.0]}, "not a finite number"),
        ({"size": (0, 480)}, "two integers"),
        ({"R": np.zeros((2, 3)), "t": np.zeros((2, 3))}, "without their frame numbers"),
        ({"R": np.zeros((2, 3)), "t": np.zeros((2, 3)), "frames": [1]}, "1 frame numbers"),
        ({"R": np.zeros((2, 3)), "t": np.zeros((2, 3)), "frames": [3, 3]}, "strictly increasing"),
        ({"R": np.zeros((0, 3)), "t": np.zeros((0, 3)), "frames": []}, "no poses"),
    ],
)
def test_from_opencv_refuses(change, message):
    with pytest.raises(ValueError, match=message):
        Camera.from_opencv(**({"K": K0} | change))


@pytest.mark.parametrize("size", [(640.5, 480), (640,), (640, -480), (float("nan"), 480)])
def test_sizes_that_are_no_size(size):
    with pytest.raises(ValueError, match="two integers"):
        checked_size(size)


def test_from_opencv_accepts_the_shapes_of_opencv():
    a = Camera.from_opencv(
        K0, [[0.1, 0.0, 0.0, 0.0, 0.0]], [[0.1], [0.2], [0.3]], [[1.0], [2], [3]]
    )
    b = Camera.from_opencv(3 * K0, [0.1, 0, 0, 0, 0], [0.1, 0.2, 0.3], [1.0, 2, 3])
    point = np.array([0.1, 0.2, 0.3])
    np.testing.assert_allclose(a.project(point), b.project(point), rtol=1e-12)


def test_no_coefficients_make_a_pinhole_and_zeros_a_fisheye():
    assert Camera.from_opencv(K0).lens.name == "pinhole"
    assert Camera.from_opencv(K0, []).lens.name == "pinhole"
    assert Camera.from_opencv(K0, [0.0] * 5, lens="pinhole").lens.name == "pinhole"
    assert len(Camera.from_opencv(K0, lens="fisheye").lens.coefficients) == 4
    assert len(Camera.from_opencv(K0, [0.1, 0.2]).lens.coefficients) == 4


def test_rounded_rotations_become_orthonormal():
    R = np.round(roma.rotvec_to_rotmat(torch.tensor([0.3, 0.2, 0.1]).double()).numpy(), 4)
    kept = Camera.from_opencv(K0, None, R).cam_from_world.R.numpy()
    np.testing.assert_allclose(kept @ kept.T, np.eye(3), atol=1e-14)
    np.testing.assert_allclose(kept, R, atol=1e-4)


def test_cameras_are_frozen(camera):
    with pytest.raises(dataclasses.FrozenInstanceError):
        camera.size = (1, 1)
    moved = camera.with_pose(Pose.identity())
    assert moved is not camera and (camera.cam_from_world.t != 0).any()


def test_lens_types_are_the_ones_asked_for(camera, lens_name):
    expected = {"f": Fisheye, "b": Brown}.get(lens_name[0])
    assert expected is None or isinstance(camera.lens, expected)


# --- pictures that were scaled -----------------------------------------------------------------


def test_a_resized_camera_sees_the_same_places(camera, points):
    camera = dataclasses.replace(camera, size=(1280, 960))
    before = camera.project(points)
    half = camera.resized((640, 480))
    np.testing.assert_allclose(half.project(points), (before + 0.5) / 2 - 0.5, atol=1e-9)
    assert half.size == (640, 480)


def test_a_picture_of_another_shape_lies_between_bars(camera, points):
    camera = dataclasses.replace(camera, size=(1088, 1920))
    scale = 1080 / 1088
    bar = (1920 - scale * 1920) / 2
    wanted = (camera.project(points) + 0.5) * scale - 0.5 + [0, bar]
    np.testing.assert_allclose(camera.resized((1080, 1920)).project(points), wanted, atol=1e-9)


def test_a_camera_without_a_size_cannot_be_resized(camera):
    with pytest.raises(ValueError, match="states no size"):
        dataclasses.replace(camera, size=None).resized((640, 480))
