"""Detections of late, dropped and cropped frames are put where the rig has them."""

import numpy as np
import pytest

from mvboot import Keypoints2D, Rig
from mvboot.errors import InputError
from mvboot.formats.alignment import Alignment
from mvboot.geometry import Camera

FRAMES = 6


@pytest.fixture
def rig():
    K = [[90.0, 0, 320], [0, 90.0, 240], [0, 0, 1]]
    poses = {name: [0.1 * i, 0, 3.0] for i, name in enumerate("ab")}
    return Rig(
        {
            n: Camera.from_opencv(K, [0, 0, 0, 0], np.eye(3), t, (640, 480))
            for n, t in poses.items()
        },
        "m",
    )


def detections(rows):
    """Return a detection at (10 + instant, 5) of each instant that a camera's rows show."""
    frames = np.arange(max(map(len, rows.values())))
    xy = np.full((len(rows), len(frames), 1, 1, 2), np.nan)
    for c, instants in enumerate(rows.values()):
        xy[c, : len(instants), 0, 0] = np.stack([10 + np.array(instants), [5] * len(instants)], -1)
    confidence = np.where(np.isnan(xy[..., 0]), np.nan, 1.0)
    return Keypoints2D(tuple(rows), frames, ("i",), ("k",), xy, confidence)


def instants(found):
    """Return the instant that each camera shows at each frame, by frame."""
    shown = found.xy[:, :, 0, 0, 0] - 10
    return {int(f): shown[:, i].tolist() for i, f in enumerate(found.frames)}


@pytest.mark.parametrize("late", [2, -1])
def test_a_late_camera_is_moved(late):
    rows = {"a": range(FRAMES), "b": range(-late, FRAMES - late)}
    found = Alignment(offsets={"b": late}).applied(detections(rows), {})
    assert (found.frames >= 0).all()
    for frame, shown in instants(found).items():
        np.testing.assert_array_equal([one for one in shown if one == one], frame)
    both = [frame for frame, shown in instants(found).items() if not np.isnan(shown).any()]
    assert both == list(range(max(0, -late), FRAMES - max(0, late)))


def times(path, rows, shift=0):
    lines = [
        f"{camera},{frame},{(tick + shift) / 50}"
        for camera, ticks in rows.items()
        for frame, tick in enumerate(ticks)
    ]
    path.write_text("\n".join(["camera,frame,time", *lines]))
    return path


def test_dropped_frames_are_paired_by_time(tmp_path):
    rows = {"a": (0, 1, 2, 4, 5), "b": (0, 2, 3, 5)}
    table = times(tmp_path / "times.csv", {**rows, "other": (0, 1)})
    found = Alignment(table).applied(detections(rows), {"a": 5, "b": 4})
    for frame, shown in instants(found).items():
        np.testing.assert_array_equal([one for one in shown if one == one], frame)
    np.testing.assert_array_equal(found.frames, range(6))


def test_a_late_camera_in_a_table(tmp_path):
    rows = {"a": range(5), "b": range(-1, 4)}
    table = times(tmp_path / "times.csv", {"a": range(5), "b": range(5)})
    found = Alignment(table, offsets={"b": 1}).applied(detections(rows), {})
    for frame, shown in instants(found).items():
        np.testing.assert_array_equal([one for one in shown if one == one], frame)


@pytest.mark.parametrize(
    ("rows", "counted", "said"),
    [
        ({"a": range(5), "b": range(4)}, {"a": 5, "b": 4}, "b: the table has 5 rows, .* 4 frames"),
        ({"a": range(5), "b": range(6)}, {}, "b: the table has 5 rows, .* of frame 5"),
    ],
)
def test_a_table_of_another_recording_is_refused(rows, counted, said, tmp_path):
    table = times(tmp_path / "times.csv", {"a": range(5), "b": range(5)})
    with pytest.raises(InputError, match=said):
        Alignment(table).applied(detections(rows), counted)


def test_crops_are_moved_back(rig):
    crop = Alignment(crops={"b": (100.0, 50.0, 64.0, 48.0)})
    crop.check(rig)
    before = detections({"a": range(3), "b": range(3)})
    after = crop.applied(before, {})
    np.testing.assert_array_equal(after.xy[0], before.xy[0])
    np.testing.assert_array_equal(after.xy[1], before.xy[1] + [100, 50])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (Alignment(crops={"b": (600.0, 0.0, 64.0, 48.0)}), "--crop b=600,0,64,48 .* 640 x 480"),
        (
            Alignment(crops={"z": (0.0, 0.0, 64.0, 48.0)}),
            "--crop: the rig has no camera z; .* a, b",
        ),
        (Alignment(offsets={"z": 1}), "--offset: the rig has no camera z"),
    ],
)
def test_what_does_not_fit_the_rig_is_refused(told, said, rig):
    with pytest.raises(InputError, match=said):
        told.check(rig)


def test_detections_of_the_whole_picture_are_no_crop():
    with pytest.raises(InputError, match=r"--crop b: 100 % of its detections lie outside 8 x 8 px"):
        Alignment(crops={"b": (0.0, 0.0, 8.0, 8.0)}).applied(detections({"b": range(3)}), {})


def test_nothing_left_is_said():
    with pytest.raises(InputError, match="no detection has an instant"):
        Alignment(offsets={"b": 9}).applied(detections({"b": range(3)}), {})
