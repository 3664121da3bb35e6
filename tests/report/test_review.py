import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

from mvboot.bootstrap import Selection
from mvboot.bootstrap.review import read_review
from mvboot.keypoints import Keypoints2D
from mvboot.report.review import VIEWS, write_review_sheet


@pytest.fixture
def sheet(tmp_path):
    """A sheet of two frames: one in more pictures than are shown, one in a single picture."""
    cameras = tuple(f"cam <{c}>" for c in range(VIEWS + 2))
    xy = np.full((len(cameras), 3, 1, 2, 2), np.nan)
    xy[:, 1, 0] = [[20.0, 30.0], [60.0, 40.0]]
    xy[3, 2, 0, 0] = [5.0, 5.0]
    sure = np.where(np.isnan(xy[..., 0]), np.nan, 1.0)
    labels = Keypoints2D(cameras, np.array([4, 7, 9]), ("s",), ("nose", "<tail>"), xy, sure)
    capture = SimpleNamespace(picture=lambda camera, frame: np.full((80, 100, 3), 90, np.uint8))
    selection = Selection(
        round=2, frames=3, points=6, accepted_points=4, error_px=1.0, rejected={}, below=1,
        chosen={9: 1.5, 7: 12.0}, pictures=8, hidden_views=0, unsure_views=0,
    )  # fmt: skip
    path = tmp_path / "review.html"
    write_review_sheet(path, capture, selection, labels)
    return path.read_text()


def test_a_sheet_shows_frames_best_first_in_several_pictures(sheet):
    assert re.findall(r'value="(\d+)" checked', sheet) == ["7", "9"]
    assert sheet.count("<img") == VIEWS + 1 == sheet.count("data:image/jpeg;base64,")
    assert "2 pictures more" in sheet and "2 frames" in sheet
    assert "cam &lt;0&gt;" in sheet and "&lt;tail&gt;" in sheet and "<tail>" not in sheet
    assert "http" not in sheet, "it needs nothing from elsewhere"


def test_what_its_button_saves_is_read(sheet, tmp_path):
    """The script adds the frames by their ticks to what stands in the page."""
    said = json.loads(re.search(r"\{\.\.\.(\{.*?\}), keep: frames\(true\)", sheet)[1])
    path = tmp_path / re.search(r'link.download = "(.*?)"', sheet)[1]
    path.write_text(json.dumps({**said, "keep": [9], "reject": [7]}))
    review = read_review(path)
    assert path.name == "review.json" and (review.round, review.reject) == (2, (7,))
