"""Formats with traps of their own: where known points land, and what is refused."""

import json

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
        "size": ("resolution: [640, 480]", "resolution: [640, -480]", "two integers"),
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


# --- MC-Calib -------------------------------------------------------------------------------------

MC_CALIB = """\
%YAML:1.0
---
nb_camera: 2
camera_0:
   camera_matrix: !!opencv-matrix
      rows: 3
      cols: 3
      dt: d
      data: [ 500., 0., 320., 0., 510., 240., 0., 0., 1. ]
   distortion_vector: !!opencv-matrix
      rows: 1
      cols: 5
      dt: d
      data: [ 0.1, 0., 0., 0., 0. ]
   distortion_type: 0
   camera_group: 0
   img_width: 640
   img_height: 480
   camera_pose_matrix: !!opencv-matrix
      rows: 4
      cols: 4
      dt: d
      data: [ 1., 0., 0., 1., 0., 1., 0., 2., 0., 0., 1., 3., 0., 0., 0., 1. ]
camera_1:
   camera_matrix: !!opencv-matrix
      rows: 3
      cols: 3
      dt: d
      data: [ 500., 0., 320., 0., 510., 240., 0., 0., 1. ]
   distortion_vector: !!opencv-matrix
      rows: 1
      cols: 4
      dt: d
      data: [ 0., 0., 0., 0. ]
   distortion_type: 1
   camera_group: 0
   img_width: 640
   img_height: 480
   camera_pose_matrix: !!opencv-matrix
      rows: 4
      cols: 4
      dt: d
      data: [ 0., 0., 1., 1., 0., 1., 0., 0., -1., 0., 0., 0., 0., 0., 0., 1. ]
"""


def mc_calib(folder, old="", new=""):
    assert old in MC_CALIB
    path = folder / "calibrated_cameras_data.yml"
    path.write_text(MC_CALIB.replace(old, new, 1))
    return path


def test_poses_of_mc_calib_go_from_the_camera_to_the_world(tmp_path):
    rig = load_rig(mc_calib(tmp_path), units="cm")
    assert rig.names == ("camera_0", "camera_1") and rig.units == "cm"
    assert rig["camera_0"].size == (640, 480)
    assert np.allclose(rig["camera_0"].center, [1, 2, 3])
    assert np.allclose(rig["camera_1"].center, [1, 0, 0])
    # (1, 1, 4) before camera_0; camera_1 looks along +x, its x is -z of the world
    x = np.array([2.0, 3, 7])
    stretch = 1 + 0.1 * (1 / 16 + 1 / 16)
    assert np.allclose(
        rig["camera_0"].project(x), [320 + 500 * stretch / 4, 240 + 510 * stretch / 4]
    )
    angle = np.arctan(0.5) / 0.5
    assert np.allclose(
        rig["camera_1"].project(np.array([3.0, 0, 1])), [320 - 500 * 0.5 * angle, 240]
    )


def test_mc_calib_needs_a_unit_and_is_no_folder_of_opencv(tmp_path):
    with pytest.raises(InputError, match=r"stores no unit of length; give units, one of m, "):
        load_rig(mc_calib(tmp_path))
    assert load_rig(tmp_path / "calibrated_cameras_data.yml", units="m").provenance["rig"][
        "format"
    ] == ("mc_calib")


def test_a_rig_survives_mc_calib(tmp_path):
    rig = example_rig()
    gaps, names, again = converted(rig, tmp_path / "c.yml", "mc_calib")
    assert max(gaps.values()) < 1e-6 and names == {"left": "camera_0", "right": "camera_1"}
    assert np.allclose(again["right"].project(POINT), rig["right"].project(POINT))
    assert [camera.lens.name for camera in again.cameras.values()] == ["brown", "fisheye"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    {
        "count": ("nb_camera: 2", "nb_camera: 3", "holds 2 cameras, but nb_camera is 3"),
        "no count": ("nb_camera: 2", "nb_cameras: 2", "nb_camera is missing"),
        "groups": (
            "camera_group: 0", "camera_group: 1", "camera_0 and camera_1 are in different groups",
        ),
        "type": ("distortion_type: 0", "distortion_type: 2", "camera_0: .*got 2"),
        "text": ("distortion_type: 0", "distortion_type: wide", "camera_0: .*got 'wide'"),
        "terms": ("cols: 4\n      dt: d\n      data: [ 0., 0., 0., 0. ]",
                  "cols: 5\n      dt: d\n      data: [ 1., 1., 1., 1., 1. ]",
                  "camera_1: .*'fisheye' takes 4"),
        "key": ("img_width: 640", "width: 640", "camera_0: 'img_width' is missing"),
        "size": ("img_width: 640", "img_width: wide", "camera camera_0: "),
        "row": ("3., 0., 0., 0., 1. ]", "3., 0., 0., 1., 1. ]", "camera_0: the last row of"),
        "matrix": ("camera_matrix: !!opencv-matrix\n      rows: 3\n      cols: 3\n      dt: d\n"
                   "      data: [ 500., 0., 320., 0., 510., 240., 0., 0., 1. ]",
                   "camera_matrix: 5", "camera_0: camera_matrix needs 3x3 numbers, got 1"),
        "entry": ("camera_1:", "camera_1: 5\nrest:", "holds 1 cameras, but nb_camera is 2"),
        "mirror": ("[ 1., 0., 0., 1.,", "[ -1., 0., 0., 1.,", "camera_0: mirrored world"),
    }.values(),
)  # fmt: skip
def test_a_wrong_file_of_mc_calib_is_refused_by_camera_and_key(old, new, message, tmp_path):
    with pytest.raises(InputError, match=message):
        load_rig(mc_calib(tmp_path, old, new), format="mc_calib", units="m")


