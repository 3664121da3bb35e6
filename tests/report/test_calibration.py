"""What a calibration says of itself: plain values, tables for people, and a picture."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import spoiled

from mvboot.calib import CalibrationOptions, calibrate_rig
from mvboot.calib.finding import Finding
from mvboot.calib.flatness import BoardShape
from mvboot.report.calibration import camera_rows, deviations, draw_coverage, link_rows, summary

pytestmark = pytest.mark.slow

KNOWN = dict(spoiled.rig().cameras)


@pytest.fixture(scope="module")
def calibration():
    """Three cameras; a and c never saw the board together."""
    shots = spoiled.sound().of(["a", "b", "c"])
    shots = spoiled.seen_only(shots, {"a": slice(14), "b": slice(None), "c": slice(14, None)})
    return calibrate_rig(shots, CalibrationOptions(lenses=dict.fromkeys("abc", ("brown2",))))


@pytest.fixture(scope="module")
def alone():
    return calibrate_rig(spoiled.sound().of(["d"]), CalibrationOptions(known=KNOWN))


def test_the_summary_is_plain_json(calibration):
    said = summary(calibration, [Finding("few-views", ("a",), "too few")])
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    assert said["rms_px"] == pytest.approx(0.2, rel=0.1)
    assert said["rms_length_px"] == pytest.approx(said["rms_px"] * 2**0.5)
    assert said["units"] == "mm" and said["board"] == "charuco:7x8:25mm:18mm:DICT_5X5_250"
    assert said["shots"] == len(calibration.shots.numbers)
    assert said["warnings"] == ["few-views: too few"]
    assert said["left_out_cameras"] == [] and said["trouble"] is None
    assert said["board_scale_ratio"]["median"] == pytest.approx(1, abs=3e-3)
    assert len(said["working_volume"]) == 3
    links = {tuple(link["cameras"]): link["shots"] for link in said["links"]}
    assert set(links) == {("a", "b"), ("b", "c")} and links["a", "b"] > 5
    assert said["rounds"][0].keys() == {"rms_px", "used"}


def test_each_camera_has_its_figures(calibration):
    cameras = summary(calibration, [])["per_camera"]
    assert list(cameras) == ["a", "b", "c"]
    for name, own in cameras.items():
        quality = calibration.qualities[name]
        assert own["lens"] == "brown2" and own["frames"] == quality.views
        assert own["rms_px"] == quality.rms_px and own["covered"] == quality.covered
        K = calibration.rig[name].K
        assert own["focal_px"] == [float(K[0, 0]), float(K[1, 1])]
        spread = own["deviation"]
        assert {"fx", "fy", "cx", "cy", "k1", "k2"} <= set(spread["parameters"])
        assert 0 < spread["parameters"]["fx"] < 20
        assert (spread["center"] == 0) == (name == "a"), "the others are told against the first"
    assert deviations(calibration.qualities["b"].covariance) == cameras["b"]["deviation"]


def test_the_shape_of_the_board_is_told_if_it_was_measured(calibration):
    assert summary(replace(calibration, shape=None), [])["board_shape"] is None
    shape = BoardShape(calibration.shots.board.points, 0.8, 0.1, (0.3, 0.2))
    said = summary(replace(calibration, shape=shape), [])["board_shape"]
    assert said == {
        "bend": 0.8,
        "stretch": 0.1,
        "held_out_px": {"flat": 0.3, "measured": 0.2},
        "used": True,
    }


def test_a_camera_alone_has_no_ruler(alone):
    said = summary(alone, [])
    assert said["board_scale_ratio"] == {"median": None, "mad": None} and said["links"] == []
    assert json.dumps(said, allow_nan=False)


def test_the_table_of_cameras(calibration):
    header, *rows = camera_rows(calibration)
    assert header[0] == "camera" and header[-1] == "place mm"
    assert {len(row) for row in rows} == {len(header)}
    assert [row[0] for row in rows] == ["a", "b", "c"]
    own = dict(zip(header, rows[1], strict=True))
    assert own["lens"] == "brown2" and own["error px"] == f"{calibration.qualities['b'].rms_px:.3f}"
    focal, _, spread = own["focal px"].split()
    assert float(focal) == pytest.approx(795, rel=0.02) and float(spread) > 0
    assert own["covered"].endswith(" %") and own["place mm"].startswith("+- ")


def test_the_table_of_links_is_symmetric(calibration):
    header, *rows = link_rows(calibration)
    assert header == ("shots shared by", "a", "b", "c")
    table = np.array([row[1:] for row in rows])
    assert (table == table.T).all() and (np.diag(table) == ".").all()
    assert table[0, 2] == "0" and int(table[0, 1]) > 5


def test_the_coverage_picture_has_a_part_for_each_camera(calibration, alone, tmp_path):
    draw_coverage([calibration], tmp_path / "three.png")
    draw_coverage([alone] * 5, tmp_path / "five.png")
    three, five = (cv2.imread(str(tmp_path / f"{name}.png")) for name in ("three", "five"))
    assert three.shape[1] > 1.4 * three.shape[0], "side by side"
    assert five.shape[0] > 1.5 * three.shape[0], "four in a row, then another row"
    blue = (three[..., 0].astype(int) - three[..., 2] > 60).mean()
    red = (three[..., 2].astype(int) - three[..., 0] > 60).mean()
    assert blue > 0.05, "where the board was"
    assert red > 0.001, "residuals"


def test_the_picture_is_the_same_each_time(alone, tmp_path):
    for name in ("a.png", "b.png"):
        draw_coverage([alone], tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_residuals_of_any_size_can_be_drawn(alone, tmp_path):
    for factor in (0.0, 1e-5, 300.0):
        adjusted = replace(alone.adjusted, residuals=factor * alone.adjusted.residuals)
        draw_coverage([replace(alone, adjusted=adjusted)], tmp_path / "x.png")
        assert cv2.imread(str(tmp_path / "x.png")) is not None
