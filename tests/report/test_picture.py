from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints3D
from mvboot.report.picture import _axis, _title, _upright, draw_scene
from mvboot.rig import UP_AXES
from mvboot.synthetic import articulated_scene

pytestmark = pytest.mark.filterwarnings("error")


def exact(scene):
    """The truth in the form of a result; every eleventh point refused."""
    xyz = scene.xyz[:, None].copy()
    xyz.reshape(-1, 3)[::11] = np.nan
    shape, known = xyz.shape[:-1], ~np.isnan(xyz[..., 0])
    return Keypoints3D(
        frames=scene.frames,
        individuals=("walker",),
        keypoints=scene.keypoints,
        units="m",
        xyz=xyz,
        error_px=np.where(known, 1.25, np.nan),
        residual=np.where(known, 0.001, np.nan),
        score=np.where(known, 0.9, np.nan),
        covariance=np.full((*shape, 3, 3), np.nan),
        inliers=np.broadcast_to(known, (len(scene.rig), *shape)),
        reason=np.where(known, "", "too few detections").astype(object),
        cameras=scene.rig.names,
    )


@pytest.fixture(scope="module")
def scene():
    return articulated_scene(cameras=4, frames=30)


@pytest.fixture
def picture(tmp_path):
    def draw(rig, keypoints, edges=()):
        path = tmp_path / "scene.png"
        draw_scene(rig, keypoints, path, edges)
        return cv2.imread(str(path))

    return draw


def drawn(image):
    return int((image < 250).any(-1).sum())


def coloured(image):
    """How many pixels the skeletons (saturated, unlike cameras, axes and text) cover."""
    return int((np.ptp(image.astype(int), axis=-1) > 100).sum())


def test_it_is_1600_by_800_and_shows_the_skeleton(scene, picture):
    image = picture(scene.rig, exact(scene), scene.edges)
    assert image.shape == (800, 1600, 3)
    assert coloured(image) > 2000
    left, right = image[100:700, :780], image[100:700, 820:]
    assert coloured(left) > 500 and coloured(right) > 500


@pytest.mark.slow
def test_bones_are_drawn_where_they_are_known(scene, picture):
    keypoints = exact(scene)
    points_only = picture(scene.rig, keypoints)
    assert coloured(points_only) > 500
    assert coloured(picture(scene.rig, keypoints, scene.edges)) > 1.25 * coloured(points_only)
    unknown = picture(scene.rig, keypoints, [("nose", "wing")])
    np.testing.assert_array_equal(unknown, points_only)


@pytest.mark.slow
def test_the_same_input_gives_the_same_picture(scene, picture):
    first = picture(scene.rig, exact(scene), scene.edges)
    np.testing.assert_array_equal(picture(scene.rig, exact(scene), scene.edges), first)


def test_nothing_but_refused_points(scene, picture):
    keypoints = exact(scene)
    nothing = replace(keypoints, xyz=np.full_like(keypoints.xyz, np.nan))
    image = picture(scene.rig, nothing, scene.edges)
    assert coloured(image) == 0 and drawn(image) > 5000
    assert _title(scene.rig, nothing) == "4 cameras, 30 frames, 17 keypoints: no point accepted"


@pytest.mark.slow
@pytest.mark.parametrize("cameras", [1, 25, 64])
def test_few_and_many_cameras(cameras, picture):
    scene = articulated_scene(cameras, frames=1)
    assert coloured(picture(scene.rig, exact(scene), scene.edges)) > 200


@pytest.mark.slow
def test_the_unit_changes_the_labels_only(scene, picture):
    keypoints = exact(scene)
    in_m = picture(scene.rig, keypoints, scene.edges)
    in_mm = picture(
        scene.rig.in_units("mm"), replace(keypoints, xyz=1000 * keypoints.xyz), scene.edges
    )
    assert coloured(in_mm) == pytest.approx(coloured(in_m), rel=0.05)
    assert not np.array_equal(in_mm, in_m)


def test_unusual_cameras(scene, picture):
    K = [[100.0, 0.0, 200.0], [0.0, 100.0, 200.0], [0.0, 0.0, 1.0]]
    poses = {"R": np.zeros((2, 3)), "t": np.ones((2, 3)), "frames": [3, 7]}
    cameras = {
        "wide": Camera.from_opencv(
            K, [0.0] * 4, t=[0.0, 0.0, 3.0], size=(400, 400), lens="fisheye"
        ),
        "folded": Camera.from_opencv(K, [-0.9, 0, 0, 0], t=[0.5, 0.0, 3.0], size=(400, 400)),
        "no size": Camera.from_opencv(K, None, t=[0.0, 0.5, 3.0]),
        "moving": Camera.from_opencv(K, None, **poses, size=(400, 400)),
    }
    image = picture(replace(scene.rig, cameras=cameras, up=None), exact(scene), scene.edges)
    assert coloured(image) > 500


def test_the_title_counts(scene):
    title = _title(scene.rig, exact(scene))
    assert title.startswith("4 cameras, 30 frames, 17 keypoints: 90.8 % of the points accepted")
    assert title.endswith("median reprojection error 1.25 px")
    assert _title(scene.rig.subset(["cam_01"]), exact(scene)).startswith("1 camera, 30")


@pytest.mark.parametrize("up", UP_AXES)
def test_what_is_up_is_drawn_up(scene, up):
    turn = _upright(replace(scene.rig, up=up))
    np.testing.assert_allclose(turn @ UP_AXES[up], [0.0, 0.0, 1.0])
    assert np.linalg.det(turn) == pytest.approx(1.0)
    assert _axis(turn[2], "mm") == f"{up}, mm"


def test_the_subject_stands_upright_whatever_the_world_calls_up(scene, picture):
    quarter = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])  # z becomes -y
    R = torch.tensor(quarter.T)
    cameras = {
        name: c.with_pose(replace(c.cam_from_world, R=c.cam_from_world.R @ R))
        for name, c in scene.rig.cameras.items()
    }
    keypoints = exact(scene)
    turned = replace(keypoints, xyz=keypoints.xyz @ quarter.T)
    rig = replace(scene.rig, cameras=cameras, up="-y")
    height = (turned.xyz @ _upright(rig).T)[..., 2]
    np.testing.assert_allclose(height, keypoints.xyz[..., 2], atol=1e-12)
    assert coloured(picture(rig, turned, scene.edges)) > 2000


def test_a_failure_leaves_no_picture(scene, tmp_path):
    broken = replace(exact(scene), xyz=np.zeros((30, 1, 17, 2)))
    with pytest.raises(ValueError):
        draw_scene(scene.rig, broken, tmp_path / "scene.png")
    assert list(tmp_path.iterdir()) == []
