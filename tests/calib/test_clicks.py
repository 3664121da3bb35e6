"""Clicked points: read, triangulated, and refused by name."""

import layouts
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mvboot import InputError
from mvboot.calib.clicks import read_clicks, scene_points
from mvboot.synthetic.scene import ring_rig

TRUTH = {"a": (0, 0, 0), "b": (0.4, 0, 0), "c": (0, 0.3, 0), "d": (0.1, 0.2, 0.5)}


@pytest.fixture
def rig():
    return ring_rig(4, radius=2.5, height=1.2, rng=np.random.default_rng(0))


def rows_of(rig, truth=TRUTH, frame=None):
    """One row a click, exact."""
    rows = []
    for name, camera in rig.cameras.items():
        for point, xyz in truth.items():
            x, y = camera.project(np.array(xyz, dtype=float))
            rows.append((name, point, x, y, *xyz) + (() if frame is None else (frame,)))
    names = ["camera", "point", "x", "y", "X", "Y", "Z", *([] if frame is None else ["frame"])]
    return pd.DataFrame(rows, columns=names)


def written(tmp_path, rows):
    path = tmp_path / "clicks.csv"
    rows.to_csv(path, index=False)
    return path


def test_exact_clicks_give_exact_points(rig, tmp_path):
    rows = rows_of(rig)
    rows = rows[~((rows.camera == "cam_02") & (rows.point == "b"))].sample(frac=1, random_state=0)
    clicks = read_clicks(written(tmp_path, rows), rig)
    assert clicks.pixels.shape == (4, 4, 2) and clicks.frames is None
    found = scene_points(rig, clicks)
    assert set(found) == set(TRUTH)
    for name, point in found.items():
        np.testing.assert_allclose(point.xyz, TRUTH[name], atol=1e-7)
        np.testing.assert_array_equal(point.truth, TRUTH[name])
        assert point.views == (3 if name == "b" else 4) and point.error_px < 1e-4


def test_an_error_of_a_click_is_told(rig, tmp_path):
    rows = rows_of(rig)
    rows.loc[0, "x"] += 4.0
    found = scene_points(rig, read_clicks(written(tmp_path, rows), rig))
    assert 0.5 < found["a"].error_px < 4 and found["c"].error_px < 1e-4


def test_names_may_be_numbers(rig, tmp_path):
    rows = rows_of(rig)
    rows["point"] = rows.point.map({"a": 1, "b": 2, "c": 3, "d": 4})
    assert read_clicks(written(tmp_path, rows), rig).points == ("1", "2", "3", "4")


def test_clicks_in_a_moving_camera_need_their_frame(tmp_path):
    rig = layouts.tripod(frames=5)
    truth = {name: (x, y + 0.4, z + 0.5) for name, (x, y, z) in TRUTH.items()}
    rows = pd.concat(
        [rows_of(rig.at(12).subset(["pan"]), truth, 12), rows_of(rig.subset(["still"]), truth, 99)]
    )
    found = scene_points(rig, read_clicks(written(tmp_path, rows), rig))
    for name, point in found.items():
        np.testing.assert_allclose(point.xyz, truth[name], atol=1e-7)
    without = read_clicks(written(tmp_path, rows.drop(columns="frame")), rig)
    with pytest.raises(InputError, match="camera pan moves: add a column frame"):
        scene_points(rig, without)
    rows["frame"] = 3
    with pytest.raises(InputError, match=r"camera pan: .* none for frame 3"):
        scene_points(rig, read_clicks(written(tmp_path, rows), rig))


def changed(rows, row, **values):
    for column, value in values.items():
        rows[column] = rows[column].astype(object)
        rows.loc[row, column] = value
    return rows


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda rows: rows.drop(columns="Z"), "lacks the columns Z"),
        (lambda rows: changed(rows, 0, camera="cam_9"), "no camera 'cam_9'; the rig has cam_01"),
        (lambda rows: changed(rows, 0, camera=""), "no camera ''; the rig has"),
        (lambda rows: changed(rows, 0, point=""), "row without the name of a point"),
        (lambda rows: changed(rows, 0, x=np.nan), "point 'a' in camera cam_01 has a missing"),
        (lambda rows: changed(rows, 1, Z=np.inf), "point 'b' in camera cam_01 has a missing"),
        (lambda rows: changed(rows, 0, x="left"), "column x holds something that is no number"),
        (lambda rows: changed(rows, 4, X=7.0), "point 'a' has two different positions"),
        (lambda rows: pd.concat([rows, rows[:1]]), "'a' is clicked twice in camera cam_01"),
    ],
)
def test_faults_of_the_table(rig, tmp_path, spoil, message):
    path = written(tmp_path, spoil(rows_of(rig)))
    with pytest.raises(InputError, match=message) as caught:
        read_clicks(path, rig)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("column", ["camera", "x", "twice"])
def test_a_table_of_odd_types_is_refused_in_one_line(column, rig, tmp_path):
    rows = rows_of(rig)
    values = {name: pa.array(rows[name].tolist()) for name in rows}
    names, arrays = list(values), list(values.values())
    if column == "twice":
        names, arrays = [*names, "x"], [*arrays, values["x"]]
    else:
        arrays[names.index(column)] = pa.array([[1, 2]] * len(rows))
    pq.write_table(pa.Table.from_arrays(arrays, names), tmp_path / "clicks.parquet")
    with pytest.raises(InputError, match=r"clicks.parquet: [^\n]*$"):
        read_clicks(tmp_path / "clicks.parquet", rig)


def test_an_empty_table_has_no_points(rig, tmp_path):
    clicks = read_clicks(written(tmp_path, rows_of(rig)[:0]), rig)
    assert clicks.points == () and scene_points(rig, clicks) == {}


def test_a_point_in_one_camera_only(rig, tmp_path):
    rows = rows_of(rig)
    rows = rows[(rows.point != "c") | (rows.camera == "cam_03")]
    with pytest.raises(InputError, match="point 'c' is clicked in one camera"):
        scene_points(rig, read_clicks(written(tmp_path, rows), rig))


def test_rays_that_meet_behind_a_camera(tmp_path):
    rig = layouts.stereo_pair()
    rows = rows_of(rig, {"a": (0, 0, 2), "b": (0.1, 0, 2)})
    rows["camera"] = rows.camera.map({"left": "right", "right": "left"})
    with pytest.raises(InputError, match="'a' does not lie before camera left"):
        scene_points(rig, read_clicks(written(tmp_path, rows), rig))
