"""Shared volume and common focus, against cases that can be worked out by hand."""

import layouts
import numpy as np
import pytest

from mvboot import Camera
from mvboot.calib.views import Frustum, Views, picture_rays, pyramid, sees
from mvboot.geometry import image_size

AHEAD = np.array([0.0, 0.0, 1.0])


def frustum(center, target, focal=1100.0, lens="pinhole", reach=np.inf):
    camera = layouts.camera_at(center, target, focal, lens=lens)
    rays, R = picture_rays(camera), camera.cam_from_world.R.numpy()
    return Frustum(np.asarray(center, float), rays @ R, pyramid(rays) @ R, reach)


def share(a, b):
    return a.meets(b) or b.meets(a)


def test_rays_reach_the_borders_of_the_picture():
    K = [[500.0, 0, 319.5], [0, 500.0, 239.5], [0, 0, 1]]
    rays = picture_rays(Camera.from_opencv(K, size=(640, 480)))
    flat = rays[:, :2] / rays[:, 2:]
    np.testing.assert_allclose(flat.min(0), (-0.64, -0.48))
    np.testing.assert_allclose(flat.max(0), (0.64, 0.48))


def test_a_strong_lens_leaves_the_rays_that_exist():
    K = [[500.0, 0, 320.0], [0, 500.0, 240.0], [0, 0, 1]]
    rays = picture_rays(Camera.from_opencv(K, [-0.9, 0, 0, 0], size=(640, 480)))
    assert len(rays) == 49
    assert np.isfinite(rays).all()


def test_the_pyramid_holds_what_the_camera_sees():
    rng = np.random.default_rng(0)
    camera = layouts.camera_at((0, 0, 0), (0, 1, 0), lens="pinhole")
    rays, R = picture_rays(camera), camera.cam_from_world.R.numpy()
    points = rng.normal(size=(500, 3))
    inside = (points @ R.T @ pyramid(rays).T > 0).all(1)
    assert inside.tolist() == [sees(camera, point) for point in points]
    assert inside.any()


def test_a_fisheye_sees_the_half_space_in_front():
    rays = picture_rays(layouts.wide_fisheyes()["cam1"])
    np.testing.assert_array_equal(pyramid(rays), [AHEAD])


@pytest.mark.parametrize(
    ("b", "target", "meets"),
    [
        ((10, 0, 0), (10, 1, 0), True),  # parallel, they meet far out
        ((10, 0, 0), (5, 5, 0), True),
        ((10, 0, 0), (20, 0, 0), False),  # looks away sideways
        ((0, -1, 0), (0, -5, 0), False),  # behind, looks back
        ((0, 9, 0), (0, 1, 0), True),  # face to face
        ((0, 5, 50), (0, 5, 60), False),  # above, looks up
        ((0, 5, 50), (0, 5, 0), True),  # above, looks down
    ],
)
def test_shared_volume(b, target, meets):
    assert share(frustum((0, 0, 0), (0, 1, 0)), frustum(b, target)) is meets


def test_narrow_views_are_found_however_small_their_crossing():
    a = frustum((0, 0, 0), (0, 1000, 0), focal=100_000.0)
    assert share(a, frustum((700, 1000, 0), (0, 1000, 0), focal=100_000.0))
    assert not share(a, frustum((700, 1000, 0), (0, 1000, 15), focal=100_000.0))


def test_beyond_its_reach_a_view_shares_nothing():
    b = frustum((10, 0, 0), (10, 1, 0))
    assert share(frustum((0, 0, 0), (0, 1, 0), reach=20), b)
    assert not share(frustum((0, 0, 0), (0, 1, 0), reach=5), b)


def test_chains_of_overlap_hold_a_rig_together():
    views = Views(layouts.outward())
    assert views.components() == [list(range(8))]
    alone = Views(layouts.outward().subset(["cam1", "cam2", "cam3", "cam5", "cam6"]))
    assert alone.components() == [[0, 1, 2], [3, 4]]


def test_a_camera_without_a_size_is_as_large_as_its_centre_says():
    K = [[500.0, 0, 319.5], [0, 500.0, 239.5], [0, 0, 1]]
    assert image_size(Camera.from_opencv(K)) == (640, 480)
    assert image_size(Camera.from_opencv(K, size=(600, 500))) == (600, 500)


def test_the_working_distance_of_a_row_is_its_spacing():
    views = Views(layouts.row(2, 0.4).in_units("mm"))
    assert views.focus() is None
    assert views.working_distance == pytest.approx(400)
    assert views.working_distance_m == pytest.approx(0.4)
