"""CMU Panoptic: cameras and bodies in cm, hands without a score, videos or pictures."""

import json
import os

import numpy as np
import pytest

from mvboot.formats.rigs import load_rig

FRAMES = range(8)
NAMES = ("00_00", "00_03", "00_16")


def hand(points, valid=True):
    validity = [int(valid)] * 20 + [1]
    return {"landmarks": points.ravel().tolist(), "averageScore": [0.5] * 21, "validity": validity}


def write_sequence(folder, exact):
    """Write calibration, bodies and hands; person 3 stands still, person 0 moves."""
    cameras = dict(zip(NAMES, exact["true_cameras"](3, unit=100), strict=True))
    entries = [
        {
            "name": name,
            "type": "hd",
            "resolution": list(exact["SIZE"]),
            "panel": 0,
            "node": int(name[3:]),
            "K": camera.K.tolist(),
            "distCoef": camera.dist.tolist(),
            "R": camera.R.tolist(),
            "t": camera.t[:, None].tolist(),
        }
        for name, camera in {**cameras, "01_01": cameras["00_00"]}.items()
    ]
    folder.mkdir()
    calibration = folder / "calibration_171204_pose1.json"
    calibration.write_text(json.dumps({"calibDataSource": "x", "cameras": entries}))
    xyz = exact["moving"](FRAMES, 19 + 42, unit=100)
    for f in FRAMES:
        body = np.column_stack([xyz[f, :19], np.full(19, 0.8)])
        body[4, 3] = -1  # joint 4 was not found
        still = np.column_stack([xyz[0, :19] + 20, np.full(19, 1.2)])
        people = [{"id": 0, "joints19": body.ravel().tolist()}]
        people += [{"id": 3, "joints19": still.ravel().tolist()}] if f < 5 else []
        write(folder / f"hdPose3d_stage1_coco19/body3DScene_{f:08d}.json", {"bodies": people})
        left, right = xyz[f, 19:40], xyz[f, 40:]
        pairs = [{"id": 0, "left_hand": hand(left), "right_hand": hand(right, valid=f != 2)}]
        pairs += [{"id": -1, "left_hand": hand(left)}]
        write(folder / f"hdHand3d/handRecon3D_hd{f:08d}.json", {"people": pairs})
    return cameras, xyz


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def sequence(tmp_path, exact, tools):
    folder = tmp_path / "171204_pose1"
    cameras, xyz = write_sequence(folder, exact)
    for name in NAMES:
        tools["write_video"](folder / "hdVideos" / f"hd_{name}.mp4", 8, times=33 * np.arange(8))
    return folder, cameras, xyz


def test_videos_bodies_and_hands(sequence, prepare, opened, tools, tmp_path):
    folder, cameras, xyz = sequence
    result = prepare("panoptic", folder, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    capture, known = opened(tmp_path / "out")
    assert (capture.rig.units, capture.rig.up) == ("cm", "-y")
    assert capture.cameras == NAMES
    assert known.individuals == ("person_0", "person_3")
    video = folder / "hdVideos" / "hd_00_03.mp4"
    assert os.path.samefile(tmp_path / "out" / "videos" / "00_03.mp4", video)
    missing = known.keypoints.index("left_elbow")
    there = np.delete(np.arange(61), missing)
    assert np.isnan(known.xyz[:, 0, missing]).all()
    rows = [0, 1, 3, 4, 5, 6, 7]
    for name, camera in cameras.items():
        expected = camera.pixels(xyz[rows][:, there])
        found = capture.rig[name].project(known.xyz[rows, 0][:, there])
        assert np.abs(found - expected).max() < 1e-3
    invalid = known.xyz[2, 0, 40:]  # all but the last point of the right hand are invalid
    assert np.isnan(invalid[:-1]).all() and np.isfinite(invalid[-1]).all()
    assert known.score[0, 1, 0] == 1.0 and known.score[0, 0, 30] == 0.5
    assert np.isnan(known.xyz[5:, 1]).all() and np.isfinite(known.xyz[:5, 1, :19]).all()
    assert known.keypoints[2:6] == ("body_center", "left_shoulder", "left_elbow", "left_wrist")
    assert known.keypoints[19] == "left_hand_wrist" and known.keypoints[-1] == (
        "right_hand_little_3"
    )
    assert tools["number_of"](capture.picture("00_16", 6)) == 6


def test_extracted_pictures_go_first(sequence, prepare, opened, tools, tmp_path):
    folder = sequence[0]
    for name in NAMES[:2]:
        for f in (1, 4, 6):
            path = folder / "hdImgs" / name / f"{name}_{f:08d}.png"
            tools["write_picture"](path, tools["numbered"](f))
    result = prepare("panoptic", folder, "--frames", "4..9", "--out", tmp_path / "out")
    assert result.code == 0, result.err
    capture, known = opened(tmp_path / "out")
    assert capture.cameras == NAMES[:2] and capture.frames.tolist() == [4, 6]
    assert known.frames.tolist() == [4, 5, 6, 7]
    assert tools["number_of"](capture.picture("00_03", 6)) == 6
    source = folder / "hdImgs" / "00_03" / "00_03_00000006.png"
    assert os.path.samefile(tmp_path / "out" / "images" / "00_03" / "000006.png", source)


def test_bad_input(sequence, refused, tools, tmp_path):
    folder, out = sequence[0], tmp_path / "out"
    refused("panoptic", out, folder.parent, says=["calibration_*.json", "the cameras", "card.md"])
    refused("panoptic", out, folder, "--cameras", "00_99", says=["no camera 00_99", "00_16"])
    broken = folder / "hdPose3d_stage1_coco19" / "body3DScene_00000003.json"
    text = broken.read_text()
    broken.write_text(text.replace("joints19", "joints15"))
    refused("panoptic", out, folder, says=["body3DScene_00000003.json", "joints19"])
    broken.write_text(text[:100])
    refused("panoptic", out, folder, says=["body3DScene_00000003.json", "broken JSON"])
    broken.write_text(text)
    tools["write_video"](folder / "hdVideos" / "hd_00_30.mp4", 8)
    refused("panoptic", out, folder, says=["no calibration of camera 00_30"])
    (folder / "calibration_171204_pose1.json").unlink()
    refused("panoptic", out, folder, says=["calibration_*.json"])


@pytest.mark.slow
def test_real_calibration(shared_data, tmp_path, exact, prepare, opened, tools):
    """The real file of 520 cameras with pictures of two: a person stands in view, in cm."""
    folder = tmp_path / "171204_pose1"
    write_sequence(folder, exact)
    calibration = folder / "calibration_171204_pose1.json"
    real = shared_data / "formats" / "panoptic_calibration.json"
    calibration.write_bytes(real.read_bytes())
    known = load_rig(real)
    names = [name for name in known.names if name.startswith("00_")][:2]
    for name in names:
        width, height = known[name].size
        picture = np.zeros((height, width, 3), np.uint8)
        tools["write_picture"](folder / "hdImgs" / name / f"{name}_{3:08d}.jpg", picture)
    result = prepare("panoptic", folder, "--frames", "3", "--out", tmp_path / "out")
    assert result.code == 0, result.err
    capture, _ = opened(tmp_path / "out")
    stands = np.array([0.0, -100.0, 0.0])  # one metre above the middle of the floor
    for name in names:
        assert 100 < np.linalg.norm(capture.rig[name].center.numpy()) < 500
        pixel = capture.rig[name].project(stands)
        assert (pixel > 0).all() and (pixel < capture.rig[name].size).all()
        np.testing.assert_allclose(pixel, known[name].project(stands), atol=1e-9)
