"""Real recordings as captures made by hand, without converting a single picture."""

import numpy as np
import pytest

from mvboot import load_keypoints, load_rig, save_rig
from mvboot.datasets import Capture, SampleReader, View, sample_views
from mvboot.errors import InputError
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.formats.video import open_video


@pytest.fixture
def mouse(shared_data, tmp_path):
    """Return a capture folder of the four mouse videos, their rig and their SLEAP keypoints."""
    source = shared_data / "mouse4"
    (tmp_path / "videos").mkdir()
    for camera in ("back", "mid", "side", "top"):
        video = source / camera / f"minimal_{camera}.mp4"
        (tmp_path / "videos" / f"{camera}.mp4").symlink_to(video)
    save_rig(load_rig(source / "calibration.toml", units="mm"), tmp_path / "rig.yaml")
    found = load_keypoints(f"{source}/{{camera}}/minimal_{{camera}}_proofread.analysis.h5")
    write_keypoints2d(found, tmp_path / "keypoints.parquet")
    return tmp_path


def test_frames_out_of_order_are_those_in_order(mouse):
    capture = Capture.open(mouse)
    assert len(capture.frames) == 120
    wanted = [100, 3, 57]
    in_order = dict(open_video(mouse / "videos" / "side.mp4").pictures(wanted))
    for frame in wanted:
        grey = capture.picture("side", frame) @ [0.299, 0.587, 0.114]
        # the file's own grey may use the narrow range of video
        assert np.corrcoef(grey.ravel(), in_order[frame].ravel())[0, 1] > 0.999


def test_samples_show_the_mouse(mouse):
    capture = Capture.open(mouse)
    views, _ = sample_views(capture, size=3)
    assert len(views) >= 120
    sample = SampleReader(capture, size=128, margin=0.3).read([View("side", 60), View("back", 60)])
    kept = sample.keypoints[~sample.keypoints.isnan().any(-1)]
    assert len(kept) > 20
    assert kept.min() > 0.3 / 1.6 * 128 - 1 and kept.max() < 1.3 / 1.6 * 128 + 1
    tiles = sample.images.float()
    assert (tiles.std((2, 3)) > 10).all()  # something is to be seen


def test_a_rig_of_another_size_is_named(shared_data, tmp_path):
    """The videos of cam01 and cam02 are 1080 px wide, their calibration says 1088."""
    (tmp_path / "videos").mkdir()
    for camera in ("01", "02", "03", "04"):
        video = shared_data / "human4" / "videos" / f"cam{camera}.mp4"
        (tmp_path / "videos" / f"cam_{camera}.mp4").symlink_to(video)
    rig = load_rig(shared_data / "human4" / "calibration" / "Calib.qca.txt")
    save_rig(rig, tmp_path / "rig.yaml")
    capture = Capture.open(tmp_path)
    with pytest.raises(
        InputError, match=r"camera cam_01 have 1080 x 1920 px, but rig.yaml says 1088"
    ):
        capture.picture("cam_01", 3)
    assert capture.picture("cam_03", 3).shape == (1920, 1088, 3)
