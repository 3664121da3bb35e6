import numpy as np
import pytest

from mvboot.synthetic import articulated_scene, points_problem
from mvboot.synthetic.scene import looking_at, project_all, ring_rig


@pytest.fixture(scope="module")
def scene():
    return articulated_scene()


def corners_of(rig, name):
    return np.array(rig[name].size) - 0.5


# --- the walker ---------------------------------------------------------------------------------


def test_names_and_shapes_fit(scene):
    assert scene.xyz.shape == (100, len(scene.keypoints), 3)
    assert 15 <= len(set(scene.keypoints)) == len(scene.keypoints) <= 20
    assert len(scene.rig) == 6 and scene.rig.units == "m" and scene.rig.up == "z"
    np.testing.assert_array_equal(scene.frames, np.arange(100))


def test_bones_join_all_keypoints_and_keep_their_length(scene):
    ends = np.array([[scene.keypoints.index(name) for name in edge] for edge in scene.edges])
    assert len(ends) == len(scene.keypoints) - 1 and set(ends.ravel()) == set(range(len(ends) + 1))
    length = np.linalg.norm(scene.xyz[:, ends[:, 0]] - scene.xyz[:, ends[:, 1]], axis=-1)
    np.testing.assert_allclose(length, np.broadcast_to(length[0], length.shape), rtol=1e-12)
    assert length.min() > 0.03 and length.max() < 0.4


def test_it_walks_smoothly_and_its_limbs_swing(scene):
    velocity = np.diff(scene.xyz, axis=0) * scene.fps
    assert np.linalg.norm(velocity, axis=-1).max() < 5.0
    acceleration = np.diff(velocity, axis=0) * scene.fps
    assert np.linalg.norm(acceleration, axis=-1).max() < 60.0
    hip = scene.keypoints.index("hip")
    assert np.linalg.norm(velocity[:, hip], axis=-1).min() > 0.5
    paw = scene.keypoints.index("paw_front_left")
    reach = np.linalg.norm(scene.xyz[:, paw] - scene.xyz[:, hip], axis=-1)
    assert np.ptp(reach) > 0.1


def test_it_walks_nose_first(scene):
    nose, hip = (scene.xyz[:, scene.keypoints.index(name)] for name in ("nose", "hip"))
    ahead = ((nose - hip)[:-1] * np.diff(hip, axis=0)).sum(-1)
    assert (ahead > 0).all()


def test_left_is_left(scene):
    hip, withers, left, right = (
        scene.xyz[:, scene.keypoints.index(name)]
        for name in ("hip", "withers", "elbow_left", "elbow_right")
    )
    leftwards = np.cross([0.0, 0.0, 1.0], withers - hip)
    assert ((left - right) * leftwards).sum(-1).min() > 0


def test_it_stays_on_the_floor_and_in_view(scene):
    assert scene.xyz[..., 2].min() > -0.05 and scene.xyz[..., 2].max() < 1.0
    seen = ~np.isnan(project_all(scene.rig, scene.xyz.reshape(-1, 3))[..., 0])
    assert seen.mean() > 0.95 and seen.mean(axis=1).min() > 0.8


def test_the_seed_decides(scene):
    again, other = articulated_scene(seed=0), articulated_scene(seed=1)
    np.testing.assert_array_equal(again.xyz, scene.xyz)
    assert again.rig.fingerprint() == scene.rig.fingerprint()
    assert other.rig.fingerprint() != scene.rig.fingerprint()
    assert not np.array_equal(other.xyz, scene.xyz)


@pytest.mark.parametrize(("cameras", "frames"), [(1, 1), (2, 3), (20, 2)])
def test_small_and_large_scenes(cameras, frames):
    scene = articulated_scene(cameras, frames)
    assert scene.detections(np.random.default_rng(0)).shape[:2] == (cameras, frames)


def test_one_camera_may_be_a_fisheye():
    rig = articulated_scene(3, 1, fisheye=True).rig
    assert [rig[name].lens.name for name in rig] == ["brown", "brown", "fisheye"]


# --- its detections -----------------------------------------------------------------------------


