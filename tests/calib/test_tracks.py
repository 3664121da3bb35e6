"""Tracks: points that agree, who sees them, how much they count, and the noise they have."""

from dataclasses import replace

import numpy as np
import pytest

from mvboot.calib.tracks import detection_noise, require_tracks, tracks
from mvboot.errors import NothingUsable
from mvboot.synthetic.scene import articulated_scene
from mvboot.triangulation.options import TriangulationOptions

SCENE = articulated_scene(4, 12, 1)


def seen(noise_px=1.0, outliers=0.0):
    return SCENE.detections(np.random.default_rng(2), noise_px, outliers, 0.1)


@pytest.mark.parametrize("noise_px", [0.5, 2.0])
def test_the_noise_is_that_of_the_detections(noise_px):
    found = tracks(SCENE.rig, seen(noise_px), 12 * noise_px, TriangulationOptions())
    assert detection_noise(*found) == pytest.approx(noise_px, rel=0.15)


def test_wrong_detections_are_in_no_track():
    bundle, observations = tracks(SCENE.rig, seen(0.5, 0.2), 4, TriangulationOptions())
    assert np.linalg.norm(bundle.residuals(observations), axis=1).max() < 4.1
    assert len(bundle.points) > 100 and len(observations) >= 3 * len(bundle.points)


def test_a_detection_counts_by_its_confidence():
    keypoints = seen()
    half = np.where(keypoints.present, 0.5, np.nan)
    half[0][keypoints.present[0]] = 1.0
    _, observations = tracks(
        SCENE.rig, replace(keypoints, confidence=half), 8, TriangulationOptions()
    )
    assert set(observations.weight[observations.camera == 0]) == {2}
    assert set(observations.weight[observations.camera > 0]) == {1}


def test_too_few_points_name_what_to_look_at():
    exact = SCENE.detections(np.random.default_rng(0), 0, 0, 0)
    few = tracks(SCENE.rig, exact.slice_frames(slice(0, 1)), 8, TriangulationOptions())
    with pytest.raises(NothingUsable, match="only 17 points agree within 8 px"):
        require_tracks(*few, 8)
    hidden = seen().where(np.array([True, True, True, False])[:, None, None, None])
    with pytest.raises(NothingUsable, match="camera cam_04 sees only 0 of the"):
        require_tracks(*tracks(SCENE.rig, hidden, 8, TriangulationOptions()), 8)
    require_tracks(*tracks(SCENE.rig, seen(), 8, TriangulationOptions()), 8)
    none = tracks(SCENE.rig, seen().where(np.zeros(1, bool)), 8, TriangulationOptions())
    assert len(none[0].points) == len(none[1]) == 0
