"""Blocks of text with a camera each: what is cut off or odd is named by line."""

import numpy as np
import pytest

from mvboot.datasets.camera_blocks import POSE, read_blocks, read_cameras
from mvboot.errors import InputError

POSES = """NumCams 2
NumFrames 2

0 7
1 2 3
1 0 0
0 0 -1
0 1 0
0 007a
0 0 0
1 0 0
0 1 0
0 0 1
"""
INNER = "0 7\n70 0 32\n0 71 24\n0 0 1\n-0.2 0.1\n0 8\n70 0 32\n0 71 24\n0 0 1\n0 0\n"


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "out.txt").write_text(POSES)
    (tmp_path / "in.txt").write_text(INNER)
    return tmp_path / "out.txt", tmp_path / "in.txt"


def test_centres_become_translations_in_metres(paths):
    cameras = read_cameras(*paths, distortion=2, metres=0.5)
    assert list(cameras) == ["7"]
    np.testing.assert_allclose(cameras["7"].center, [0.5, 1, 1.5], atol=1e-12)
    np.testing.assert_allclose(cameras["7"].forward, [0, 1, 0], atol=1e-12)
    assert cameras["7"].lens.coefficients[:4].tolist() == [-0.2, 0.1, 0, 0]


def test_faults_are_named_by_line(paths):
    poses, inner = paths
    for text, words in {
        POSES.rsplit("\n", 2)[0]: "out.txt:9: camera 007a needs lines of 3, 3, 3, 3",
        POSES.replace("007a", "7"): "out.txt:9: has a camera twice",
        POSES.replace("0 7\n", "7\n"): "out.txt:4: needs a line `0 CAMERA`",
        POSES.replace("1 2 3", "1 2 z"): "out.txt:5: needs numbers",
        "NumCams 0\n": "holds no camera",
    }.items():
        poses.write_text(text)
        with pytest.raises(InputError, match=words):
            read_blocks(poses, POSE)
    poses.write_text(POSES.replace("0 7", "0 9"))
    with pytest.raises(InputError, match=r"shares no camera with in.txt"):
        read_cameras(poses, inner, distortion=2, metres=1)
    poses.write_text(POSES.replace("0 0 -1", "0 0 -2"))
    with pytest.raises(InputError, match="camera 7: the rotation is not orthonormal"):
        read_cameras(poses, inner, distortion=2, metres=1)
