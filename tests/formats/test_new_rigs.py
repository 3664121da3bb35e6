"""Formats with traps of their own: where known points land, and what is refused."""

import numpy as np
import pytest

from mvboot import Camera, InputError, Rig, load_rig, save_rig
from mvboot.formats.rigs import converted

K = [[900.0, 0, 640], [0, 910, 480], [0, 0, 1]]
POINT = np.array([0.1, -0.2, 3.0])


def example_rig():
    """Two cameras of different lenses; neither is at the origin of the world."""
    left = Camera.from_opencv(
        K, [-0.1, 0.05, 1e-3, -5e-4], [0.1, 0.2, 0.3], [0.1, 0.2, 4], (1280, 960)
    )
    right = Camera.from_opencv(
        K, [0.01, 0.02, -0.01, 0.003], [0, -0.4, 0.1], [-1, 0, 3], (1280, 960), "fisheye"
    )
    return Rig({"left": left, "right": right}, "m")


# --- Kalibr ---------------------------------------------------------------------------------------

CAMCHAIN = """\
cam0:
  cam_overlaps: [1]
  camera_model: pinhole
  distortion_coeffs: []
  distortion_model: none
  intrinsics: [500.0, 510.0, 320.0, 240.0]
  resolution: [640, 480]
  rostopic: /left/image_raw
cam1:
  T_cn_cnm1: [[1, 0, 0, -2], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
  camera_model: pinhole
  distortion_coeffs: [0.1, 0, 0, 0]
  distortion_model: radtan
  intrinsics: [500.0, 510.0, 320.0, 240.0]
  resolution: [640, 480]
cam2:
  T_cn_cnm1: [[0, 0, -1, 3], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
  camera_model: pinhole
  distortion_coeffs: [0, 0, 0, 0]
  distortion_model: equidistant
  intrinsics: [500.0, 510.0, 320.0, 240.0]
  resolution: [640, 480]
"""


def camchain(folder, old="", new=""):
    assert old in CAMCHAIN
    path = folder / "camchain.yaml"
    path.write_text(CAMCHAIN.replace(old, new, 1))
    return path


def test_a_camchain_is_chained_from_cam0(tmp_path):
    rig = load_rig(camchain(tmp_path))
    assert rig.names == ("cam0", "cam1", "cam2") and rig.units == "m"
    assert rig.provenance["rostopics"] == {"cam0": "/left/image_raw"}
    assert np.allclose(rig["cam0"].center, 0) and np.allclose(rig["cam1"].center, [2, 0, 0])
    # (3, 1, 4) is (1, 1, 4) in cam1 and (3 - 4, 1, 1) in cam2
    x = np.array([3.0, 1, 4])
    assert np.allclose(rig["cam0"].project(x), [320 + 500 * 3 / 4, 240 + 510 / 4])
    stretch = 1 + 0.1 * (1 / 16 + 1 / 16)
    assert np.allclose(rig["cam1"].project(x), [320 + 500 * stretch / 4, 240 + 510 * stretch / 4])
    angle = np.arctan(np.sqrt(2)) / np.sqrt(2)
    assert np.allclose(rig["cam2"].project(x), [320 - 500 * angle, 240 + 510 * angle])


def test_more_than_ten_cameras_of_a_camchain_go_by_number(tmp_path):
    camera = Camera.from_opencv(K, None, np.eye(3), np.zeros(3), (1280, 960))
    cameras = {
        f"c{i}": camera.with_pose(Camera.from_opencv(K, None, np.eye(3), [-i, 0, 0]).cam_from_world)
        for i in range(12)
    }
    save_rig(Rig(cameras, "cm"), tmp_path / "c.yml", "kalibr")
    lines = (tmp_path / "c.yml").read_text().split("cam10:")
    (tmp_path / "c.yml").write_text("cam10:" + lines[1] + lines[0])
    rig = load_rig(tmp_path / "c.yml")
    assert rig.names == tuple(f"cam{i}" for i in range(12))
    assert np.allclose([c.center[0] for c in rig.cameras.values()], np.arange(12) / 100)


def test_a_camchain_keeps_the_world_of_the_rig(tmp_path):
    rig = example_rig()
    gaps, names, again = converted(rig, tmp_path / "camchain.yaml", "kalibr")
    assert max(gaps.values()) < 1e-6
    assert names == {"left": "cam0", "right": "cam1"}
    assert np.allclose(again["right"].project(POINT), rig["right"].project(POINT))
    assert [camera.lens.name for camera in again.cameras.values()] == ["brown", "fisheye"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    {
        "lens": ("camera_model: pinhole", "camera_model: omni", r"'omni' is no lens of OpenCV"),
        "distortion": ("radtan", "fov", r"cam1.distortion_model: 'fov' is no lens"),
        "count": ("[0.1, 0, 0, 0]", "[0.1, 0]", "camera cam1: .*radtan has 4 coeff.*, got 2"),
        "intrinsics": ("[500.0, 510.0, 320.0, 240.0]", "[500.0, 320.0]", "got 2 numbers"),
        "text": ("[500.0, 510.0, 320.0, 240.0]", "wide", "cam0.intrinsics: "),
        "words": ("500.0", "wide", r"cam0.intrinsics.0: .*number, .*'wide'"),
        "nan": ("500.0", ".nan", "cam0.intrinsics.0: .*finite"),
        "size": ("resolution: [640, 480]", "resolution: [640, -480]", "two positive integers"),
        "no size": ("  resolution: [640, 480]\n", "", "cam0.resolution: is missing"),
        "gap": ("cam1:", "cam5:", "cam1 is missing: the 3 cameras"),
        "no pose": ("  T_cn_cnm1: [[1", "  T_other: [[1", "cam1: 'T_cn_cnm1' is missing"),
        "first": ("cam_overlaps: [1]", "T_cn_cnm1: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], "
                  "[0, 0, 0, 1]]", "no meaning in the first camera"),
        "short": (", [0, 0, 0, 1]]", "]", r"cam1.T_cn_cnm1.3: is missing"),
        "row": ("[0, 0, 0, 1]", "[0, 0, 0, 2]", "last row of T_cn_cnm1 must be 0 0 0 1"),
        "mirror": ("[[1, 0, 0, -2]", "[[-1, 0, 0, -2]", "camera cam1: mirrored world"),
        "camera": ("  cam_overlaps: [1]", "  - 7", "camchain.yaml"),
    }.values(),
)  # fmt: skip
def test_a_wrong_camchain_is_refused_by_camera_and_key(old, new, message, tmp_path):
    with pytest.raises(InputError, match=message):
        load_rig(camchain(tmp_path, old, new))


def test_a_camchain_cut_in_half_is_refused(tmp_path):
    path = camchain(tmp_path)
    path.write_text(CAMCHAIN[: len(CAMCHAIN) // 2])
    with pytest.raises(InputError, match=r"camchain\.yaml"):
        load_rig(path)
