"""2D keypoints that we write are read back; each format by its own reader."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest

from mvboot import InputError
from mvboot.formats.detections import detection_formats, load_keypoints
from mvboot.formats.written_detections import OWN_TABLES, save_keypoints2d
from mvboot.keypoints import Keypoints2D

WRITTEN = [name for name, one in detection_formats().items() if one.write is not None]
NAMED = {"deeplabcut", "sleap", "sleap-csv", "mmpose", "coco", "label3d", "mvboot", "csv"}
SURE = {"deeplabcut", "sleap", "sleap-csv", "mmpose", "openpose", "alphapose", "mvboot", "csv"}


@pytest.fixture
def keypoints():
    rng = np.random.default_rng(0)
    xy = rng.uniform(1, 600, (2, 3, 1, 4, 2))
    xy[0, 1, 0, 2] = xy[1, 0] = np.nan
    confidence = np.where(np.isnan(xy[..., 0]), np.nan, rng.uniform(0.2, 1, xy.shape[:-1]))
    names = ("nose", "ear_left", "ear_right", "tail")
    return Keypoints2D(("cam_0", "cam_1"), np.array([2, 3, 7]), ("fly",), names, xy, confidence)


@pytest.mark.parametrize("format", [*WRITTEN, *OWN_TABLES])
def test_every_format_is_read_back(format, keypoints, tmp_path):
    save_keypoints2d(keypoints, tmp_path / "out", format)
    path = tmp_path / "out"
    if format in (*OWN_TABLES, "caliscope", "label3d"):
        (path,) = path.iterdir()
    found = load_keypoints(path)
    rows = np.searchsorted(found.frames, keypoints.frames)
    assert found.frames[rows].tolist() == [2, 3, 7] and found.cameras == keypoints.cameras
    np.testing.assert_allclose(found.xy[:, rows], keypoints.xy, rtol=1e-9)
    assert not np.delete(found.present, rows, axis=1).any()
    if format in NAMED:
        assert found.keypoints == keypoints.keypoints
    if format in SURE:
        np.testing.assert_allclose(found.confidence[:, rows], keypoints.confidence, rtol=1e-9)


def test_files_are_laid_out_as_their_tools_do(keypoints, tmp_path):
    for format in ("deeplabcut", "sleap", "coco", "openpose"):
        save_keypoints2d(keypoints, tmp_path / format, format)
    table = pd.read_csv(tmp_path / "deeplabcut" / "cam_0.csv", header=[0, 1, 2], index_col=0)
    assert table.columns.names == ["scorer", "bodyparts", "coords"]
    assert table["mvboot"]["tail"]["likelihood"][7] == keypoints.confidence[0, 2, 0, 3]
    with h5py.File(tmp_path / "sleap" / "cam_1.h5") as file:
        assert file["tracks"].shape == (1, 2, 4, 8) and file["track_occupancy"].shape == (8, 1)
        assert file["track_occupancy"][:, 0].tolist() == [0, 0, 0, 1, 0, 0, 0, 1]
    content = json.loads((tmp_path / "coco" / "cam_0.json").read_text())
    entry = content["annotations"][1]
    assert entry["num_keypoints"] == 3 and entry["keypoints"][6:9] == [0, 0, 0]
    assert content["categories"][0]["keypoints"] == list(keypoints.keypoints)
    files = sorted(path.name for path in (tmp_path / "openpose" / "cam_0").iterdir())
    assert files[0] == "000000000002_keypoints.json"


def test_several_individuals(keypoints, tmp_path):
    two = Keypoints2D(
        keypoints.cameras, keypoints.frames, ("a", "b"), keypoints.keypoints,
        np.concatenate([keypoints.xy, keypoints.xy + 5], 2),
        np.concatenate([keypoints.confidence] * 2, 2),
    )  # fmt: skip
    for format in ("deeplabcut", "sleap"):
        save_keypoints2d(two, tmp_path / format, format)
        found = load_keypoints(tmp_path / format)
        assert found.individuals == ("a", "b")
    for format in ("label3d", "caliscope"):
        with pytest.raises(InputError, match="holds one individual, there are a, b"):
            save_keypoints2d(two, tmp_path / format, format)


def test_what_cannot_be_written(keypoints, tmp_path):
    with pytest.raises(InputError, match="unknown format of 2D keypoints 'dlc'; known are deep"):
        save_keypoints2d(keypoints, tmp_path, "dlc")
    with pytest.raises(InputError, match="call front cam_0"):
        save_keypoints2d(keypoints.renamed({"cam_0": "front"}), tmp_path, "caliscope")
