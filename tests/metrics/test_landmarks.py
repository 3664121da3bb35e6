import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D
from mvboot.metrics import (
    LandmarkErrors,
    landmark_errors,
    landmark_pixels,
    landmark_summary,
)
from mvboot.surfaces import Seen

NAMES = ("top", "bottom", "heart")


def keypoints(xy, confidence=None, individuals=("one",), cameras=("c",)):
    xy = np.asarray(xy, float)[None, None, None].repeat(len(individuals), 2)
    sure = np.where(np.isnan(xy[..., 0]), np.nan, 1.0 if confidence is None else confidence)
    return Keypoints2D(cameras, np.array([0]), individuals, NAMES, xy, sure)


def test_landmarks_on_and_in_a_ball(ball):
    for camera in ball.rig.names:
        seen = Seen.of(ball.field(camera), ball.template)
        found = landmark_pixels(seen, ball.template, NAMES)
        places = np.array([[0, 0, 0.8], [0, 0, 0], [0, 0, 0.4]])
        true = ball.rig[camera].project(places)
        error = np.linalg.norm(found - true, axis=1) / seen.scale
        if ball.rig[camera].center[2] > 1.2:  # lower ones look along the top
            assert error[0] < 1
        assert np.isnan(error[1]), "the bottom is hidden"
        assert error[2] < 0.5


def test_landmarks_of_a_person(capture):
    names = tuple(capture.template.keypoints)
    found = []
    for camera in capture.cameras:
        seen = Seen.of(capture.field(camera, 0), capture.template)
        pixels = landmark_pixels(seen, capture.template, names)
        found.append(landmark_errors(pixels, capture.truth.keypoints2d, camera, 0, names))
    scores = landmark_summary(found)
    assert scores["median_px"] < 1
    assert scores["found"] > 0.85
    assert scores["pck_0.1"] > 0.85
    assert scores["per_landmark"]["wrist_left"]["keypoints"] >= 1


def test_pck_of_known_errors():
    one = LandmarkErrors(("a", "b"), np.array([4.0, np.inf]), 100.0)
    two = LandmarkErrors(("a", "b"), np.array([30.0, np.nan]), 200.0)
    found = landmark_summary([one, two])
    assert found["keypoints"] == 3
    assert found["found"] == pytest.approx(2 / 3)
    assert found["pck_0.05"] == pytest.approx(1 / 3)
    assert found["pck_0.1"] == pytest.approx(1 / 3)
    assert found["pck_0.2"] == pytest.approx(2 / 3)
    assert found["mean_px"] == 17
    assert found["per_landmark"]["b"] == {
        "keypoints": 1, "found": 0, "pck_0.05": 0, "pck_0.1": 0, "pck_0.2": 0,
        "mean_px": None, "median_px": None, "p90_px": None,
    }  # fmt: skip


def test_errors_are_of_keypoints_that_are_sure():
    true = [[10, 10], [10, 60], [np.nan, np.nan]]
    pixels = np.array([[13, 14], [np.nan, np.nan], [5, 5.0]])
    found = landmark_errors(pixels, keypoints(true), "c", 0, NAMES)
    np.testing.assert_array_equal(found.error_px, [5, np.inf, np.nan])
    assert found.extent_px == 50
    unsure = landmark_errors(pixels, keypoints(true, 0.1), "c", 0, NAMES)
    assert np.isnan(unsure.error_px).all()
    assert np.isnan(landmark_errors(pixels, keypoints(true), "c", 7, NAMES).error_px).all()
    part = landmark_errors(pixels[:1], keypoints(true), "c", 0, NAMES[:1])
    assert (part.error_px, part.extent_px) == (5, 50), "the extent is that of all keypoints"
    alone = keypoints([[10, 10], [np.nan] * 2, [np.nan] * 2])
    one = landmark_errors(pixels, alone, "c", 0, NAMES)
    assert landmark_summary([one])["pck_0.2"] is None, "one keypoint has no extent"
    assert landmark_summary([one])["mean_px"] == 5


def test_nothing_has_no_scores():
    assert landmark_summary([])["found"] is None


def test_names_that_do_not_fit(ball):
    seen = Seen.of(ball.field(ball.rig.names[0]), ball.template)
    with pytest.raises(InputError, match="no landmark nose; it has top"):
        landmark_pixels(seen, ball.template, ["nose"])
    pixels = np.zeros((1, 2))
    with pytest.raises(InputError, match="no keypoint 'nose'"):
        landmark_errors(pixels, keypoints(np.zeros((3, 2))), "c", 0, ("nose",))
    with pytest.raises(InputError, match="no keypoints for camera d"):
        landmark_errors(pixels, keypoints(np.zeros((3, 2))), "d", 0, ("top",))
    with pytest.raises(InputError, match="2 individuals"):
        both = keypoints(np.zeros((3, 2)), individuals=("one", "two"))
        landmark_errors(pixels, both, "c", 0, ("top",))
