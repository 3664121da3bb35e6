"""OpenMonkeyStudio: crops at their place in the picture, labels as y x, radial distortion."""

import cv2
import numpy as np
import pytest
from scipy.io import savemat

IDS = ("18064162", "18260132", "18307863")
FRAMES = (3120, 3150)
BOXES = {IDS[0]: (5, 3, 40, 38), IDS[1]: (-2, 10, 30, 30), IDS[2]: (20, 12, 44, 36)}
SIZE = (64, 48)
UNIT = 2.5
USUAL = ("--batch", "9a", "--unit-in-metres", "0.4")


def rows(values):
    return "".join(" ".join(f"{v:.12e}" for v in np.atleast_1d(row)) + " \n" for row in values)


def true_cameras(exact):
    """Return cameras with two radial coefficients and the principal point in the middle."""
    cameras = exact["true_cameras"](3, unit=UNIT)
    for camera in cameras:
        camera.dist[2:] = 0
        camera.K[:2, 2] = SIZE[0] / 2, SIZE[1] / 2
    return cameras


def picture_of(frame, camera):
    """Return the whole picture that a crop was cut from: no two pixels alike."""
    y, x = np.mgrid[: SIZE[1] + 20, : SIZE[0] + 20]  # cameras see a little more than they say
    return np.stack([3 * x, 3 * y, np.full_like(x, frame % 100 + camera)], -1).astype(np.uint8)


@pytest.fixture
def download(tmp_path, exact):
    folder = tmp_path / "oms"
    batch = folder / "Batch9a"
    batch.mkdir(parents=True)
    (folder / "Images").mkdir()
    cameras = true_cameras(exact)
    poses = "".join(f"0 {i} \n{rows([c.C, *c.R])}" for i, c in zip(IDS, cameras, strict=True))
    (batch / "camera.txt").write_text("NumCams 3\nNumFrames 3\nNumP 3\n" + poses)
    named = list(zip(IDS, cameras, strict=True))
    inner = "".join(f"0 {i} \n{rows(c.K)}{rows([c.dist[:2]])}" for i, c in named)
    (batch / "intrinsic.txt").write_text(inner)
    xyz = exact["moving"](np.array(FRAMES) - 3120, 13, unit=UNIT)
    names, data, crops = [], [], []
    for f, joints in zip(FRAMES, xyz, strict=True):
        for c, (i, camera) in enumerate(zip(IDS, cameras, strict=True)):
            left, top, width, height = BOXES[i]
            whole = np.pad(picture_of(f, c), ((0, 0), (2, 0), (0, 0)))  # room on the left
            crop = whole[top : top + height, left + 2 : left + 2 + width]
            names.append(f"batch9a_{f:09d}_{i}.jpg")
            # a PNG in a file called jpg: pixels stay as they are, readers go by content
            (folder / "Images" / names[-1]).write_bytes(cv2.imencode(".png", crop[..., ::-1])[1])
            crops.append([f, int(i), left, top, width, height])
            yx = (camera.pixels(joints) - [left, top])[:, ::-1]
            yx[12] = 0  # the tail is not labelled
            data.append([0, 0, height, width, *yx.ravel()])
    frames = np.repeat(FRAMES, 13)[:, None]
    savemat(batch / "coords_3D.mat", {"coords": np.hstack([frames, xyz.reshape(-1, 3)])})
    savemat(batch / "crop_para.mat", {"crop": np.array(crops, float)})
    cells = np.empty((len(names), 1), object)
    cells[:, 0] = names
    savemat(folder / "Data.mat", {"T": {"name": cells, "data": np.array(data)}})
    return folder, cameras, xyz


def test_batch(download, prepare, opened, tmp_path):
    folder, cameras, xyz = download
    result = prepare("open_monkey", folder, *USUAL, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    capture, known = opened(tmp_path / "out")
    assert capture.rig.units == "m" and capture.cameras == IDS
    assert capture.frames.tolist() == list(FRAMES)
    np.testing.assert_allclose(known.xyz[:, 0], xyz * 0.4, atol=1e-9)
    seen = capture.keypoints
    for c, (name, camera) in enumerate(zip(IDS, cameras, strict=True)):
        assert capture.rig[name].size == SIZE
        projected = capture.rig[name].project(known.xyz[:, 0])
        np.testing.assert_allclose(projected, camera.pixels(xyz), atol=1e-3)
        labelled = np.isfinite(seen.xy[c, :, 0]).all(-1)
        assert labelled.sum() > 10 and not labelled[:, 12].any()
        np.testing.assert_allclose(seen.xy[c, :, 0][labelled], projected[labelled], atol=1e-3)
        left, top, width, height = BOXES[name]
        for frame in FRAMES:
            picture = capture.picture(name, frame)
            inside = np.zeros(SIZE[::-1], bool)
            inside[top : top + height, max(left, 0) : left + width] = True
            expected = picture_of(frame, c)[: SIZE[1], : SIZE[0]] * inside[..., None]
            np.testing.assert_array_equal(picture, expected)
    assert "3D truth projects" in result.out


def test_bad_input(download, refused, tmp_path):
    folder, out = download[0], tmp_path / "out"
    refused("open_monkey", out, folder, "--batch", "9a", says=["--unit-in-metres"])
    other = ("--batch", "3", "--unit-in-metres", "1")
    refused("open_monkey", out, folder, *other, says=["Batch3", "card.md"])
    refused("open_monkey", out, folder, *USUAL, "--frames", "1..9", says=["3120 to 3150"])
    picture = folder / "Images" / f"batch9a_{3120:09d}_{IDS[0]}.jpg"
    whole = picture.read_bytes()
    picture.write_bytes((folder / "Images" / f"batch9a_{3120:09d}_{IDS[1]}.jpg").read_bytes())
    refused("open_monkey", out, folder, *USUAL, says=["30 x 30 px", "40 x 38"])
    picture.write_bytes(whole)
    savemat(folder / "Data.mat", {"T": {"name": np.array(["a"]), "data": np.zeros((1, 28))}})
    refused("open_monkey", out, folder, *USUAL, says=["T.data", "card.md"])
    savemat(folder / "Batch9a" / "crop_para.mat", {"boxes": np.zeros((1, 6))})
    refused("open_monkey", out, folder, *USUAL, says=["crop_para.mat", "has no crop"])
    (folder / "Batch9a" / "intrinsic.txt").unlink()
    refused("open_monkey", out, folder, *USUAL, says=["intrinsic.txt", "the intrinsics"])
