"""Multi-view consistency: zero for the same points, by hand otherwise."""

import pytest
import torch

from mvboot.geometry import PlainCameras, Pose
from mvboot.losses import carried_places, consistency_loss


def looking(x, distance=4.0):
    """Return a camera at x, -distance that looks along z, with a focal length of 2."""
    pose = Pose(torch.eye(3).double()[None], torch.tensor([[-x, 0.0, distance]]).double())
    return PlainCameras(torch.diag(torch.tensor([2.0, 2.0, 1.0])).double()[None], pose)


def seen(camera, points):
    in_camera = camera.cam_from_world[0].apply(points)[None]
    return camera.project(in_camera), in_camera[..., 2]


A, B = looking(-0.5), looking(0.5)


def test_images_of_the_same_points_cost_nothing():
    points = torch.randn(6, 3).double()
    (uv_a, z_a), (uv_b, z_b) = seen(A, points), seen(B, points)
    torch.testing.assert_close(carried_places(A, B, uv_a, z_a), uv_b)
    assert consistency_loss(A, B, uv_a, uv_b, z_a, z_b).item() < 1e-28


def test_by_hand():
    """One of two points is 0.4 off in b at the same depth: so is what b puts into a."""
    points = torch.tensor([[0.0, 0, 0], [0.2, 0.1, 0]]).double()
    (uv_a, z_a), (uv_b, z_b) = seen(A, points), seen(B, points)
    uv_b[0, 0, 0] += 0.4
    value = consistency_loss(A, B, uv_a, uv_b, z_a, z_b)
    assert value.item() == pytest.approx((0.4**2 + 0.4**2) / (2 * 2))


def test_keypoints_that_are_not_counted():
    """The first of two points is 0.4 off in b; alone it costs twice the mean of both."""
    points = torch.tensor([[0.0, 0, 0], [0.2, 0.1, 0]]).double()
    (uv_a, z_a), (uv_b, z_b) = seen(A, points), seen(B, points)
    uv_b[0, 0, 0] += 0.4
    costs = [
        consistency_loss(A, B, uv_a, uv_b, z_a, z_b, torch.tensor([counted])).item()
        for counted in ([True, True], [True, False], [False, True], [False, False])
    ]
    assert costs == pytest.approx([0.08, 0.16, 0, 0], abs=1e-12)


def test_depth_matters_although_it_is_not_compared():
    """Keypoints at wrong depths are where the other camera does not see them."""
    points = torch.randn(6, 3).double()
    (uv_a, z_a), (uv_b, z_b) = seen(A, points), seen(B, points)
    z_a.requires_grad_()
    value = consistency_loss(A, B, uv_a, uv_b, z_a + 0.5, z_b)
    value.sum().backward()
    assert value.item() > 1e-3 and (z_a.grad != 0).all()


def test_a_common_depth_error_has_its_price():
    """With two views of one direction the depth would be free; with a baseline it is not."""
    points = torch.zeros(1, 3).double()
    (uv_a, z_a), (uv_b, z_b) = seen(A, points), seen(B, points)
    value = consistency_loss(A, B, uv_a, uv_b, z_a + 1, z_b + 1)
    shift = 2 * 1.0 * (1 / 5 - 1 / 4)  # of the other view's image: focal * baseline * (1/z' - 1/z)
    assert value.item() == pytest.approx(2 * shift**2 / 2)


def test_points_in_one_place_cost_nothing():
    """Its minimum is a collapse, which only the other terms prevent."""
    points = torch.zeros(6, 3).double()
    (uv_a, z_a), (uv_b, z_b) = seen(A, points), seen(B, points)
    assert consistency_loss(A, B, uv_a, uv_b, z_a, z_b).item() == 0


def test_the_gradient():
    points = torch.randn(3, 3).double()
    uv, z = seen(A, points)
    other, depth = torch.randn(1, 3, 2).double(), 3 + torch.rand(1, 3).double()
    inputs = [x.clone().requires_grad_() for x in (uv, other, z, depth)]
    assert torch.autograd.gradcheck(lambda *x: consistency_loss(A, B, *x), inputs)
