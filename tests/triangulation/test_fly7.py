"""A fly in seven views; the recording stores cameras and normalised (row, column) detections."""

import numpy as np
import pytest

from mvboot import Camera, Rig
from mvboot.calib import check_rig
from mvboot.triangulation import triangulate_points

SIZE = (960, 480)


@pytest.fixture(scope="module")
def fly(shared_data):
    with np.load(shared_data / "fly7" / "reference.npz", allow_pickle=True) as data:
        cameras = {
            f"cam{c}": Camera.from_opencv(
                data[f"cam{c}_intr"],
                np.ravel(data[f"cam{c}_distort"]),
                data[f"cam{c}_R"],
                np.ravel(data[f"cam{c}_tvec"]),
                SIZE,
            )
            for c in range(7)
        }
        row_column = data["points2d"]
    pixels = row_column[..., ::-1] * SIZE
    pixels[(row_column == 0).all(-1)] = np.nan
    return Rig(cameras, "mm"), pixels.reshape(7, -1, 2)


def test_fly7(fly):
    rig, pixels = fly
    # Other cameras report joints they cannot see, eight of the 38 joints are never right, and of
    # the three views that see a joint all must agree within 8 px.
    result = triangulate_points(rig, pixels)
    assert np.median(result.error_px[result.accepted]) <= 2.7
    assert result.accepted.mean() > 0.45


def test_fly7_is_a_sound_rig(fly):
    assert check_rig(fly[0]) == ()
