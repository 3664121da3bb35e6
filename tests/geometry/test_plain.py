"""Plain cameras: crops in, points out and back."""

import pytest
import torch

from mvboot.geometry import Camera, PlainCameras, Pose, plain_camera


def cameras(count=3):
    noise = torch.Generator().manual_seed(0)
    matrix = torch.eye(3).double().repeat(count, 1, 1)
    matrix[:, :2] += 0.3 * torch.randn(count, 2, 3, generator=noise).double()
    matrix[0, 0] *= -1  # a mirrored crop
    turn = 0.4 * torch.randn(count, 3, generator=noise).double()
    shift = torch.randn(count, 3, generator=noise).double() + torch.tensor([0, 0, 6.0])
    return PlainCameras(matrix, Pose.from_rotation(turn, shift))


def test_points_come_back():
    plain = cameras()
    places, depths = torch.rand(3, 5, 2).double(), 1 + torch.rand(3, 5).double()
    points = plain.unproject(places, depths)
    torch.testing.assert_close(points[..., 2], depths)
    torch.testing.assert_close(plain.project(points), places)


def test_points_are_carried_as_the_poses_say():
    plain = cameras()
    world = torch.randn(4, 3).double()
    a, b = torch.tensor([0, 1, 2]), torch.tensor([1, 2, 0])
    seen = torch.stack([plain.cam_from_world[i].apply(world) for i in range(3)])
    torch.testing.assert_close(plain[b].carried(plain[a], seen[a]), seen[b])


@pytest.mark.parametrize("more", [(), (3,), (3, 3)])
def test_the_batch_is_the_first_dimensions_of_the_points(more):
    plain, other = cameras(), cameras()[torch.tensor([1, 2, 0])]
    places, depths = torch.rand(3, *more, 5, 2).double(), 1 + torch.rand(3, *more, 5).double()
    points = plain.unproject(places, depths)
    moved, seen = other.carried(plain, points), other.project(points)
    for i in range(3):
        one = torch.tensor(i)
        torch.testing.assert_close(points[i], plain[one].unproject(places[i], depths[i]))
        torch.testing.assert_close(moved[i], other[one].carried(plain[one], points[i]))
        torch.testing.assert_close(seen[i], other[one].project(points[i]))
    for swap in (plain.project, lambda x: other.carried(plain, x)):
        with pytest.raises(ValueError, match=r"\(3,\) .* \(5, 3, [23]\)"):
            swap(points.reshape(-1, 5, 3).swapaxes(0, 1)[:, :3])


def test_points_behind_a_camera_stay_finite():
    plain = cameras(1)
    points = torch.tensor([[[0.1, 0.2, -3.0], [0.0, 0.0, 0.0]]]).double().requires_grad_()
    places = plain.project(points)
    places.sum().backward()
    assert places.isfinite().all() and points.grad.isfinite().all()


def pixels():
    x, y = torch.meshgrid(*[torch.linspace(100, 300, 9).double()] * 2, indexing="xy")
    return torch.stack([x, y], -1).reshape(-1, 2)


def fitted(dist, turn=0.3):
    """Fit a crop that is turned and shrunk by four."""
    K = torch.tensor([[500, 2, 330], [0, 510, 240], [0, 0, 1.0]]).double()
    camera = Camera.from_opencv(K, dist, size=(640, 480))
    turned = torch.linalg.matrix_exp(turn * torch.tensor([[0, -1.0], [1, 0]]).double())
    source = (pixels() - 200) @ turned.mT / 4
    return K, source, plain_camera(source, camera.plane_from_pixels(camera.undistort(pixels())))


def test_without_distortion_a_crop_is_a_plain_camera_exactly():
    K, source, (matrix, gap) = fitted(None)
    assert gap < 1e-9
    ray = torch.linalg.inv(K) @ torch.cat([pixels(), torch.ones(81, 1).double()], 1).mT
    torch.testing.assert_close((matrix @ ray).mT[:, :2], source)


def test_with_distortion_the_gap_says_how_far_it_is_off():
    small, large = fitted([-0.02, 0, 0, 0])[2][1], fitted([-0.2, 0, 0, 0])[2][1]
    assert 0 < small < large
    assert large == pytest.approx(10 * small, rel=0.3)  # linear in the distortion, nearly
    matrix, source = fitted([-0.2, 0, 0, 0])[2][0], fitted(None)[1]
    camera = Camera.from_opencv(fitted(None)[0], [-0.2, 0, 0, 0])
    plane = camera.plane_from_pixels(camera.undistort(pixels()))
    off = (plane @ matrix[:2, :2].mT + matrix[:2, 2] - source).norm(dim=1)
    assert off.max().item() == pytest.approx(large)


def test_a_crop_that_the_lens_cannot_see_is_refused():
    source, plane = torch.rand(9, 2).double(), torch.full((9, 2), torch.nan).double()
    with pytest.raises(ValueError, match="no inverse"):
        plain_camera(source, plane)
