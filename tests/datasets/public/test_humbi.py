"""HUMBI: cameras in blocks of text, centres instead of translations, a folder for each frame."""

import os

import numpy as np
import pytest

HEAD = "Numcam: 107\nnumframes: 3\nnumP: 3\n"
IDS = (0, 4, 105)
FRAMES = (1, 41, 81)
UNIT = 1 / 0.8
"""Units of the files in a metre."""


def rows(values):
    return "".join(" ".join(f"{v:.12f}" for v in np.atleast_1d(row)) + " \n" for row in values)


@pytest.fixture
def download(tmp_path, exact, tools):
    body = tmp_path / "humbi" / "Body_81_140" / "subject_82" / "body"
    body.mkdir(parents=True)
    cameras = dict(zip(IDS, exact["true_cameras"](3, unit=UNIT, distortion=False), strict=True))
    blocks = {
        "intrinsic": {c: rows(camera.K) for c, camera in cameras.items()},
        "extrinsic": {c: rows([camera.C, *camera.R]) for c, camera in cameras.items()},
    }
    for kind, texts in blocks.items():
        text = HEAD + "".join(f"0 {c}\n{block}" for c, block in texts.items())
        (body / f"{kind}.txt").write_text(text)
    xyz = exact["moving"](FRAMES, 25, unit=UNIT)
    for f, joints in zip(FRAMES, xyz, strict=True):
        frame = body / f"{f:08d}"
        for c in IDS:
            if (c, f) != (4, 41):
                path = frame / "image" / f"image{c:07d}.jpg"
                tools["write_picture"](path, tools["numbered"](f))
        (frame / "reconstruction").mkdir()
        (frame / "reconstruction" / "keypoints.txt").write_text(rows(joints))
    stranger = body / "00000001" / "image" / "image0000009.jpg"  # without calibration
    tools["write_picture"](stranger, tools["numbered"](1))
    return tmp_path / "humbi", cameras, xyz


USUAL = ("--subject", "82", "--unit-in-metres", "0.8")


def test_body_session(download, prepare, opened, tools, tmp_path):
    folder, cameras, xyz = download
    out = tmp_path / "out"
    result = prepare("humbi", folder, *USUAL, "--out", out)
    assert result.code == 0, result.err
    capture, known = opened(out)
    assert capture.rig.units == "m" and capture.cameras == ("0", "4", "105")
    assert [capture.has("4", f) for f in FRAMES] == [True, False, True]
    assert tools["number_of"](capture.picture("105", 81)) == 81
    source = folder / "Body_81_140/subject_82/body/00000041/image/image0000105.jpg"
    assert os.path.samefile(out / "images" / "105" / "000041.jpg", source)
    assert known.keypoints[:5] == ("nose", "neck", "right_shoulder", "right_elbow", "right_wrist")
    assert known.keypoints[8] == "mid_hip" and known.keypoints[19:21] == (
        "left_big_toe",
        "left_small_toe",
    )
    np.testing.assert_allclose(known.xyz[:, 0], xyz * 0.8, atol=1e-9)
    for c, camera in cameras.items():
        gap = capture.rig[str(c)].project(known.xyz[:, 0]) - camera.pixels(xyz)
        assert np.abs(gap).max() < 1e-3
        center = capture.rig[str(c)].center.numpy()
        assert np.linalg.norm(center - camera.C * 0.8) < 1e-9
    assert "neck to hip" in result.out
    assert capture.model.provenance["unit_in_metres"] == 0.8


def test_choice(download, prepare, opened, tmp_path):
    result = prepare(
        "humbi", download[0], *USUAL, "--cameras", "4", "--frames", "81", "--out", tmp_path / "o"
    )
    assert result.code == 0, result.err
    capture, known = opened(tmp_path / "o")
    assert capture.cameras == ("4",)
    assert capture.frames.tolist() == known.frames.tolist() == [81]


def test_bad_input(download, refused, tmp_path):
    folder, out = download[0], tmp_path / "out"
    body = folder / "Body_81_140" / "subject_82" / "body"
    refused("humbi", out, folder, "--subject", "82", says=["--unit-in-metres"])
    other = ("--subject", "7", "--unit-in-metres", "1")
    refused("humbi", out, folder, *other, says=["subject_7/body", "card.md"])
    joints = body / "00000041" / "reconstruction" / "keypoints.txt"
    text = joints.read_text()
    joints.write_text("\n".join(text.splitlines()[:20]))
    refused("humbi", out, folder, *USUAL, says=["keypoints.txt", "25 joints, has 20"])
    joints.write_text(text.replace("0.", "x.", 1))
    refused("humbi", out, folder, *USUAL, says=["keypoints.txt:", "needs numbers"])
    joints.write_text(text)
    for name in ("extrinsic.txt", "intrinsic.txt"):
        whole = (body / name).read_text()
        (body / name).write_text("\n".join(whole.splitlines()[:-1]))
        refused("humbi", out, folder, *USUAL, says=[name, "camera 105"])
        (body / name).unlink()
        refused("humbi", out, folder, *USUAL, says=[name, "card.md"])
        (body / name).write_text(whole)
    mirrored = whole.replace("70.", "-70.", 1)
    (body / "intrinsic.txt").write_text(mirrored)
    refused("humbi", out, folder, *USUAL, says=["camera 0", "focal lengths"])
