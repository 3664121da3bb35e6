"""Keypoints that nobody labelled, on the command line."""

import json

import numpy as np

from mvboot.formats.detections import load_keypoints

QUICK = ("--steps", "2", "size=32", "validate_every=2", "groups=2", "backbone=small", "keypoints=4")


def test_discovered_keypoints_are_predicted_like_others(mvboot, film_dots, tmp_path):
    data, out = tmp_path / "capture", tmp_path / "run"
    film_dots(data, frames=3, cameras=3)
    given = ("train", "--task", "latent", "--data", data, "--out", out, *QUICK)
    result = mvboot(*given)
    assert result.code == 0, result.err
    assert "6 of 6 pictures have no mask" in result.err
    assert "nothing says front and back" in result.err
    summary = json.loads((out / "summary.json").read_text())
    assert summary["task"] == "latent" and "validation/angle_deg" in summary
    result = mvboot("predict", "--model", out, "--data", data, "--out", tmp_path / "found")
    assert result.code == 0, result.err
    found = load_keypoints(tmp_path / "found" / "keypoints.parquet")
    assert found.keypoints == tuple(f"latent_{i:02d}" for i in range(4))
    assert np.isfinite(found.xy).all() and found.frames.tolist() == [0, 1, 2]


def test_settings_of_another_task_are_refused(mvboot, film_dots, tmp_path):
    data = tmp_path / "capture"
    film_dots(data, frames=3, cameras=2)
    given = ("train", "--task", "latent", "--data", data, "--out", tmp_path / "run")
    for words, said in (
        (("preset=code",), "preset"),
        (("weights.poise=1",), "weights"),
        (("oriented=[nose,tail]",), "there is no keypoint nose, tail"),
        (("--labels", data), "have no labels"),
        (("stride=4",), "has no cells of 4 px"),
    ):
        result = mvboot(*given, *words)
        assert result.code == 2 and said in result.err, result.err
