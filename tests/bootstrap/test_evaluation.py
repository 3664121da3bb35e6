from dataclasses import replace

import numpy as np
import pytest

from mvboot.bootstrap.evaluation import Judge, judging_frames, wanted_views
from mvboot.datasets import Capture
from mvboot.triangulation.options import TriangulationOptions


def judge_of(capture, labels):
    return Judge(capture, labels, TriangulationOptions(threshold_px=8.0), 0.2, None)


def test_the_held_out_camera_judges_the_held_out_frames(walked):
    judge = judge_of(walked.capture, walked.truth)
    assert judge.cameras == ("cam_06",) and judge.warning is None
    exact = judge.judged(walked.truth)
    assert exact.held_out_px < 1e-6 and exact.pck == 1.0 and exact.median_px < 1e-6
    truth = walked.truth
    off = replace(truth, xy=truth.xy.copy(), confidence=truth.confidence.copy())
    off.xy[-1, 48:, ..., 0] += 3.0
    found = judge.judged(off)
    assert found.held_out_px == pytest.approx(3.0) and found.median_px < 1e-6
    off.xy[-1, :48] += 50.0  # of training frames: not looked at
    assert judge.judged(off).held_out_px == pytest.approx(3.0)
    off.xy[-1, 48:56], off.confidence[-1, 48:56] = np.nan, np.nan
    found = judge.judged(off)
    assert found.held_out_px is None, "more than half is missing"
    assert found.pck == pytest.approx(1 - 8 / 72, abs=0.05), "missing ones are wrong"


def test_without_a_held_out_camera_each_is_left_out(walked, tmp_path):
    text = (walked.folder / "capture.yaml").read_text()
    for name in ("images", "rig.yaml"):
        (tmp_path / name).symlink_to(walked.folder / name)
    (tmp_path / "capture.yaml").write_text(text.replace("[cam_06]", "[]"))
    capture = Capture.open(tmp_path)
    judge = judge_of(capture, walked.truth)
    assert judge.cameras == capture.cameras and judge.warning is None
    assert judge.judged(walked.truth).held_out_px < 1e-6
    (tmp_path / "capture.yaml").unlink()
    everything = judge_of(Capture.open(tmp_path), walked.truth)
    assert "holds neither frames nor cameras back" in everything.warning
    found = everything.judged(walked.truth)
    assert found.pck is None and found.held_out_px < 1e-6
    assert len(judging_frames(Capture.open(tmp_path))) == 60


def test_a_detector_looks_at_what_is_labelled_anew_and_what_judges(walked):
    views = wanted_views(walked.capture)
    assert len(views) == 5 * 45 + 6 * 12
    assert ("cam_06", 3) not in views and ("cam_06", 50) in views
