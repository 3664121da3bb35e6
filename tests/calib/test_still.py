"""Landmarks that stand still become frames of their own; what moves does not."""

from dataclasses import replace

import numpy as np
import pytest

from mvboot.calib.refine import refine_rig
from mvboot.calib.still import landmarks_as_frames
from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D
from mvboot.synthetic.scene import articulated_scene

COUNT = 60


def landmarks(frames=12, noise_px=0.5, drift_px=0.0, seed=0):
    """Landmarks in two cameras; each keypoint may drift along, frame by frame."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 1000, (2, 1, 1, COUNT, 2))
    places[0, 0, 0, :, 0] = 16.0 * rng.permutation(COUNT)  # far apart, so that they can be sorted
    xy = places + rng.normal(0, noise_px, (2, frames, 1, COUNT, 2))
    xy = xy + drift_px * np.arange(frames)[:, None, None, None]
    names = tuple(f"mark{i}" for i in range(COUNT))
    sure = np.ones(xy.shape[:-1])
    return places[:, 0, 0], Keypoints2D(("a", "b"), np.arange(frames), ("room",), names, xy, sure)


def places_of(found):
    """Median places (C, n, 2), sorted alike whatever the order of the landmarks."""
    flat = found.xy[:, :, 0, 0]
    return flat[:, np.argsort(flat[0, :, 0])]


@pytest.mark.parametrize("frames", [1, 12])
def test_each_landmark_becomes_a_frame(frames):
    truth, keypoints = landmarks(frames)
    found = landmarks_as_frames(keypoints)
    assert found.shape == (2, COUNT, 1, 1) and found.cameras == ("a", "b")
    exact = truth[:, np.argsort(truth[0, :, 0])]
    assert np.abs(places_of(found) - exact).max() < 4 * 0.5 / np.sqrt(frames) * 1.3
    assert (found.confidence == 1).all()


def test_the_seed_orders_them_and_cameras_stay_together():
    _, keypoints = landmarks()
    a, b, c = (landmarks_as_frames(keypoints, seed) for seed in (0, 0, 1))
    assert (a.xy == b.xy).all() and not (a.xy == c.xy).all()
    assert np.allclose(places_of(a), places_of(c))


@pytest.mark.parametrize(("drift_px", "still"), [(0.0, True), (1.0, True), (20.0, False)])
def test_what_moves_is_a_subject(drift_px, still):
    found = landmarks_as_frames(landmarks(drift_px=drift_px)[1])
    assert (found is not None) == still


def test_a_walker_is_a_subject():
    scene = articulated_scene(3, 20, 0)
    assert landmarks_as_frames(scene.detections(np.random.default_rng(0))) is None


def test_few_landmarks_are_no_calibration():
    scene = articulated_scene(3, 1, 0)
    with pytest.raises(InputError, match="or 40 landmarks that stand still"):
        refine_rig(scene.rig, scene.detections(np.random.default_rng(0)))


def test_a_wrong_detection_is_voted_down_and_a_missing_one_stays_missing():
    _, keypoints = landmarks()
    xy, sure = keypoints.xy.copy(), keypoints.confidence.copy()
    xy[:, 3] = 100.0
    spoiled = landmarks_as_frames(replace(keypoints, xy=xy))
    assert np.abs(places_of(spoiled) - places_of(landmarks_as_frames(keypoints))).max() < 1
    xy[1, :, :, 7], sure[1, :, :, 7] = np.nan, np.nan
    hidden = landmarks_as_frames(replace(keypoints, xy=xy, confidence=sure))
    assert np.isnan(hidden.xy[1, ..., 0]).sum() == 1 and not np.isnan(hidden.xy[0]).any()