@pytest.mark.parametrize("end", ["camera_1:", "   img_height: 480\n   camera_pose", "1., 2."])
def test_a_file_of_mc_calib_cut_off_is_refused(end, tmp_path):
    path = mc_calib(tmp_path)
    path.write_text(MC_CALIB[: MC_CALIB.rindex(end)] if end in MC_CALIB else MC_CALIB[:1000])
    with pytest.raises(InputError, match=r"calibrated_cameras_data\.yml"):
        load_rig(path, format="mc_calib", units="m")


# --- VoxelPose ------------------------------------------------------------------------------------


def voxelpose(folder, **changes):
    entry = {
        "k": [[0.1], [0], [0.2]],
        "p": [[0.01], [0.02]],
        "R": [[0, -1, 0], [0, 0, -1], [1, 0, 0]],
        "T": [[-2000], [100], [1000]],
        "fx": 1000.0,
        "fy": 1100.0,
        "cx": 500.0,
        "cy": 400.0,
    }
    changed = {key: value for key, value in (entry | changes).items() if value is not None}
    path = folder / "calibration_shelf.json"
    path.write_text(json.dumps({"0": entry, "3": changed}))
    return path


def test_the_t_of_voxelpose_is_the_centre_in_millimetres(tmp_path):
    rig = load_rig(voxelpose(tmp_path, T=[500, 600, 700], k=[0, 0, 0], p=[0, 0]))
    assert rig.names == ("cam_0", "cam_3") and rig.units == "mm"
    assert np.allclose(rig["cam_0"].center, [-2000, 100, 1000])
    assert np.allclose(rig["cam_3"].center, [500, 600, 700])
    # It looks along +x, its x is -y and its y is -z: this point is at (0.3, -0.2, 1) x 1000.
    x = np.array([-1000.0, -200, 1200])
    u, v, r2 = 0.3, -0.2, 0.13
    stretch = 1 + 0.1 * r2 + 0.2 * r2**3 + 2 * (0.01 * v + 0.02 * u)
    expected = [500 + 1000 * (u * stretch + 0.02 * r2), 400 + 1100 * (v * stretch + 0.01 * r2)]
    assert np.allclose(rig["cam_0"].project(x), expected)


def test_a_rig_survives_voxelpose(tmp_path):
    rig = example_rig().subset(["left"])
    gaps, names, again = converted(rig, tmp_path / "c.json", "voxelpose")
    assert max(gaps.values()) < 1e-6 and names == {"left": "cam_0"}
    assert np.allclose(again["left"].project(1000 * POINT), rig["left"].project(POINT))
    entry = json.loads((tmp_path / "c.json").read_text())["0"]
    assert np.allclose(entry["T"], 1000 * rig["left"].center.numpy()[:, None])
    with pytest.raises(InputError, match="camera right: its lens is fisheye"):
        save_rig(example_rig(), tmp_path / "d.json", "voxelpose")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"T": None}, "camera cam_3: 'T' is missing"),
        ({"T": [1, 2]}, "camera cam_3: T needs 3 numbers, got 2"),
        ({"R": "up"}, "camera cam_3: .*'up'"),
        ({"R": [[1, 0, 0], [0, 1, 0], [0, 0, -1]]}, "camera cam_3: mirrored world"),
        ({"fx": [1, 2]}, "camera cam_3: fx needs 1 numbers, got 2"),
        ({"fx": None}, "camera cam_3: 'fx' is missing"),
        ({"fy": -5.0}, "camera cam_3: focal lengths must be positive"),
        ({"cx": {}}, "camera cam_3: "),
        ({"k": [0.1, 0.2]}, "camera cam_3: k needs 3 numbers, got 2"),
        ({"p": [float("nan"), 0]}, "camera cam_3: .*not a finite number"),
    ],
)
def test_a_wrong_file_of_voxelpose_is_refused_by_camera_and_key(changes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        load_rig(voxelpose(tmp_path, **changes))


def test_a_file_of_voxelpose_cut_in_half_or_without_cameras_is_refused(tmp_path):
    path = voxelpose(tmp_path)
    text = path.read_text()
    for content, message in {
        text[: len(text) * 3 // 4]: "broken JSON",
        f"[{text}]": "no cameras by number",
        text.replace('"3": {', '"4": 7, "3": {'): "camera cam_4: holds no R, T",
    }.items():
        path.write_text(content)
        with pytest.raises(InputError, match=message):
            load_rig(path)
