import numpy as np
import pytest
import torch

from mvboot.geometry import Camera
from mvboot.geometry.lenses import Brown, Fisheye, Pinhole, make_lens

FLY_CAMERA_C = Camera.from_opencv(
    [[136330.25013473458, 0.0, 416.0], [0.0, 136330.25013473458, 316.0], [0.0, 0.0, 1.0]],
    [-6468.60716369641, 0.0, 0.0, 0.0, 0.0],
    size=(832, 632),
)


def coefficients(*values):
    return torch.tensor(values, dtype=torch.float64)


def on_plane(radius, angles=12):
    angle = np.linspace(0, 2 * np.pi, angles, endpoint=False)
    xy = radius * np.stack([np.cos(angle), np.sin(angle)], -1)
    return torch.tensor(np.concatenate([xy, np.ones((angles, 1))], -1))


# --- where a lens ends --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "radius"),
    [
        ((-0.3, 0, 0, 0), np.sqrt(1 / 0.9)),  # 1 + 3 k1 r^2 = 0
        ((0.3, 0, 0, 0), np.inf),
        ((0, -0.1, 0, 0), 2**0.25),  # 1 + 5 k2 r^4 = 0
        ((0, 0, 0, 0, -1 / 7), 1.0),  # 1 + 7 k3 r^6 = 0
        ((0, 0, 0, 0, 0, 0.25, 0, 0), 2.0),  # r / (1 + r^2 / 4) peaks at 2
        ((0, 0, 0, 0, 0, -0.25, 0, 0), 2.0),  # a pole at 2
        ((0, 0, 0, 0), np.inf),
    ],
)
def test_invertible_radius_of_brown(values, radius):
    assert Brown(coefficients(*values)).max_radius == pytest.approx(radius)


@pytest.mark.parametrize(
    ("values", "angle"),
    [
        ((0, 0, 0, 0), np.pi),
        ((-1 / 3, 0, 0, 0), 1.0),  # 1 + 3 k1 theta^2 = 0
        ((0, 0, 0, -1 / 9 / 256), 2.0),  # 1 + 9 k4 theta^8 = 0
        ((0.1, 0.1, 0.1, 0.1), np.pi),
    ],
)
def test_invertible_angle_of_a_fisheye(values, angle):
    assert Fisheye(coefficients(*values)).max_theta == pytest.approx(angle)


@pytest.mark.parametrize("values", [(-0.3, 0, 0, 0), (-0.4, 0.02, 1e-3, -1e-3, 0.0)])
def test_brown_sees_up_to_its_radius_and_not_beyond(values):
    lens = Brown(coefficients(*values))
    inside, seen = lens.project(on_plane(0.95 * lens.max_radius))
    assert seen.all()
    _, beyond = lens.project(on_plane(1.01 * lens.max_radius))
    assert not beyond.any()
    direction, valid = lens.unproject(inside)
    assert valid.all()
    torch.testing.assert_close(direction, on_plane(0.95 * lens.max_radius), rtol=0, atol=1e-9)


def test_pixels_that_nothing_maps_to_have_no_ray():
    lens = Brown(coefficients(-0.3, 0, 0, 0))
    farthest = lens.max_radius * (1 - 0.3 * lens.max_radius**2)
    distorted = torch.tensor([[0.99 * farthest, 0.0], [1.01 * farthest, 0.0], [0.0, 50.0]])
    _, valid = lens.unproject(distorted.double())
    assert valid.tolist() == [True, False, False]


def test_the_inverse_never_lands_beyond_the_fold():
    # Strong positive k2 makes the cubic turn twice: a second solution exists outside the radius.
    lens = Brown(coefficients(-1.2, 0.6, 0, 0))
    assert lens.max_radius < 1
    distorted, seen = lens.project(on_plane(0.98 * lens.max_radius))
    direction, valid = lens.unproject(distorted)
    assert seen.all() and valid.all()
    torch.testing.assert_close(direction, on_plane(0.98 * lens.max_radius), rtol=0, atol=1e-9)
    assert lens.unproject(torch.tensor([[3.0, 3.0]]).double())[1].sum() == 0


def test_fisheye_sees_past_ninety_degrees():
    lens = Fisheye(coefficients(0, 0, 0, 0))
    theta = torch.linspace(0.0, 3.1, 32, dtype=torch.float64)
    ray = torch.stack([theta.sin(), torch.zeros_like(theta), theta.cos()], -1)
    distorted, seen = lens.project(ray)
    assert seen.all()
    torch.testing.assert_close(distorted[:, 0], theta)
    direction, valid = lens.unproject(distorted)
    assert valid.all()
    torch.testing.assert_close(direction, ray, rtol=0, atol=1e-9)


def test_undistort_stops_at_ninety_degrees():
    K = [[300.0, 0, 500], [0, 300, 500], [0, 0, 1]]
    camera = Camera.from_opencv(K, [0.0] * 4, lens="fisheye")
    angles = np.array([0.0, 1.0, 1.5, 1.58, 2.5])
    flat = camera.undistort(np.stack([500 + 300 * angles, np.full(5, 500.0)], -1))
    np.testing.assert_allclose(flat[:3, 0], 500 + 300 * np.tan(angles[:3]))
    assert np.isnan(flat[3:]).all()


# --- strong but genuine lenses ------------------------------------------------------------------


