"""Ski-PosePTZ: K, pose and joints of each picture in shares of it, joints along camera axes."""

import os

import h5py
import numpy as np
import pytest

from mvboot.geometry import Camera

SIDE, JOINTS, SEQUENCE = 256, 17, 2
FRAMES = (10, 11, 13, 14)
CAMERAS = (0, 3)


def turned_to(center, goal):
    z = (goal - center) / np.linalg.norm(goal - center)
    x = np.cross(z, [0, 0, 1.0])
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z])


def view(camera, frame, zooms, place):
    """Return K in shares of the picture, rotation (camera from world) and centre."""
    center = np.array([20.0 - 35 * camera, -18.0, 6 + camera])
    step = FRAMES.index(frame)
    f = 2.5 + (0.4 * step if zooms else 0)
    off = (0.05 * step, -0.03 * step) if zooms else (0, 0)
    K = np.array([[f, 0, 0.5 + off[0]], [0, f, 0.5 + off[1]], [0, 0, 1]])
    return K, turned_to(center, place + [0.3, 0.2, 0.1]), center


def checkered(frame, camera):
    """Return a smooth picture, so that it can be sampled at any place."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = [np.sin(9 * x + camera), np.cos(7 * y + frame), np.sin(5 * (x + y))]
    return (127 + 100 * np.stack(waves, -1)).astype(np.uint8)


@pytest.fixture
def download(tmp_path, exact, tools):
    """Return a maker of downloads: with or without zoom and crops."""

    def made(zooms):
        folder = tmp_path / "ski"
        rows = {key: [] for key in ("seq", "cam", "frame", "subj", "2D", "3D")}
        rows |= {key: [] for key in ("cam_intrinsic", "cam_position", "R_cam_2_world")}
        body = exact["moving"](range(len(FRAMES)), JOINTS) * 2
        centers = np.array([[0.5 * step, 8.0 - step, 0.2 * step] for step in range(len(FRAMES))])
        joints = body - body[:, :1] + centers[:, None]  # joint 0 is the hip
        for camera in CAMERAS:
            for step, frame in enumerate(FRAMES):
                if (camera, frame) == (3, 11):
                    continue
                K, R, center = view(camera, frame, zooms, centers[step])
                x = (joints[step] - center) @ R.T @ K.T
                row = {"seq": SEQUENCE, "cam": camera, "frame": frame, "subj": 1}
                row |= {"2D": x[:, :2] / x[:, 2:], "3D": (joints[step] - centers[step]) @ R.T}
                row |= {"cam_intrinsic": K, "cam_position": center, "R_cam_2_world": R.T}
                for key, value in row.items():
                    rows[key].append(np.ravel(value))
                name = f"seq_{SEQUENCE:03d}/cam_{camera:02d}/image_{frame:06d}.png"
                tools["write_picture"](folder / "train" / name, checkered(frame, camera))
        with h5py.File(folder / "train" / "labels.h5", "w") as file:
            for key, values in rows.items():
                flat = np.array(values, float)
                file[key] = flat[:, 0] if flat.shape[1] == 1 else flat
        text = "".join(
            f"{SEQUENCE} {f} {x:.12f} {y:.12f} {z:.12f}\n"
            for f, (x, y, z) in zip(FRAMES, centers, strict=True)
        )
        (folder / "ski_centers.csv").write_text(text)
        return folder, joints

    return made


def test_zoom_becomes_a_turning_camera(download, prepare, opened, tmp_path):
    folder, joints = download(zooms=True)
    out = tmp_path / "out"
    result = prepare("ski_ptz", folder, "--sequence", SEQUENCE, "--out", out)
    assert result.code == 0, result.err
    capture, known = opened(out)
    assert capture.rig.units == "m" and capture.cameras == ("cam_00", "cam_03")
    assert capture.rig.is_moving and capture.has("cam_00", 11) and not capture.has("cam_03", 11)
    np.testing.assert_allclose(known.xyz[:, 0], joints, atol=1e-9)
    seen = capture.keypoints
    for c, name in enumerate(capture.cameras):
        for f, frame in enumerate(FRAMES):
            if not capture.has(name, frame):
                assert np.isnan(seen.xy[c, f]).all()
                continue
            camera = capture.camera(name, frame)
            np.testing.assert_allclose(camera.center.numpy()[2], 6 + CAMERAS[c], atol=1e-9)
            gap = camera.project(known.xyz[f, 0]) - seen.xy[c, f, 0]
            assert np.abs(gap).max() < 1e-3
    assert "3D truth projects" in result.out


def test_pictures_move_with_their_camera(download, prepare, opened, tmp_path):
    """A world point shows the colour it had in the picture of the download."""
    folder, _ = download(zooms=True)
    out = tmp_path / "out"
    assert prepare("ski_ptz", folder, "--sequence", SEQUENCE, "--out", out).code == 0
    capture, known = opened(out)
    y, x = np.mgrid[8:250:16, 8:250:16].reshape(2, -1)
    for frame in FRAMES:
        K, R, center = view(0, frame, True, known.xyz[FRAMES.index(frame), 0, 0])
        original = Camera.from_opencv(np.diag([SIDE, SIDE, 1]) @ K, None, R, -R @ center)
        origin, rays = original.ray(np.stack([x, y], -1).astype(float))
        pixels = capture.camera("cam_00", frame).project(origin + 30 * rays)
        width, height = capture.size("cam_00")
        assert ((pixels >= 0) & (pixels < [width, height])).all()  # the whole crop is kept
        near = np.rint(pixels).astype(int)
        colours = capture.picture("cam_00", frame)[near[:, 1], near[:, 0]].astype(int)
        assert np.abs(colours - checkered(frame, 0)[y, x]).max() < 8


def test_without_zoom_pictures_stay_as_they_are(download, prepare, opened, tmp_path):
    folder, _ = download(zooms=False)
    (folder / "ski_centers.csv").rename(tmp_path / "places.csv")
    usual = ("ski_ptz", folder, "--sequence", SEQUENCE)
    result = prepare(*usual, "--frames", "10..13", "--out", tmp_path / "out")
    assert result.code == 0 and "no 3D truth" in result.out
    source = folder / "train" / "seq_002" / "cam_03" / "image_000013.png"
    assert os.path.samefile(tmp_path / "out" / "images" / "cam_03" / "000013.png", source)
    given = ("--centers", tmp_path / "places.csv", "--out", tmp_path / "given")
    assert prepare(*usual, *given).code == 0
    capture, _ = opened(tmp_path / "given")
    assert capture.size("cam_00") == (SIDE, SIDE)


def test_bad_input(download, refused, tmp_path):
    folder, _ = download(zooms=True)
    out, usual = tmp_path / "out", ("--sequence", str(SEQUENCE))
    refused("ski_ptz", out, folder / "train", *usual, says=["train/labels.h5", "card.md"])
    refused("ski_ptz", out, folder, "--sequence", "7", says=["no sequence 7; there are 2"])
    missing = ("--centers", tmp_path / "none.csv")
    refused("ski_ptz", out, folder, *usual, *missing, says=["none.csv", "no such file"])
    picture = folder / "train" / "seq_002" / "cam_00" / "image_000014.png"
    picture.rename(tmp_path / "away.png")
    refused("ski_ptz", out, folder, *usual, says=["image_000014.png", "a picture"])
    (tmp_path / "away.png").rename(picture)
    with h5py.File(folder / "train" / "labels.h5", "a") as file:
        values = file["cam_intrinsic"][()]
        values[1, 0] = -1
        file["cam_intrinsic"][...] = values
    refused("ski_ptz", out, folder, *usual, says=["cam_00", "focal lengths"])
    with h5py.File(folder / "train" / "labels.h5", "a") as file:
        del file["cam_position"]
    refused("ski_ptz", out, folder, *usual, says=["labels.h5", "cam_position"])
