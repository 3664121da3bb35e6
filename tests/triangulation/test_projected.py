from dataclasses import replace

import numpy as np
import pytest

from mvboot.datasets.conversion import truth
from mvboot.errors import InputError
from mvboot.geometry import Camera
from mvboot.metrics import Settings, measured
from mvboot.rig import Rig
from mvboot.triangulation.projected import projected


@pytest.fixture
def points(capture):
    return capture.truth.keypoints3d


@pytest.mark.slow
def test_points_land_on_the_true_keypoints(capture, points):
    true = capture.truth.keypoints2d
    found = projected(points, capture.rig)
    assert found.keypoints == points.keypoints and (found.confidence[found.present] == 1).all()
    columns = [true.keypoints.index(name) for name in found.keypoints]
    gap = np.abs(found.xy - true.xy[..., columns, :])
    assert np.nanmax(gap) < 0.05


@pytest.mark.parametrize("frames", [3, 2])
def test_moving_cameras_take_the_pose_of_each_frame(frames):
    """Also where there are as many frames as individuals or keypoints."""
    rng = np.random.default_rng(0)
    K, t = [[70, 0, 32], [0, 70, 24], [0, 0, 1]], rng.normal([0, 0, 5.0], 0.3, (5, 3))
    moving = Camera.from_opencv(K, None, rng.normal(0, 0.1, (5, 3)), t, frames=[1, 2, 4, 6, 8])
    rig = Rig({"still": moving.at(2), "moving": moving}, "m")
    numbers = np.array([2, 6, 8][:frames])
    xyz = rng.uniform(-0.5, 0.5, (frames, 2, 3, 3))
    found = projected(truth(rig, numbers, list("abc"), xyz, individuals=("x", "y")), rig)
    for f, i, k in np.ndindex(xyz.shape[:3]):
        for c, frame in enumerate((2, numbers[f])):
            alone = moving.at(frame).project(xyz[f, i, k])
            np.testing.assert_allclose(found.xy[c, f, i, k], alone, rtol=0, atol=1e-11)


def test_units_are_converted(capture, points):
    far = replace(points, units="mm", xyz=1000 * points.xyz)
    np.testing.assert_allclose(
        projected(far, capture.rig).xy, projected(points, capture.rig).xy, atol=1e-8
    )


def test_only_what_was_detected_counts(capture, points):
    detected = capture.truth.keypoints2d
    xy, confidence = detected.xy.copy(), detected.confidence.copy()
    gone = detected.keypoints.index("nose")
    xy[1, :, :, gone], confidence[1, :, :, gone] = np.nan, np.nan
    found = projected(points, capture.rig, replace(detected, xy=xy, confidence=confidence))
    nose = found.keypoints.index("nose")
    assert not found.present[1, :, 0, nose].any() and found.present[0, :, 0, nose].all()


def test_another_world_is_refused(capture, points):
    away = truth(capture.rig, points.frames, ("nose",), np.full((len(points.frames), 1, 1, 3), 1e6))
    behind = capture.rig[capture.cameras[0]]
    lost = -1e3 * np.asarray(behind.forward) + np.asarray(behind.center)
    alone = replace(away, xyz=np.broadcast_to(lost, away.xyz.shape))
    with pytest.raises(InputError, match="another world"):
        projected(alone, capture.rig.subset([capture.cameras[0]]))


@pytest.mark.slow
def test_landmarks_are_compared_with_triangulated_points(capture, points):
    from mvboot.metrics import Instant

    settings = Settings(capture, capture.template, capture.cameras, points3d=points)
    fields = {name: capture.field(name, 0) for name in settings.cameras}
    found = measured([Instant(0, fields, settings)], settings)["landmarks"]
    assert found["reference"] == "triangulation" and found["median_px"] < 1
