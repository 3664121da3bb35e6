"""Scores of 2D keypoints whose errors are known."""

from dataclasses import replace

import numpy as np
import pytest

from mvboot.keypoints import Keypoints2D
from mvboot.metrics.detections import detection_epipolar, detection_summary


@pytest.fixture(scope="module")
def dots(film_dots, tmp_path_factory):
    return film_dots(tmp_path_factory.mktemp("dots") / "capture", frames=6, cameras=3)


PICTURES = {frame: ["cam0", "cam1", "cam2"] for frame in range(6)}


def test_errors_and_shares_of_the_box(dots):
    truth = dots.keypoints
    xy = truth.xy.copy()
    extent = np.ptp(xy[1, 3, 0], axis=0).max()
    xy[1, 3, 0, 0, 0] += 0.07 * extent
    xy[2, 4, 0, 1] = np.nan
    found = replace(truth, xy=xy, confidence=np.where(np.isnan(xy[..., 0]), np.nan, 1.0))
    scores = detection_summary(found, truth, PICTURES)
    assert scores["keypoints"] == 54 and scores["found"] == pytest.approx(53 / 54)
    assert scores["pck_0.05"] == pytest.approx(52 / 54)
    assert scores["pck_0.1"] == pytest.approx(53 / 54)
    assert scores["median_px"] == 0 and scores["within_90"] is None
    assert scores["per_landmark"]["red"]["mean_px"] == pytest.approx(0.07 * extent / 18)
    assert detection_summary(found, truth, {3: ["cam1"]})["keypoints"] == 3


def test_only_keypoints_of_common_names_count(dots):
    found = dots.keypoints.for_keypoints({"blue": "blue", "red": "crimson"})
    scores = detection_summary(found, dots.keypoints, PICTURES)
    assert list(scores["per_landmark"]) == ["blue"] and scores["median_px"] == 0


@pytest.mark.parametrize(("stated", "low", "high"), [(1.0, 0.8, 0.97), (0.3, 0.0, 0.5)])
def test_ellipses_hold_what_they_should(dots, stated, low, high):
    rng = np.random.default_rng(0)
    half = np.array([[3.0, 0.0], [1.0, 0.5]])
    noise = rng.normal(size=dots.keypoints.xy.shape) @ half.T
    covariance = np.broadcast_to(stated**2 * half @ half.T, (*noise.shape, 2)).copy()
    found = replace(dots.keypoints, xy=dots.keypoints.xy + noise, covariance=covariance)
    assert low <= detection_summary(found, dots.keypoints, PICTURES)["within_90"] <= high


def test_epipolar_errors_need_no_truth(dots):
    exact = detection_epipolar(dots.keypoints, dots, PICTURES)
    assert exact["matches"] == 54 and exact["p90_px"] < 1e-6
    moved = dots.keypoints.xy.copy()
    moved[0, ..., 1] += 4.0  # the cameras stand about as high: lines are nearly level
    off = detection_epipolar(replace(dots.keypoints, xy=moved), dots, PICTURES)
    assert 1 < off["p90_px"] < 5
    unsure = Keypoints2D(
        dots.keypoints.cameras, dots.keypoints.frames, ("dots",), dots.keypoints.keypoints,
        dots.keypoints.xy, np.full(dots.keypoints.shape, 0.1),
    )  # fmt: skip
    assert detection_epipolar(unsure, dots, PICTURES)["matches"] == 0
