import numpy as np
import pandas as pd
import pytest

from mvboot.datasets import View
from mvboot.datasets.boxes import LAST, Boxes
from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D

COLUMNS = ["camera", "frame", "left", "top", "right", "bottom"]


def keypoints(xy, confidence=1.0, individuals=("a",)):
    xy = np.array(xy, float)
    known = np.where(np.isnan(xy[..., 0]), np.nan, confidence)
    frames = np.arange(xy.shape[1])
    names = tuple(f"k{i}" for i in range(xy.shape[3]))
    return Keypoints2D(("left", "right")[: len(xy)], frames, individuals, names, xy, known)


def test_a_table_of_boxes(tmp_path):
    rows = [("a", 3, 1, 2, 30, 40), ("b", 3, 5, 6, 7, 8)]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / "boxes.csv", index=False)
    boxes = Boxes.read(tmp_path / "boxes.csv")
    assert boxes.own(View("a", 3)) == (1, 2, 30, 40) and boxes.own(View("a", 4)) is None
    assert boxes.last(View("a", 4)) == boxes.last(View("a", 3 + LAST)) == (1, 2, 30, 40)
    assert boxes.last(View("a", 2)) is None and boxes.last(View("a", 4 + LAST)) is None


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", 3, 1, 2, 1, 40)], "camera a, frame 3 has no area"),
        ([("a", 3, 1, 2, None, 40)], "camera a, frame 3 has no area"),
        ([("a", 3, 1, 2, 3, 4)] * 2, "two boxes of one camera"),
    ],
)
def test_boxes_that_are_none(rows, message, tmp_path):
    pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / "boxes.csv", index=False)
    with pytest.raises(InputError, match=message):
        Boxes.read(tmp_path / "boxes.csv")


def test_boxes_belong_to_a_rig_and_its_pictures(tmp_path):
    boxes = Boxes({View("a", 3): (1, 2, 30, 40)})
    boxes.require_among(("a", "b"), [("a", 2), ("a", 3)], tmp_path)
    with pytest.raises(InputError, match="camera a, but the rig's cameras are left, b"):
        boxes.require_among(("left", "b"), [("b", 3)], tmp_path)
    with pytest.raises(InputError, match="of no picture"):
        boxes.require_among(("a", "b"), [("a", 4)], tmp_path)


def test_boxes_about_keypoints():
    nowhere = [np.nan, np.nan]
    xy = [[[[[0, 0], [100, 50]]], [[[0, 0], [100, 50]]], [[[40, 40], nowhere]], [[nowhere] * 2]]]
    boxes = Boxes.of_keypoints(keypoints(xy))
    left, top, right, bottom = boxes.own(View("left", 0))
    assert left == -right + 100 and top == -bottom + 50 and 110 < right - left < 120
    lone = boxes.own(View("left", 2))
    assert lone[2] - lone[0] == pytest.approx((right - left) / 2), "half the usual size"
    assert (lone[0] + lone[2]) / 2 == (lone[1] + lone[3]) / 2 == 40
    assert boxes.own(View("left", 3)) is None


def test_unsure_keypoints_and_several_individuals():
    assert (
        Boxes.of_keypoints(keypoints([[[[[0, 0], [9, 9]]]]], 0.1), 0.3).own(View("left", 0)) is None
    )
    two = keypoints([[[[[0, 0], [9, 9]], [[0, 0], [9, 9]]]]], individuals=("a", "b"))
    with pytest.raises(InputError, match="are of a, b; choose one"):
        Boxes.of_keypoints(two)
