import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.formats.frame_names import frame_number
from mvboot.formats.frame_ranges import notes_on_frames


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("labeled-data/v/img0042.png", 42),
        ("v1_000000000012_keypoints.json", 12),
        ("cam1_frame_0003_png.rf.ba93bdb8f26f89d293ca60431675a49d.jpg", 3),
        ("3f2b9c1e-0007_mp4.jpg", 7),
        ("0f8fad5b-d9cb-469f-a165-70867728950e_17.png", 17),
        ("17_0f8fad5b-d9cb-469f-a165-70867728950e.png", 17),
        ("cafe0012.png", 12),
        ("clip.mp4.0031.jpg", 31),
        ("00000012.png", 12),
        ("20240101123000.png", 20240101123000),
    ],
)
def test_the_frame_is_the_last_number_that_is_no_hash(tmp_path, name, number):
    assert frame_number(name, tmp_path) == number


@pytest.mark.parametrize("name", ["nothing.png", "ba93bdb8f26f89d2.png", "1" * 30 + ".png"])
def test_a_name_without_a_frame(tmp_path, name):
    with pytest.raises(InputError, match=r"no frame number|too long"):
        frame_number(name, tmp_path)


def test_a_camera_that_counts_from_1_is_told():
    frames = {"a": np.arange(12), "b": np.arange(1, 13), "c": np.arange(12)}
    (note,) = notes_on_frames(frames)
    assert "b has the frames 1 to 12, others 0 to 11" in note and "--offset b=1" in note
    assert "counting from 1" in note


def test_ranges_that_are_apart_share_nothing():
    (moved, lonely) = notes_on_frames({"a": np.arange(100), "b": np.arange(1000, 1100)})
    assert "--offset b=1000" in moved and "hardly any frame of camera a, b" in lonely


def test_an_early_end_is_told_and_equal_ranges_are_not():
    (note,) = notes_on_frames({"a": np.arange(20), "b": np.arange(16), "c": np.arange(20)})
    assert note == "frames end at 19, but b at 15: missing there"
    assert notes_on_frames({"a": np.arange(9), "b": np.arange(9)}) == []
