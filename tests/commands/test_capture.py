import json

import av
import cv2
import numpy as np
import pytest

from mvboot import load_rig, save_rig
from mvboot.datasets import Capture
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.geometry import Camera
from mvboot.rig import Rig

FRAMES = 6


@pytest.fixture
def recording(tmp_path):
    """Pictures, videos and detections of two cameras, called otherwise than in the rig."""
    cameras = {}
    for c, (name, turn) in enumerate({"cam_1": 0.2, "cam_2": -0.2}.items()):
        K = [[90.0, 0, 32], [0, 90.0, 24], [0, 0, 1]]
        R = cv2.Rodrigues(np.array([0, turn, 0]))[0]
        cameras[name] = Camera.from_opencv(K, [0, 0, 0, 0], R, [0.2 * c, 0, 3.0], (64, 48))
        folder = tmp_path / "images" / name.replace("_", "")
        folder.mkdir(parents=True)
        with av.open(str(tmp_path / f"{name.replace('_', '')}.mp4"), "w") as video:
            stream = video.add_stream("h264", rate=30)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            for f in range(FRAMES):
                picture = np.full((48, 64, 3), 30 * f + 20 * c, np.uint8)
                cv2.imwrite(str(folder / f"{f:03d}.png"), picture)
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")):
                    video.mux(packet)
            for packet in stream.encode():
                video.mux(packet)
    save_rig(Rig(cameras, "m"), tmp_path / "rig.yaml")
    return tmp_path


def detect(recording, walker):
    """Write detections of two people under the names of the footage."""
    found = walker.detections.for_cameras(walker.detections.cameras[:2])
    found = found.slice_frames(slice(0, FRAMES))
    names = dict(zip(found.cameras, ("cam1", "cam2"), strict=True))
    write_keypoints2d(found.renamed(names), recording / "keypoints.parquet")
    return found


def arguments(recording, *more):
    return ("capture", "--rig", recording / "rig.yaml", "--out", recording / "out", *more)


def test_videos_become_a_capture_that_can_be_read(mvboot, walker, recording):
    found = detect(recording, walker)
    old, new = found.keypoints[0], "nose"
    result = mvboot(
        *arguments(recording, "--videos", recording / "{camera}.mp4", "--fps", 30),
        *("--keypoints", recording / "keypoints.parquet", "--landmark", f"{old}={new}"),
        *("--train", "0..2,4", "--validation", "5", "--template", "body", "--json"),
    )
    assert result.code == 0, result.err
    assert json.loads(result.out)["pictures"] == {"cam_1": FRAMES, "cam_2": FRAMES}
    capture = Capture.open(recording / "out")
    capture.check()
    assert capture.cameras == ("cam_1", "cam_2")
    for frame in range(FRAMES):
        assert abs(capture.picture("cam_2", frame).mean() - 30 * frame - 20) < 3
    assert capture.split("train").tolist() == [0, 1, 2, 4]
    assert capture.split("validation").tolist() == [5]
    assert capture.keypoints.keypoints == (new,)
    np.testing.assert_array_equal(capture.keypoints.xy[..., 0, :], found.xy[..., 0, :])
    assert capture.template.name == "body" and capture.model.fps == 30


def test_pictures_stay_as_they_are(mvboot, recording):
    result = mvboot(
        *arguments(recording, "--images", recording / "images" / "{camera}" / "*.png"),
        *("--validation", "3..5", "--held-out", "cam_2"),
    )
    assert result.code == 0, result.err
    assert "cam1 is cam_1" in result.out
    copied = recording / "out" / "images" / "cam_1" / "000004.png"
    assert copied.read_bytes() == (recording / "images" / "cam1" / "004.png").read_bytes()
    capture = Capture.open(recording / "out")
    assert capture.split("train").tolist() == [0, 1, 2]
    assert capture.training_cameras == ("cam_1",)


def test_a_rig_of_another_size_is_not_guessed_at(mvboot, recording):
    rig = recording / "rig.yaml"
    resized = mvboot("rig", "convert", rig, recording / "large.yaml", "--resize", "cam_1=128x96")
    assert resized.code == 0, resized.err
    result = mvboot(
        *("capture", "--rig", recording / "large.yaml", "--out", recording / "out"),
        *("--videos", recording / "{camera}.mp4"),
    )
    assert result.code == 2 and not (recording / "out").exists()
    assert "64 x 48 px, but is calibrated for 128 x 96" in result.err
    assert "--resize cam_1=64x48" in result.err
    back = mvboot(
        "rig", "convert", recording / "large.yaml", recording / "back.yaml", "--resize",
        "cam_1=64x48",
    )  # fmt: skip
    assert back.code == 0
    np.testing.assert_allclose(
        load_rig(recording / "back.yaml")["cam_1"].K, load_rig(rig)["cam_1"].K
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "either --images or --videos"),
        (("--videos", "{camera}.mp4", "--images", "x"), "either --images or --videos"),
        (("--videos", "{camera}.mp4", "--validation", "9"), "no camera filmed frame 9"),
        (("--videos", "{camera}.mp4", "--train", "0..3", "--validation", "3"), "frame 3 is both"),
        (("--videos", "{camera}.mp4", "--held-out", "cam_7"), "no camera cam_7"),
        (("--videos", "{camera}.mp4"), "cannot be drawn: 6 frames are too few"),
        (("--videos", "{camera}.mp4", "--camera-map", "cam7=cam_1"), "the recordings have cam1"),
        (("--images", "images/{camera}"), "is a folder"),
        (("--videos", "{camera}.mp4", "--landmark", "a=b"), "needs --keypoints"),
    ],
)
def test_what_cannot_be_meant_is_refused(mvboot, recording, monkeypatch, more, words):
    monkeypatch.chdir(recording)
    result = mvboot(*arguments(recording, *more))
    assert result.code == 2 and words in result.err, result.err
    assert len(result.err.strip().splitlines()) == 1
    assert not (recording / "out").exists()


def test_unknown_keypoints_and_landmarks_are_named(mvboot, walker, recording):
    found = detect(recording, walker)
    given = arguments(
        recording, "--videos", recording / "{camera}.mp4", "--template", "body",
        "--keypoints", recording / "keypoints.parquet",
    )  # fmt: skip
    result = mvboot(*given, "--landmark", "snout=nose")
    assert result.code == 2 and "no keypoint snout" in result.err
    result = mvboot(*given, "--landmark", f"{found.keypoints[0]}=snout")
    assert result.code == 2 and "no landmark snout" in result.err
