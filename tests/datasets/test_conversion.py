"""Footage is linked, never encoded anew; truth and labels agree where they should."""

import errno
import os

import numpy as np
import pytest

from mvboot.datasets import CaptureFiles
from mvboot.datasets.conversion import (
    add_pictures,
    add_video,
    agreement,
    gaps,
    labels,
    sized,
    truth,
)
from mvboot.datasets.public import Frames
from mvboot.errors import InputError
from mvboot.geometry import Camera
from mvboot.report.overlay import OverlayVideo
from mvboot.rig import Rig


@pytest.fixture
def files(tmp_path, tools):
    return CaptureFiles(tmp_path / "capture", {"a": (tools["W"], tools["H"])})


def test_pictures_are_linked_or_copied(files, tools, tmp_path, monkeypatch):
    source = tmp_path / "x.PNG"
    tools["write_picture"](source, tools["numbered"](3))
    (tmp_path / "link.PNG").symlink_to(source)
    add_pictures(files, "a", {7: tmp_path / "link.PNG"})
    target = files.picture_path("a", 7)
    assert os.path.samefile(source, target) and not target.is_symlink()

    def elsewhere(*_):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", elsewhere)
    add_pictures(files, "a", {8: source})
    assert files.picture_path("a", 8).read_bytes() == source.read_bytes()
    with pytest.raises(InputError, match="no such file"):
        add_pictures(files, "a", {9: tmp_path / "none.png"})


def test_videos_are_linked_or_their_frames_are_picked(files, tools, tmp_path):
    video = tmp_path / "v.MP4"
    tools["write_video"](video, count=12)
    add_video(files, "a", video, Frames())
    assert os.path.samefile(files.folder / "videos" / "a.mp4", video)
    add_video(files, "a", video, Frames.parse("3..11:4"))
    pictures = sorted((files.folder / "images" / "a").iterdir())
    assert [path.name for path in pictures] == ["000003.png", "000007.png", "000011.png"]


def test_size_comes_from_the_footage(tools, tmp_path):
    video, picture = tmp_path / "v.mp4", tmp_path / "p.bmp"
    tools["write_video"](video, count=2)
    tools["write_picture"](picture, tools["numbered"](1))
    camera = Camera.from_opencv([[70, 0, 32], [0, 70, 24], [0, 0, 1]])
    for path in (video, picture):
        assert sized(camera, path).size == (tools["W"], tools["H"])
    other = Camera.from_opencv(camera.K, size=(640, 480))
    with pytest.raises(InputError, match="64 x 48 px, but its camera is calibrated for 640 x 480"):
        sized(other, video)


def test_gaps_between_truth_and_labels(tools):
    rig = tools["ring"](3)
    frames, names = [4, 6, 7], ["nose", "tail"]
    xyz = np.random.default_rng(0).uniform(-0.2, 0.2, (3, 1, 2, 3))
    xy = np.stack([rig[name].project(xyz[:, 0]) for name in rig.names])
    known = truth(rig, frames, names, xyz, score=0.5, fps=30)
    assert known.units == "m" and known.score[0, 0, 0] == 0.5 and known.accepted.all()
    xy[1, 0, 1] += [3.0, 4.0]
    xy[2, 1, 0] = np.nan
    seen = labels(rig.names, [4, 6, 9], names, xy, confidence=0.7)
    found = gaps(rig, seen, known)
    assert found[1, 0, 1] == pytest.approx(5)
    assert np.isnan(found[2, 1, 0]) and np.isnan(found[:, 2]).all()
    found[1, 0, 1] = 0
    assert np.nanmax(found) < 1e-9
    assert "at most 5)" in agreement(rig, seen, known)
    apart = labels(rig.names, [1, 2, 3], names, xy)
    assert "share no frame" in agreement(rig, apart, known)
    with pytest.raises(InputError, match="different names"):
        gaps(rig, labels(rig.names, frames, ["a", "b"], xy), known)


def test_gaps_of_a_moving_camera_that_misses_frames():
    K = [[70, 0, 32], [0, 70, 24], [0, 0, 1]]
    places = np.array([[0, 0, 5.0], [0.1, 0, 6.0]])
    camera = Camera.from_opencv(K, None, np.tile(np.eye(3), (2, 1, 1)), places, frames=[2, 5])
    rig = Rig({"a": camera}, "m")
    xyz = np.random.default_rng(1).uniform(-1, 1, (3, 1, 4, 3))
    xy = np.full((1, 3, 4, 2), np.nan)
    for row, t in zip((0, 2), places, strict=True):
        points = xyz[row, 0] + t
        xy[0, row] = points[:, :2] / points[:, 2:] * 70 + [32, 24]
    names = list("abcd")
    found = gaps(rig, labels(["a"], [2, 3, 5], names, xy), truth(rig, [2, 3, 5], names, xyz))
    assert np.isnan(found[0, 1]).all() and np.nanmax(found) < 1e-9


def test_gaps_of_as_many_frames_as_keypoints():
    rng = np.random.default_rng(0)
    K = [[70, 0, 32], [0, 70, 24], [0, 0, 1]]
    t = rng.normal([0, 0, 5.0], 0.3, (4, 3))
    rig = Rig(
        {"a": Camera.from_opencv(K, None, rng.normal(0, 0.1, (4, 3)), t, frames=range(4))}, "m"
    )
    xyz = rng.uniform(-1, 1, (4, 1, 4, 3))
    xy = np.stack([rig["a"].at(f).project(xyz[f, 0]) for f in range(4)])[None]
    names = list("abcd")
    found = gaps(rig, labels(["a"], range(4), names, xy), truth(rig, range(4), names, xyz))
    assert found.shape == (1, 4, 4) and found.max() < 1e-9


def test_missing_truth_says_so(tools):
    rig = tools["ring"](2)
    xyz = np.zeros((1, 1, 2, 3))
    xyz[0, 0, 1, 2] = np.nan
    known = truth(rig, [0], ["a", "b"], xyz)
    assert known.reason.tolist() == [[["", "not labelled"]]]
    assert np.isnan(known.xyz[0, 0, 1]).all() and np.isnan(known.score[0, 0, 1])


@pytest.mark.parametrize("camera", ["../../x", "/etc/x", "a/b", ".."])
def test_cameras_never_become_paths(files, tmp_path, camera):
    (tmp_path / "v.mp4").write_bytes(b"video")
    (tmp_path / "p.png").write_bytes(b"picture")
    for add in (
        lambda: add_video(files, camera, tmp_path / "v.mp4", Frames()),
        lambda: add_pictures(files, camera, {0: tmp_path / "p.png"}),
        lambda: OverlayVideo(tmp_path / "o", 25.0).add(camera, np.zeros((8, 8, 3), np.uint8)),
    ):
        with pytest.raises(InputError, match="cannot be part of a file's name"):
            add()
