"""Cameras without poses: written and read back exactly, and read from rigs of any format."""

import json

import numpy as np
import pytest

from mvboot import Rig, load_rig, save_rig
from mvboot.errors import InputError
from mvboot.formats.intrinsics_yaml import load_intrinsics, save_intrinsics
from mvboot.geometry import Camera

K = [[801.123456789012345, 0.0, 320.3], [0.0, 803.0, 239.9], [0.0, 0.0, 1.0]]
BROWN = [-0.2, 0.05, 1e-3, -5e-4, 0.01, 0.02, -0.01, 3e-3]
LENSES = {
    "left": ("pinhole", ()),
    "right": ("brown", BROWN[:4]),
    "top": ("brown", BROWN),
    "7": ("fisheye", BROWN[:4]),
}
CAMERAS = {
    name: Camera.from_opencv(K, terms, np.eye(3), (1.0, 2.0, 3.0), (640, 480), lens)
    for name, (lens, terms) in LENSES.items()
}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "intrinsics.yaml"
    save_intrinsics(CAMERAS, path, {"calibration": {"rms_px": 0.1}})
    return path


def assert_same(cameras):
    assert list(cameras) == list(LENSES)
    for name, camera in cameras.items():
        np.testing.assert_array_equal(camera.K, CAMERAS[name].K)
        np.testing.assert_array_equal(camera.lens.coefficients, CAMERAS[name].lens.coefficients)
        assert camera.lens.name == CAMERAS[name].lens.name
        assert camera.size == (640, 480)


def test_written_and_read_back_exactly(saved):
    cameras = load_intrinsics(saved)
    assert_same(cameras)
    assert all((camera.cam_from_world.t == 0).all() for camera in cameras.values()), "no poses"


def test_it_is_no_rig(saved):
    with pytest.raises(InputError, match=r"intrinsics.yaml"):
        load_rig(saved)


def test_the_file_is_for_people(saved):
    text = saved.read_text()
    assert text.startswith("schema: 1\n")
    assert "  left:\n    size: [640, 480]\n    lens: pinhole\n    K: [[801." in text
    assert "rms_px: 0.1" in text and "rotation" not in text


@pytest.mark.parametrize("name", ["rig.yaml", "rig.toml"])
def test_any_rig_will_do(tmp_path, name):
    cameras = {name: CAMERAS[name] for name in ("left", "right")}
    save_rig(Rig(cameras, "mm"), tmp_path / name)
    read = load_intrinsics(tmp_path / name)
    assert list(read) == ["left", "right"]
    np.testing.assert_allclose(read["left"].K, K)
    assert read["right"].size == (640, 480)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema: 1", "schema: 2", "schema"),
        ("lens: fisheye", "lens: fishy", "intrinsics.7.lens: .*'pinhole', 'brown' or 'fisheye'"),
        ("    lens: pinhole\n", "    lense: pinhole\n", "unknown key; did you mean 'lens'"),
        ("    lens: pinhole\n", "", "intrinsics.left.lens: is missing"),
        ("K: [[801.", "K: [[-801.", "left"),
        ("0.05, 0.001, -0.0005]", "0.05, 0.001]", "camera right"),
        ("size: [640, 480]", "size: [640]", "intrinsics.left.size"),
        ("[[801.1234567890124, 0.0, 320.3]", "[[.nan, 0.0, 320.3]", "left"),
        ("schema: 1", "schema: 1\nunits: mm", "units: unknown key"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(saved, old, new, words):
    text = saved.read_text()
    assert old in text
    saved.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=f"intrinsics.yaml.*{words}"):
        load_intrinsics(saved)


def test_a_file_without_cameras(tmp_path):
    path = tmp_path / "i.yaml"
    path.write_text("schema: 1\nintrinsics: {}\n")
    with pytest.raises(InputError, match=r"i.yaml:2:1: intrinsics"):
        load_intrinsics(path)


@pytest.mark.parametrize("text", ["", "[1, 2]\n", "hello\n"])
def test_a_file_of_another_kind(tmp_path, text):
    path = tmp_path / "i.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"i\.yaml"):
        load_intrinsics(path)


def test_a_file_that_is_not_there(tmp_path):
    for name in ("none.yaml", "none.toml"):
        with pytest.raises(InputError, match="no such file"):
            load_intrinsics(tmp_path / name)


def test_a_file_that_is_cut_off(saved):
    text = saved.read_text()
    saved.write_text(text[: text.index("K: [[801") + 20])
    with pytest.raises(InputError, match="broken YAML"):
        load_intrinsics(saved)


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    camera = CAMERAS["left"]
    with pytest.raises(TypeError):
        save_intrinsics({"left": camera}, tmp_path / "i.yaml", 5)
    assert list(tmp_path.iterdir()) == []
    save_intrinsics({"left": camera}, tmp_path / "deep" / "i.yaml", {})
    assert json.dumps(load_intrinsics(tmp_path / "deep" / "i.yaml")["left"].K.tolist())
