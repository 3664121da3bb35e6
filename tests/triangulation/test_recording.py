from dataclasses import replace

import numpy as np
import pytest
import torch

from mvboot import Camera, InputError, Pose, Rig
from mvboot.formats.exports import joined
from mvboot.keypoints import Keypoints2D
from mvboot.synthetic import articulated_scene
from mvboot.triangulation import TriangulationOptions
from mvboot.triangulation.evaluate import keypoint_noise, leave_one_out, linear_error
from mvboot.triangulation.linear import triangulate_linear
from mvboot.triangulation.recording import group_labels, triangulate_keypoints


@pytest.fixture(scope="module")
def scene():
    return articulated_scene(cameras=6, frames=40, seed=1)


@pytest.fixture(scope="module")
def detections(scene):
    return scene.detections(np.random.default_rng(0))


def solve(scene, detections, points, **settings):
    noise = np.ones(len(scene.keypoints))
    return joined(
        [
            triangulate_keypoints(scene.rig, block, noise_px=noise, **settings)
            for block in detections.chunks(points)
        ]
    )


def test_blocks_give_what_the_whole_gives(scene, detections):
    whole = solve(scene, detections, 10**6, fps=30.0)
    blocks = solve(scene, detections, 100, fps=30.0)
    for name in ("frames", "xyz", "error_px", "covariance", "inliers", "score", "residual"):
        assert np.allclose(getattr(whole, name), getattr(blocks, name), equal_nan=True), name
    assert (whole.reason == blocks.reason).all()
    assert whole.units == "m" and whole.up == "z" and whole.fps == 30.0


def test_the_walker_is_found(scene, detections):
    solved = solve(scene, detections, 500)
    error = np.linalg.norm(solved.xyz[:, 0] - scene.xyz, axis=-1)
    assert solved.accepted.mean() > 0.95 and np.nanmedian(error) < 0.004
    assert np.array_equal(solved.accepted, solved.reason == "")
    assert (solved.n_views[solved.accepted] >= 3).all()


def test_groups_label_keypoints_of_one_body_and_frame(scene, detections):
    block = detections.slice_frames(slice(0, 2))
    labels = group_labels(block, {"tail": ["tail_tip", "tail_mid"]}).reshape(2, 1, -1)
    tip, middle, nose = (scene.keypoints.index(k) for k in ("tail_tip", "tail_mid", "nose"))
    assert labels[0, 0, tip] == labels[0, 0, middle] != labels[0, 0, nose]
    assert labels[0, 0, tip] != labels[1, 0, tip]
    assert len(np.unique(labels)) == labels.size - 2


@pytest.mark.parametrize(
    ("groups", "message"),
    [({"a": ["nose", "wing"]}, "wing"), ({"a": ["nose"], "b": ["nose"]}, "in the groups")],
)
def test_impossible_groups_are_refused(detections, groups, message):
    with pytest.raises(InputError, match=message):
        group_labels(detections, groups)


def test_a_frame_without_a_pose_is_bad_input(scene, detections):
    camera = scene.rig["cam_01"]
    pose = camera.cam_from_world
    moving = Camera.from_opencv(
        camera.K, None, pose.R.expand(2, 3, 3), pose.t.expand(2, 3), frames=[0, 1]
    )
    rig = Rig({**scene.rig.cameras, "cam_01": moving}, "m")
    with pytest.raises(InputError, match="none for frame 2"):
        triangulate_keypoints(rig, detections)


def test_moving_cameras_with_as_many_frames_as_keypoints(scene):
    frames = len(scene.keypoints)
    wobble = np.random.default_rng(3).normal(0, 0.02, (len(scene.rig), 2, frames, 3))
    moving = {}
    for (name, camera), (turn, shift) in zip(scene.rig.cameras.items(), wobble, strict=True):
        pose = Pose.from_rotation(turn, shift) @ camera.cam_from_world
        moving[name] = replace(camera, cam_from_world=pose, frames=torch.arange(frames))
    rig = Rig(moving, "m")
    xyz = scene.xyz[:frames]
    xy = np.stack(
        [
            np.stack([camera.at(f).project(xyz[f]) for f in range(frames)])
            for camera in moving.values()
        ]
    )[:, :, None]
    seen = Keypoints2D(
        rig.names,
        np.arange(frames),
        ("a",),
        scene.keypoints,
        xy,
        np.where(np.isnan(xy[..., 0]), np.nan, 1.0),
    )
    solved = triangulate_keypoints(rig, seen)
    assert np.abs(solved.xyz[:, 0] - xyz).max() < 1e-9
    assert linear_error(rig, seen)["p90"] < 1e-6
    left_out = leave_one_out(rig, seen, TriangulationOptions()).summary()
    assert all(part["p90"] < 1e-6 for part in left_out["per_camera"].values())


def test_noise_is_estimated_for_each_keypoint(scene):
    clean = scene.detections(np.random.default_rng(0), 0.5, outliers=0, missing=0)
    rng = np.random.default_rng(1)
    noisy = clean.xy.copy()
    noisy[..., 3, :] += rng.normal(0, 2.0, noisy[..., 3, :].shape)
    sample = replace(clean, xy=noisy, confidence=np.where(np.isnan(noisy[..., 0]), np.nan, 1.0))
    noise = keypoint_noise(scene.rig, sample, TriangulationOptions(threshold_px=15))
    assert abs(noise[0] - 0.5) < 0.08 and abs(noise[3] - np.hypot(2.0, 0.5)) < 0.25


def test_leave_one_out_finds_the_camera_that_is_off(scene):
    detections = scene.detections(np.random.default_rng(0), 0.5, outliers=0, missing=0)
    xy = detections.xy.copy()
    xy[2] += 12.0
    summary = leave_one_out(
        scene.rig, replace(detections, xy=xy), TriangulationOptions(threshold_px=30)
    ).summary()
    medians = {name: part["median"] for name, part in summary["per_camera"].items()}
    assert max(medians, key=medians.get) == "cam_03" and medians["cam_03"] > 12


def test_leave_one_out_measures_every_detection(scene, detections):
    for name, part in (
        leave_one_out(scene.rig, detections, TriangulationOptions()).summary()["per_camera"].items()
    ):
        assert part["measured"] > 0.97 * part["detections"], name


def test_two_cameras_have_no_leave_one_out(scene, detections):
    pair = scene.rig.subset(["cam_01", "cam_02"])
    summary = leave_one_out(pair, detections, TriangulationOptions()).summary()
    assert summary["median"] is None and summary["per_camera"]["cam_01"]["measured"] == 0


def test_linear_triangulation_is_exact_on_exact_pixels_and_fooled_by_outliers(scene):
    exact = scene.detections(np.random.default_rng(0), 0, outliers=0, missing=0.2)
    pixels = exact.xy.reshape(6, -1, 2)
    points = triangulate_linear(scene.rig, pixels)
    assert np.nanmax(np.abs(points - scene.xyz.reshape(-1, 3))) < 1e-8
    assert linear_error(scene.rig, exact)["median"] < 1e-6
    wrong = scene.detections(np.random.default_rng(0), 1.0, outliers=0.2, missing=0)
    assert linear_error(scene.rig, wrong)["median"] > 5