def test_undisturbed_detections_are_exact(scene):
    detections = scene.detections(np.random.default_rng(0), 0.0, 0.0, 0.0)
    for c, name in enumerate(scene.rig):
        px = scene.rig[name].project(scene.xyz)
        inside = ((px > -0.5) & (px < corners_of(scene.rig, name))).all(-1)
        np.testing.assert_array_equal(detections.present[c, :, 0], inside)
        np.testing.assert_array_equal(detections.xy[c, :, 0][inside], px[inside])


def test_disturbances_are_as_large_as_asked(scene):
    exact = scene.detections(np.random.default_rng(0), 0.0, 0.0, 0.0)
    given = scene.detections(np.random.default_rng(1), noise_px=2.0, outliers=0.2, missing=0.3)
    there = exact.present & given.present
    assert given.present.sum() / exact.present.sum() == pytest.approx(0.7, abs=0.02)
    assert not (given.present & ~exact.present).any()
    gap = (given.xy - exact.xy)[there]
    right = np.linalg.norm(gap, axis=-1) < 12.0
    assert 1 - right.mean() == pytest.approx(0.2, abs=0.02)
    assert gap[right].std() == pytest.approx(2.0, rel=0.05)
    assert abs(gap[right].mean()) < 0.1
    sure = given.confidence[there]
    assert np.median(sure[right]) > 0.8 > 0.5 > np.median(sure[~right])
    assert (sure[~right] > 0.7).any()


def test_wrong_detections_lie_in_the_picture(scene):
    given = scene.detections(np.random.default_rng(0), noise_px=0.0, outliers=1.0, missing=0.0)
    for c, name in enumerate(scene.rig):
        px = given.xy[c][given.present[c]]
        assert (px >= -0.5).all() and (px < corners_of(scene.rig, name)).all()
        assert np.ptp(px, axis=0) == pytest.approx(scene.rig[name].size, rel=0.02)


def test_the_generator_decides(scene):
    first, again, other = (scene.detections(np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.xy, again.xy)
    np.testing.assert_array_equal(first.confidence, again.confidence)
    assert not np.array_equal(first.xy, other.xy, equal_nan=True)


# --- clouds of points ---------------------------------------------------------------------------


@pytest.mark.parametrize("distortion", [False, True])
def test_points_problem(distortion):
    problem = points_problem(
        8, 5000, np.random.default_rng(0), noise_px=1.5, missing=0.2, distortion=distortion
    )
    assert problem.xyz.shape == (5000, 3) and problem.pixels.shape == (8, 5000, 2)
    lens = "brown" if distortion else "pinhole"
    assert {camera.lens.name for camera in problem.rig.cameras.values()} == {lens}
    truth = project_all(problem.rig, problem.xyz)
    there = ~np.isnan(problem.pixels[..., 0])
    assert not np.isnan(truth).any() and not (problem.wrong & ~there).any()
    assert there.mean() == pytest.approx(0.8, abs=0.01)
    assert problem.wrong[there].mean() == pytest.approx(0.25, abs=0.01)
    right = there & ~problem.wrong
    assert (problem.pixels - truth)[right].std() == pytest.approx(1.5, rel=0.02)


def test_the_generator_decides_the_problem():
    one, same, other = (points_problem(4, 50, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.pixels, same.pixels)
    assert one.rig.fingerprint() == same.rig.fingerprint() != other.rig.fingerprint()


# --- the ring of cameras ------------------------------------------------------------------------


@pytest.mark.parametrize("cameras", [1, 2, 8, 64])
def test_the_ring_looks_at_the_middle_with_the_world_upright(cameras):
    rig = ring_rig(cameras, radius=2.0, height=1.0, rng=np.random.default_rng(0))
    assert len(rig) == cameras
    for camera in rig.cameras.values():
        low, high = camera.project(np.array([[0.0, 0.0, 0.3], [0.0, 0.0, 0.5]]))
        assert high[1] < low[1]
        middle = np.array(camera.size) / 2
        assert np.abs((low + high) / 2 - middle).max() < 20
        assert np.hypot(*camera.center.numpy()[:2]) == pytest.approx(2.0)
    heights = [float(camera.center[2]) for camera in rig.cameras.values()]
    assert cameras == 1 or np.ptp(heights) > 0.05


def test_looking_at_is_a_rotation_without_roll():
    R = looking_at(np.array([1.0, 2.0, 3.0]), np.zeros(3))
    np.testing.assert_allclose(R @ R.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(R) == pytest.approx(1.0)
    assert R[0, 2] == pytest.approx(0.0)