def test_the_fly_camera_inverts_over_its_whole_picture():
    assert FLY_CAMERA_C.lens.max_radius == pytest.approx((3 * 6468.60716369641) ** -0.5)
    x, y = np.meshgrid(np.linspace(-0.5, 831.5, 9), np.linspace(-0.5, 631.5, 9))
    pixels = np.stack([x, y], -1)
    _, direction = FLY_CAMERA_C.ray(pixels)
    np.testing.assert_allclose(FLY_CAMERA_C.project(300 * direction), pixels, atol=1e-6)


def test_the_fly_camera_is_masked_outside():
    reach = FLY_CAMERA_C.lens.max_radius
    points = np.array([[0.5 * reach, 0, 1], [1.01 * reach, 0, 1], [0.3, 0.2, 1.0]])
    assert np.isnan(FLY_CAMERA_C.project(points)).any(-1).tolist() == [False, True, True]
    assert np.isnan(FLY_CAMERA_C.ray(np.array([[416.0, 5000.0]]))[1]).all()


def test_random_lenses_invert_or_say_that_they_do_not():
    rng = np.random.default_rng(0)
    scale = [0.3, 0.2, 2e-3, 2e-3, 0.1, 0.3, 0.1, 0.05, 1e-3, 1e-3, 1e-3, 1e-3, 0.03, 0.03]
    unsolved = 0
    for trial in range(60):
        values = rng.normal(0, scale[: Brown.counts[trial % 5]])
        lens = Brown(coefficients(*values))
        points = on_plane(1.0, 64)
        points[:, :2] *= min(lens.max_radius, 1.0) * torch.rand(64, 1).double().sqrt() * 0.9
        distorted, seen = lens.project(points)
        direction, valid = lens.unproject(distorted)
        gap = (direction - points).abs().amax(-1)
        assert seen.all() and gap[valid].max() < 1e-9
        unsolved += int((~valid).sum())
    assert unsolved <= 5  # tilt and prism may fold a little inside the radial limit


@pytest.mark.parametrize(
    "lens",
    [
        Brown(coefficients(-0.28, 0.09, 1e-3, -2e-3)),
        Fisheye(coefficients(-0.03, 0.01, -2e-3, 5e-4)),
    ],
)
def test_float32_finds_every_ray(lens):
    rng = np.random.default_rng(0)
    distorted = torch.tensor(rng.uniform(-0.6, 0.6, (20_000, 2)), dtype=torch.float32)
    direction, valid = lens.to(distorted).unproject(distorted)
    assert valid.all() and direction.dtype == torch.float32
    back, _ = lens.to(distorted).project(direction)
    torch.testing.assert_close(back, distorted, rtol=0, atol=3e-6)


# --- derivatives --------------------------------------------------------------------------------


def test_jacobian_is_the_derivative_of_project(camera, pixels):
    plane = camera.plane_from_pixels(torch.tensor(pixels[::2, ::3]).reshape(-1, 2))
    direction, _ = camera.lens.unproject(plane)
    exact = camera.lens.jacobian(direction)
    for row, ray in zip(exact, direction, strict=True):
        slope = torch.autograd.functional.jacobian(lambda x: camera.lens.project(x)[0], ray)
        torch.testing.assert_close(row, slope, rtol=0, atol=1e-9)


def test_directions_have_unit_depth(camera, pixels):
    direction, _ = camera.lens.unproject(camera.plane_from_pixels(torch.tensor(pixels)))
    depth = (camera.lens.gauge(direction) * direction).sum(-1)
    torch.testing.assert_close(depth, torch.ones_like(depth))


# --- making one ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "kept"), [(1, 4), (3, 4), (6, 5), (7, 5), (9, 8), (13, 12), (16, 14)]
)
def test_zeros_after_the_last_coefficient_do_not_matter(count, kept):
    """Programs write as many as they have room for: only zeros may be left out."""
    values = torch.zeros(count, dtype=torch.float64)
    used = min(count, {6: 5, 7: 5, 9: 8, 13: 12, 16: 14}.get(count, 2))
    values[:used] = torch.arange(1, used + 1) / 100
    lens = make_lens("brown", values)
    assert len(lens.coefficients) == kept
    assert torch.equal(lens.coefficients[:used], values[:used])
    with pytest.raises(ValueError, match=f"got {count if count > 2 else 15}"):
        make_lens("brown", values + 1 if count > 2 else torch.ones(15))
    assert len(make_lens("fisheye", torch.tensor([0.1, 0.0, 0.0, 0.0, 0.0])).coefficients) == 4


def test_make_lens_pads_short_brown_lenses():
    assert make_lens("brown", coefficients(0.1)).coefficients.tolist() == [0.1, 0, 0, 0]
    assert isinstance(make_lens("pinhole", coefficients()), Pinhole)


def test_more_coefficients_that_are_zero_change_nothing():
    short, plane = Brown(coefficients(-0.2, 0.05, 1e-3, 2e-3)), on_plane(0.5)
    for count in Brown.counts:
        padded = Brown(torch.cat([short.coefficients, torch.zeros(count - 4).double()]))
        torch.testing.assert_close(padded.project(plane)[0], short.project(plane)[0])


def test_unknown_lens_names_the_known_ones():
    with pytest.raises(ValueError, match="pinhole, brown, fisheye"):
        make_lens("omni", coefficients())
