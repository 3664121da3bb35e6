import json
import shutil

import cv2
import numpy as np
import pytest
import torch

from mvboot import Camera, InputError, Rig, load_rig, save_rig
from mvboot.formats import rigs
from mvboot.formats.rigs import converted, pixel_gaps, rig_formats
from mvboot.synthetic.scene import BROWN, FISHEYE, ring_rig

SUFFIX = {
    "rig.yaml": ".yaml",
    "qualisys": ".qca.txt",
    "dannce": ".mat",
    "panoptic": ".json",
    "human36m": ".json",
    "idr": ".npz",
    "middlebury": "_par.txt",
    "anipose": ".toml",
    "pose2sim": ".toml",
    "caliscope": ".toml",
    "kalibr": ".yml",
    "mc_calib": ".yml",
    "voxelpose": ".json",
}
"""The others are folders."""

LENSES = {
    "pinhole": ("pinhole", None),
    "brown 4": ("brown", BROWN[:4]),
    "brown 5": ("brown", BROWN),
    "brown 8": ("brown", [*BROWN, 0.02, 0.01, -0.003]),
    "brown 14": ("brown", [*BROWN, 0.02, 0.01, -0.003, 1e-3, 2e-4, -1e-3, 1e-4, 0.01, -0.02]),
    "fisheye": ("fisheye", FISHEYE),
}
EXPRESSES = {
    "rig.yaml": set(LENSES),
    "anipose": {"pinhole", "brown 4", "brown 5", "fisheye"},
    "caliscope": {"pinhole", "brown 4", "brown 5", "fisheye"},
    "pose2sim": {"pinhole", "brown 4"},
    "opencv": set(LENSES),
    "openpose": {"pinhole", "brown 4", "brown 5", "brown 8"},
    "colmap": {"pinhole", "brown 4", "brown 5", "brown 8", "fisheye"},
    "kalibr": {"pinhole", "brown 4", "fisheye"},
    "mc_calib": {"pinhole", "brown 4", "brown 5", "fisheye"},
    "idr": {"pinhole"},
    "middlebury": {"pinhole"},
    "projection": {"pinhole"},
}
NUMBERED = {"kalibr": "cam{}", "mc_calib": "camera_{}"}
"""Formats that prescribe the names of cameras."""
COMMON = {"pinhole", "brown 4", "brown 5"}
WRITTEN = [name for name, form in rig_formats().items() if form.write]
KEEPS_SKEW = set(WRITTEN) - {"pose2sim", "colmap", "kalibr", "voxelpose"}


def rig_with(lens="brown", coefficients=BROWN, skew=0.0, **changes):
    base = ring_rig(4, 2.5, 1.0, np.random.default_rng(0), distortion=False)
    cameras = {}
    for i, camera in enumerate(base.cameras.values()):
        K = camera.K.clone()
        K[0, 1] = skew
        cameras[f"cam_{i + 1}"] = Camera.from_opencv(
            K,
            coefficients,
            camera.cam_from_world.R,
            camera.cam_from_world.t,
            changes.get("size", camera.size),
            lens,
        )
    return Rig(cameras, "m")


def path_for(folder, name):
    return folder / f"rig{SUFFIX.get(name, '')}"


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("name", WRITTEN)
def test_a_rig_survives_or_is_refused_by_name(name, lens, tmp_path):
    rig = rig_with(*LENSES[lens])
    path = path_for(tmp_path, name)
    if lens not in EXPRESSES.get(name, COMMON):
        with pytest.raises(InputError, match=r"cannot express camera cam_1: its lens"):
            save_rig(rig, path, name)
        assert not path.exists()
        return
    gaps, names, _ = converted(rig, path, name)
    assert set(gaps) == set(rig.names) and max(gaps.values()) < 1e-6
    pattern = NUMBERED.get(name)
    assert list(names.values()) == (
        [pattern.format(i) for i in range(len(rig))] if pattern else list(rig.names)
    )
    loaded = load_rig(path, units=None if stores_units(name) else "m")
    assert loaded.provenance["rig"]["format"] == name
    renamed = Rig(dict(zip(rig.names, loaded.cameras.values(), strict=True)), loaded.units)
    assert max(pixel_gaps(rig, renamed).values()) < 1e-6


def stores_units(name):
    return name in {
        *("rig.yaml", "anipose", "pose2sim", "caliscope", "qualisys", "easymocap"),
        *("dannce", "panoptic", "human36m", "kalibr", "voxelpose"),
    }


@pytest.mark.parametrize("name", WRITTEN)
def test_skew_survives_or_is_refused(name, tmp_path):
    rig = rig_with("pinhole", None, skew=3.5)
    if name not in KEEPS_SKEW:
        with pytest.raises(InputError, match=r"skewed by 3\.5 px"):
            save_rig(rig, path_for(tmp_path, name), name)
        return
    gaps, _, _ = converted(rig, path_for(tmp_path, name), name)
    assert max(gaps.values()) < 1e-6


@pytest.mark.parametrize(
    "name",
    ["anipose", "pose2sim", "caliscope", "qualisys", "colmap", "panoptic", "kalibr", "mc_calib"],
)
def test_formats_that_store_a_size_need_it(name, tmp_path):
    rig = rig_with("pinhole", None)
    rig = Rig({n: Camera(c.K, c.lens, c.cam_from_world) for n, c in rig.cameras.items()}, "m")
    with pytest.raises(InputError, match="image size is unknown"):
        save_rig(rig, path_for(tmp_path, name), name)


@pytest.mark.parametrize("name", [name for name in WRITTEN if name != "rig.yaml"])
def test_moving_cameras_are_refused_by_all_but_our_own(name, tmp_path):
    with pytest.raises(InputError, match="one pose per frame"):
        save_rig(moving_rig(), path_for(tmp_path, name), name)


def moving_rig():
    rig = rig_with("pinhole", None)
    pose = rig["cam_1"].cam_from_world
    t = pose.t + torch.linspace(0, 1, 3, dtype=torch.float64)[:, None]
    moving = Camera.from_opencv(
        rig["cam_1"].K, None, pose.R.expand(3, 3, 3), t, (1280, 960), frames=[5, 6, 9]
    )
    return Rig({**rig.cameras, "cam_1": moving}, "m")


def test_rig_yaml_keeps_everything(tmp_path):
    rig = Rig(
        {**moving_rig().cameras, "wide": rig_with("fisheye", FISHEYE)["cam_2"]},
        "cm",
        "-y",
        {"note": "kept"},
    )
    save_rig(rig, tmp_path / "rig.yaml")
    loaded = load_rig(tmp_path / "rig.yaml")
    assert loaded.units == "cm" and loaded.up == "-y" and loaded.provenance["note"] == "kept"
    assert loaded.names == rig.names
    assert loaded["cam_1"].frames.tolist() == [5, 6, 9]
    x = np.array([0.1, 0.2, 0.4])
    for frame in (5, 9):
        moved = loaded["cam_1"].at(frame).project(x) - rig["cam_1"].at(frame).project(x)
        assert np.abs(moved).max() < 1e-9
    assert loaded.without("cam_1").fingerprint() == rig.without("cam_1").fingerprint()


def test_rig_yaml_takes_named_intrinsics_and_rodrigues_vectors(tmp_path):
    (tmp_path / "rig.yaml").write_text(
        "schema: 1\nunits: mm\ncameras:\n  a:\n    fx: 900\n    fy: 910\n    cx: 320\n    cy: 240\n"
        "    skew: 2\n    rotation: [0, 0, 1.5707963267948966]\n    translation: [0, 0, 1000]\n"
    )
    camera = load_rig(tmp_path / "rig.yaml")["a"]
    # x -> y, so the point (100, 0, 0) is seen at y = 0.1 below the centre
    assert np.allclose(camera.project(np.array([100.0, 0, 0])), [320 + 2 * 0.1, 240 + 91])


def test_the_exported_schema_is_up_to_date():
    from pathlib import Path

    from mvboot.formats.rig_yaml import RigModel

    kept = json.loads((Path(__file__).parents[2] / "docs" / "rig.schema.json").read_text())
    assert kept == RigModel.model_json_schema(by_alias=True), (
        "run python -m mvboot.formats.rig_yaml > docs/rig.schema.json"
    )


# --- conventions, by hand: where must a known world point land? -----------------------------------


def test_qualisys_by_hand(tmp_path):
    """A camera at x = -1 m, 1 m up, that looks along +x with z up sees its axis in the middle."""
    (tmp_path / "c.qca.txt").write_text(
        '<calibration><cameras><camera active="1" serial="a" viewrotation="0">'
        '<fov_video left="0" right="1279" top="0" bottom="959"/>'
        # rows of M: right = -y, up = +z, backward = -x
        '<transform r11="0" r12="-1" r13="0" r21="0" r22="0" r23="1" r31="-1" r32="0" r33="0" '
        'x="-1000" y="0" z="1000"/>'
        '<intrinsic focalLengthU="64000" focalLengthV="64000" centerPointU="40960" '
        'centerPointV="30720" skew="0" radialDistortion1="0" radialDistortion2="0" '
        'radialDistortion3="0" tangentalDistortion1="0" tangentalDistortion2="0"/>'
        "</camera></cameras></calibration>"
    )
    rig = load_rig(tmp_path / "c.qca.txt")
    assert rig.units == "mm" and rig.up == "z" and rig["a"].size == (1280, 960)
    pixels = rig["a"].project(np.array([[1000.0, 0, 1000], [1000, -200, 1000], [1000, 0, 1200]]))
    assert np.allclose(pixels, [[640, 480], [740, 480], [640, 380]])


def test_matlab_matrices_are_transposed_and_names_default(tmp_path):
    from scipy.io import savemat

    K = np.array([[900.0, 4, 320], [0, 905, 240], [0, 0, 1]])
    R = Camera.from_opencv(K, None, [0.1, 0.2, 0.3], [0, 0, 1]).cam_from_world.R.numpy()
    entry = {
        "K": K.T,
        "r": R.T,
        "t": [[1.0, 2, 300]],
        "RDistort": [[0.1, 0.01]],
        "TDistort": [[0.0, 0]],
    }
    params = np.empty((1, 1), dtype=object)
    params[0, 0] = entry
    savemat(tmp_path / "x_dannce.mat", {"params": params})
    rig = load_rig(tmp_path / "x_dannce.mat")
    expected = Camera.from_opencv(K, [0.1, 0.01, 0, 0, 0], R, [1, 2, 300])
    x = np.array([10.0, 20.0, 30.0])
    assert rig.names == ("Camera1",) and rig.units == "mm"
    assert np.allclose(rig["Camera1"].project(x), expected.project(x))


def test_colmap_counts_pixels_from_the_corner(tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "cameras.txt").write_text("1 PINHOLE 640 480 500 500 320.5 240.5\n")
    (tmp_path / "m" / "images.txt").write_text("1 1 0 0 0 0 0 2 1 left.png\n\n")
    (tmp_path / "m" / "points3D.txt").write_text("")
    rig = load_rig(tmp_path / "m", units="m")
    assert rig.names == ("left.png",)
    assert np.allclose(rig["left.png"].project(np.zeros(3)), [320, 240])


def test_a_colmap_model_of_a_rig_in_several_frames_is_the_rig(tmp_path):
    import pycolmap

    model = pycolmap.Reconstruction()
    bundle = pycolmap.Rig(rig_id=1)
    for number in (1, 2):
        camera = pycolmap.Camera(
            camera_id=number, model="PINHOLE", width=640, height=480, params=[500, 500, 320, 240]
        )
        model.add_camera(camera)
        if number == 1:
            bundle.add_ref_sensor(camera.sensor_id)
        else:
            offset = pycolmap.Rigid3d(pycolmap.Rotation3d(np.eye(3)), np.array([-0.2, 0, 0]))
            bundle.add_sensor(camera.sensor_id, offset)
    model.add_rig(bundle)
    for shot in (1, 2):
        place = pycolmap.Rigid3d(pycolmap.Rotation3d(np.eye(3)), np.array([0.0, 0, shot]))
        frame = pycolmap.Frame(frame_id=shot, rig_id=1, rig_from_world=place)
        for number in (1, 2):
            frame.add_data_id(pycolmap.data_t(model.cameras[number].sensor_id, 10 * shot + number))
        model.add_frame(frame)
        for number in (1, 2):
            image = pycolmap.Image(
                name=f"{'left right'.split()[number - 1]}/{shot}.png",
                camera_id=number,
                image_id=10 * shot + number,
            )
            image.frame_id = shot
            model.add_image(image)
        model.register_frame(shot)
    for kind in ("text", "binary"):
        (tmp_path / kind).mkdir()
        getattr(model, f"write_{kind}")(str(tmp_path / kind))
        rig = load_rig(tmp_path / kind, units="m")
        assert rig.names == ("left", "right")
        assert np.allclose(rig["right"].center, [0.2, 0, 0])


@pytest.mark.parametrize("used", range(15))
def test_opencv_files_have_as_many_terms_as_opencv_takes(tmp_path, used):
    """A rational lens whose last terms are zero has seven, or six: no number that OpenCV knows."""
    terms = [0.01 * (i + 1) for i in range(used)] + [0.0] * (14 - used)
    K = [[900, 0, 640], [0, 900, 512], [0, 0, 1]]
    rig = Rig({"one": Camera.from_opencv(K, terms, size=(1280, 1024))}, "m")
    save_rig(rig, tmp_path / "folder", "opencv")
    storage = cv2.FileStorage(str(tmp_path / "folder" / "one.yml"), cv2.FILE_STORAGE_READ)
    written = storage.getNode("distortion_coefficients").mat().ravel()
    assert len(written) == next(n for n in (4, 5, 8, 12, 14) if n >= used)
    np.testing.assert_allclose(written, terms[: len(written)])
    again = load_rig(tmp_path / "folder", units="m")["one"].lens.coefficients
    np.testing.assert_allclose(again[:used], terms[:used])


def test_stereo_files_of_opencv(tmp_path):
    import cv2

    for name, content in {
        "intrinsics.yml": {
            "M1": np.diag([800.0, 800, 1]),
            "D1": np.zeros((1, 5)),
            "M2": np.diag([810.0, 810, 1]),
            "D2": np.array([[0.1, 0, 0, 0, 0]]),
        },
        "extrinsics.yml": {"R": np.eye(3), "T": np.array([[-0.1], [0], [0]])},
    }.items():
        storage = cv2.FileStorage(str(tmp_path / name), cv2.FILE_STORAGE_WRITE)
        for key, value in content.items():
            storage.write(key, value)
        storage.release()
    rig = load_rig(tmp_path, units="m")
    assert rig.names == ("left", "right")
    assert np.allclose(rig["right"].center, [0.1, 0, 0])


def test_projection_matrices_of_every_kind(tmp_path):
    rig = rig_with("pinhole", None, skew=1.5)
    P = np.stack([camera.projection_matrix.numpy() for camera in rig.cameras.values()])
    np.save(tmp_path / "p.npy", -3 * P)
    np.savez(tmp_path / "p.npz", **dict(zip(rig.names, P, strict=True)))
    numbered = load_rig(tmp_path / "p.npy", units="m")
    assert numbered.names == ("cam_0", "cam_1", "cam_2", "cam_3")
    same = Rig(dict(zip(rig.names, numbered.cameras.values(), strict=True)), "m")
    assert max(pixel_gaps(rig, same).values()) < 1e-6
    assert max(pixel_gaps(rig, load_rig(tmp_path / "p.npz", units="m")).values()) < 1e-6


def test_one_subject_of_human36m(tmp_path):
    save_rig(rig_with(), tmp_path / "c.json#S5", "human36m")
    content = json.loads((tmp_path / "c.json").read_text())
    content["extrinsics"]["S6"] = content["extrinsics"]["S5"]
    (tmp_path / "c.json").write_text(json.dumps(content))
    assert len(load_rig(tmp_path / "c.json#S6")) == 4
    with pytest.raises(InputError, match=r"S5, S6; choose one as c.json#SUBJECT"):
        load_rig(tmp_path / "c.json")


def test_cameras_go_by_name_and_numbered_files_sort_naturally(tmp_path):
    rig = rig_with()
    many = {f"cam{i}": rig["cam_1"] for i in (10, 9, 1)}
    save_rig(Rig(many, "m"), tmp_path / "folder", "opencv")
    assert load_rig(tmp_path / "folder", units="m").names == ("cam1", "cam9", "cam10")
    save_rig(Rig(many, "m"), tmp_path / "a.toml")
    assert load_rig(tmp_path / "a.toml").names == ("cam10", "cam9", "cam1")


def test_ignored_cameras_of_caliscope_are_left_out_and_recorded(tmp_path):
    save_rig(rig_with(), tmp_path / "a.toml", "caliscope")
    text = (tmp_path / "a.toml").read_text().replace("ignore = false", "ignore = true", 1)
    (tmp_path / "a.toml").write_text(text)
    rig = load_rig(tmp_path / "a.toml")
    assert rig.names == ("cam_2", "cam_3", "cam_4")
    assert rig.provenance["ignored_cameras"] == ["cam_1"]


def test_idr_goes_to_the_path_that_was_named(tmp_path):
    rig = rig_with("pinhole", None)
    save_rig(rig, tmp_path / "cameras", "idr")
    assert [path.name for path in tmp_path.iterdir()] == ["cameras"]
    again = load_rig(tmp_path / "cameras", format="idr", units="m")
    same = Rig(dict(zip(rig.names, again.cameras.values(), strict=True)), "m")
    assert max(pixel_gaps(rig, same).values()) < 1e-6


def test_a_pose_is_no_projection_matrix(tmp_path):
    R, _ = cv2.Rodrigues(np.array([0.1, -0.4, 0.2]))
    pose = np.column_stack([np.round(R, 4), [0.1, 0.2, 3.0]])
    said = r"pose \[R \| t\].*without focal lengths.*rig template"
    np.save(tmp_path / "p.npy", np.stack([pose, -2 * pose]))
    (tmp_path / "folder").mkdir()
    np.savetxt(tmp_path / "folder" / "left.txt", pose)
    np.savez(tmp_path / "idr.npz", world_mat_0=np.vstack([pose, [0, 0, 0, 1]]))
    np.savez(tmp_path / "named.npz", left=pose)
    values = [*np.eye(3).ravel(), *R.ravel(), 0.1, 0.2, 3.0]
    (tmp_path / "x_par.txt").write_text("1\nleft " + " ".join(map(str, values)) + "\n")
    for name in ("p.npy", "folder", "idr.npz", "named.npz", "x_par.txt"):
        with pytest.raises(InputError, match=said):
            load_rig(tmp_path / name, units="m")
    np.save(tmp_path / "p.npy", np.diag([900.0, 900, 1]) @ pose[None])
    assert float(load_rig(tmp_path / "p.npy", units="m")["cam_0"].K[0, 0]) == pytest.approx(
        900, 1e-3
    )


UNSOLVED = {
    "left out": "",
    "empty": "rotation = []\ntranslation = []",
    "null": 'rotation = "null"\ntranslation = "null"',
    "nan": "rotation = [nan, nan, nan]\ntranslation = [nan, nan, nan]",
    "no translation": "rotation = [0.0, 0.0, 0.0]",
}


@pytest.mark.parametrize("name", ["anipose", "pose2sim", "caliscope"])
@pytest.mark.parametrize("pose", UNSOLVED)
def test_a_camera_that_was_not_solved_is_left_out_and_named(name, pose, tmp_path):
    file = tmp_path / "a.toml"
    save_rig(rig_with("brown", BROWN[:4]), file, name)
    lines = [
        line
        for line in file.read_text().splitlines()
        if not line.startswith(("rotation =", "translation ="))
    ]
    none = "\n".join(
        f"{line}\n{UNSOLVED[pose]}" if line.startswith("distortions") else line for line in lines
    )
    whole = file.read_text()
    second = whole.index("[", whole.index("fisheye"))
    cut = none.index("[", none.index("fisheye"))
    file.write_text(none[:cut] + whole[second:])
    rig = load_rig(file)
    assert rig.names == ("cam_2", "cam_3", "cam_4")
    assert rig.provenance["notes"] == ["camera cam_1 has no pose in a.toml and is left out"]
    file.write_text(none)
    with pytest.raises(InputError, match=r"cam_1, .*no pose .*no other camera has one"):
        load_rig(file)


WRONG = {
    "anipose units": ("anipose", 'units = "m"', "units = 5", "metadata.units is 5"),
    "anipose unit": ("anipose", 'units = "m"', 'units = "inch"', "metadata.units is 'inch'"),
    "anipose up": ("anipose", 'units = "m"', 'units = "m"\nup = ["z"]', "metadata.up is"),
    "anipose metadata": ("anipose", "[metadata]", "[other]\n[[metadata]]", "metadata must be"),
    "anipose size": ("anipose", "size = [", "size = 5\nold = [", r"size must be \[width, height"),
    "anipose size text": ("anipose", "size = [", 'size = "12"\nold = [', "size must be"),
    "anipose matrix": ("anipose", "matrix = [", 'matrix = "K"\nold = [', "matrix must be numbers"),
    "anipose rotation": (
        "anipose",
        "rotation = [",
        "rotation = [[1], 2]\nold = [",
        "rotation must",
    ),
    "anipose fisheye": ("anipose", "fisheye = false", 'fisheye = "no"', "fisheye must be true"),
    "anipose lens": ("anipose", "distortions = [", 'distortions = "a"\nold = [', "distortion"),
    "caliscope size": ("caliscope", "size = [", "size = [1]\nold = [", "size must be"),
    "caliscope same": ("caliscope", "cam_id = 2", "cam_id = 1", "two cameras are called 'cam_1'"),
    "pose2sim size": ("pose2sim", "size = [", "size = true\nold = [", "size must be"),
    "panoptic size": ("panoptic", '"resolution": [', '"resolution": 5, "o": [', "resolution must"),
    "panoptic K": ("panoptic", '"K": [', '"K": {}, "o": [', "K must be numbers"),
    "panoptic same": ("panoptic", '"cam_2"', '"cam_1"', "two cameras are called 'cam_1'"),
    "qualisys number": ("qualisys", 'focalLengthU="', 'focalLengthU="x', "intrinsic focalLengthU"),
    "qualisys turned": ("qualisys", 'viewrotation="0"', 'viewrotation="x"', "viewrotation must"),
    "qualisys same": ("qualisys", 'serial="cam_2"', 'serial="cam_1"', "two cameras are called"),
    "middlebury same": ("middlebury", "cam_2", "cam_1", "two cameras are called"),
    "human36m": ("human36m", '"calibration_matrix": [', '"calibration_matrix": {}, "o": [', "must"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_values_of_another_kind_are_refused_by_their_key(fault, tmp_path):
    name, old, new, said = WRONG[fault]
    file = path_for(tmp_path, name)
    lens = ("pinhole", None) if name == "middlebury" else ("brown", BROWN[:4])
    save_rig(rig_with(*lens), file, name)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=said):
        load_rig(file, format=name, units=None if stores_units(name) else "m")


WHOLE = {
    "caliscope list": ("caliscope", "cameras = [1, 2]", "cameras must be a table"),
    "caliscope entry": ("caliscope", "[cameras]\n1 = 5", "cameras.1 must be a table"),
    "panoptic entry": ("panoptic", '{"cameras": [5]}', r"cameras\[0\] must be a table"),
    "human36m list": ("human36m", "[]", "the file must be a table"),
    "human36m extrinsics": ("human36m", '{"extrinsics": [1]}', "extrinsics must be a table"),
    "human36m intrinsics": ("human36m", '{"intrinsics": 5}', "intrinsics must be a table"),
    "human36m subject": ("human36m", '{"extrinsics": {"S1": 5}}', "extrinsics.S1 must be"),
    "human36m pose": (
        *("human36m", '{"extrinsics": {"S1": {"a": 5}}, "intrinsics": {"a": {}}}'),
        "extrinsics.S1.a must be",
    ),
}


@pytest.mark.parametrize("fault", WHOLE)
def test_parts_of_another_kind_are_refused_by_their_key(fault, tmp_path):
    name, text, said = WHOLE[fault]
    (tmp_path / "file").write_text(text)
    with pytest.raises(InputError, match=said):
        load_rig(tmp_path / "file", format=name)


@pytest.mark.parametrize(
    ("row", "said"),
    [("a,0,0,0,0,0,1", "no number"), ("0.5,0,0,0,0,0,1", "whole frame"), ("", "whole frame")],
)
def test_tables_of_poses_hold_numbers(row, said, tmp_path):
    save_rig(moving_rig(), tmp_path / "rig.yaml")
    table = next(tmp_path.glob("*.poses.csv"))
    table.write_text(f"frame,rx,ry,rz,tx,ty,tz\n{row}\n")
    with pytest.raises(InputError, match=said) as error:
        load_rig(tmp_path / "rig.yaml")
    assert table.name in str(error.value)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_cut_off_or_of_garbage_is_an_input_error(name, tmp_path):
    lens = LENSES["pinhole"] if "brown 5" not in EXPRESSES.get(name, COMMON) else LENSES["brown 4"]
    path = path_for(tmp_path, name)
    save_rig(rig_with(*lens), path, name)
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.stat().st_size]
    good = {file: file.read_bytes() for file in files}
    for spoil in (lambda data: data[: len(data) * 9 // 20], lambda data: b"\x00garbage\xff" * 9):
        for file, data in good.items():
            file.write_bytes(spoil(data))
        with pytest.raises(InputError, match=str(tmp_path)):
            load_rig(path, format=name, units="m" if not stores_units(name) else None)


def test_unknown_and_ambiguous_formats(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_rig(tmp_path / "nothing.toml")
    (tmp_path / "x.toml").write_text("a = 1\n")
    with pytest.raises(InputError, match=r"no rig format that is known .*mvboot rig template"):
        load_rig(tmp_path / "x.toml")
    save_rig(rig_with("pinhole", None), tmp_path / "both", "colmap")
    save_rig(rig_with("pinhole", None), tmp_path / "em", "easymocap")
    for file in (tmp_path / "em").iterdir():
        shutil.copy(file, tmp_path / "both" / file.name)
    with pytest.raises(InputError, match=r"could be easymocap and colmap; .*rig convert"):
        load_rig(tmp_path / "both", units="m")
    save_rig(rig_with(), tmp_path / "capture" / "rig.yaml")
    assert load_rig(tmp_path / "capture").fingerprint() == rig_with().fingerprint()
    with pytest.raises(InputError, match="name the format"):
        save_rig(rig_with(), tmp_path / "rig.bin")


REAL = {
    "fly3/calibration.toml": ("anipose", "mm", 3, "mm", None),
    "mouse4/calibration.toml": ("anipose", "mm", 4, "mm", None),
    "boards4/camera_array.toml": ("caliscope", None, 4, "m", None),
    "human4/calibration/Calib.qca.txt": ("qualisys", None, 4, "mm", "z"),
    "mouse6_dannce/mouse1_label3d_dannce.mat": ("dannce", None, 6, "mm", None),
    "dino16/dinoSR_par.txt": ("middlebury", "m", 16, "m", None),
    "skull17/cameras_sphere_half.npz": ("idr", "mm", 17, "mm", None),
    "formats/panoptic_calibration.json": ("panoptic", None, 520, "cm", "-y"),
    "formats/h36m_cameras.json#S11": ("human36m", None, 4, "mm", "z"),
}


@pytest.mark.slow
@pytest.mark.parametrize("path", REAL)
def test_real_files(path, shared_data, tmp_path):
    name, given, count, units, up = REAL[path]
    rig = load_rig(f"{shared_data}/{path}", units=given)
    assert (rig.provenance["rig"]["format"], len(rig), rig.units, rig.up) == (
        name,
        count,
        units,
        up,
    )
    if given:
        with pytest.raises(InputError, match="stores no unit of length"):
            load_rig(f"{shared_data}/{path}")
    gaps, _, _ = converted(rig, tmp_path / "rig.yaml")
    assert max(gaps.values()) < 1e-6


def test_mouse6_labels_agree_when_the_skew_is_kept(shared_data):
    from mvboot.formats.mat import cells, read_mat

    path = shared_data / "mouse6_dannce" / "mouse1_label3d_dannce.mat"
    rig, content = load_rig(path), read_mat(path)
    for camera, label in zip(rig.cameras.values(), cells(content["labelData"]), strict=True):
        world = label["data_3d"].reshape(-1, 3)
        gap = np.linalg.norm(camera.project(world) - label["data_2d"].reshape(-1, 2), axis=-1)
        assert np.nanmax(gap) < 0.01


@pytest.mark.parametrize("name", ["../../left", "a/b", "/elsewhere/left", "a\\b", ".."])
@pytest.mark.parametrize("format", ["opencv", "jarvis", "openpose", "projection"])
def test_names_of_cameras_never_become_paths(tmp_path, name, format):
    rig = rig_with("pinhole", None)
    hostile = Rig({name: rig["cam_1"], "cam_2": rig["cam_2"]}, "m")
    with pytest.raises(InputError, match=r"camera .* cannot be part of a file's name"):
        save_rig(hostile, tmp_path / "inner" / "out", format)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_stereo_folder_may_have_a_list_of_its_pictures(tmp_path):
    K = "!!opencv-matrix\n   rows: 3\n   cols: 3\n   dt: d\n   data: [900,0,320,0,900,240,0,0,1]\n"
    D = "!!opencv-matrix\n   rows: 1\n   cols: 5\n   dt: d\n   data: [0,0,0,0,0]\n"
    R = K.replace("900,0,320,0,900,240,0,0,1", "1,0,0,0,1,0,0,0,1")
    T = D.replace("rows: 1\n   cols: 5", "rows: 3\n   cols: 1").replace("[0,0,0,0,0]", "[-2,0,0]")
    start = "%YAML:1.0\n---\n"
    (tmp_path / "intrinsics.yml").write_text(f"{start}M1: {K}D1: {D}M2: {K}D2: {D}")
    (tmp_path / "extrinsics.yml").write_text(f"{start}R: {R}T: {T}")
    pictures = '<imagelist>\n"left01.jpg"\n"right01.jpg"\n</imagelist>'
    text = f'<?xml version="1.0"?>\n<opencv_storage>\n{pictures}\n</opencv_storage>\n'
    (tmp_path / "stereo_calib.xml").write_text(text)
    rig = load_rig(tmp_path, units="mm")
    assert rig.names == ("left", "right")
    np.testing.assert_allclose(rig["right"].center, [2, 0, 0])


def test_a_file_that_is_no_list_of_pictures_is_not_passed_over(tmp_path):
    save_rig(rig_with(), tmp_path / "cams", "opencv")
    path = tmp_path / "cams" / "cam_1.yml"
    plain = "%YAML:1.0\n---\nnr_of_images: 20\ncamera_matrix: [900., 0., 320.]\n"
    path.write_text(plain)
    with pytest.raises(InputError):
        load_rig(tmp_path / "cams", units="m")
    with pytest.raises(InputError, match=r"cam_1.yml: camera cam_1: camera_matrix is no matrix"):
        load_rig(tmp_path / "cams", format="opencv", units="m")


@pytest.mark.parametrize("name", ["world_mat_0", "P"])
def test_an_archive_of_much_is_no_rig(tmp_path, name):
    np.savez_compressed(tmp_path / "r.npz", **{name: np.zeros((3_000_000, 3, 4), np.uint8)})
    with pytest.raises(InputError, match=r"r.npz: .*(36 MB|no rig format)"):
        load_rig(tmp_path / "r.npz", units="m")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "left"', 'name = "a\\u001b[31mRED"', "has a camera called .*no text; rename it"),
        ('name = "left"', 'name = "a\\nb"', "has a camera called"),
        ('name = "left"', 'name = ""', "has a camera called ''"),
        ('name = "left"', f'name = "{"a" * 500}"', "too long"),
        ("[0.0, 0.5, 0.0]", "[1e300, 0.0, 0.0]", "camera left: the pose has a value .* too large"),
        ("[1.0, 2.0, 3.0]", "[1e200, 0.0, 0.0]", "camera left: the pose has a value .* too large"),
        ("[1.0, 2.0, 3.0]", "[true, false, 5.0]", "camera left: translation must be numbers"),
        ("[640, 480]", "[999999999999, 480]", "camera left: size must be two integers"),
    ],
)
def test_values_that_no_camera_has(old, new, message, tmp_path):
    text = (
        '[cam_0]\nname = "left"\nsize = [640, 480]\n'
        "matrix = [[900.0, 0.0, 320.0], [0.0, 900.0, 240.0], [0.0, 0.0, 1.0]]\n"
        "distortions = [0.0, 0.0, 0.0, 0.0, 0.0]\n"
        "rotation = [0.0, 0.5, 0.0]\ntranslation = [1.0, 2.0, 3.0]\n"
    )
    assert old in text
    path = tmp_path / "calibration.toml"
    path.write_text(text)
    load_rig(path, units="m")
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=message):
        load_rig(path, units="m")


def test_a_folder_with_a_rig_in_it_names_the_rig(tmp_path):
    rig = Rig({"a": Camera.from_opencv(np.diag([900.0, 900, 1]), size=(640, 480))}, "m")
    (tmp_path / "recording").mkdir()
    save_rig(rig, tmp_path / "recording" / "calibration.toml")
    with pytest.raises(InputError, match=r"the rig in it is .*calibration.toml, give that"):
        load_rig(tmp_path / "recording")


ADDED = """
import numpy as np
from mvboot import Camera
from mvboot.formats.rig_format import RigFile, RigFormat


def read(path):
    focal = float(path.read_text().split()[1])
    return RigFile({"one": Camera.from_opencv(np.diag([focal, focal, 1]))}, units="cm")


FORMAT = RigFormat("focal", "A focal length", lambda path: path.suffix == ".focal", read)
OTHER = "nothing"
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that installs a package with an entry point of rig formats."""

    def installed(value):
        (tmp_path / "focal_format.py").write_text(ADDED)
        info = tmp_path / "focal_format-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: focal-format\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[mvboot.rig_formats]\nfocal = {value}\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        rigs.rig_formats.cache_clear()

    yield installed
    rigs.rig_formats.cache_clear()


def test_another_package_adds_a_format(package, tmp_path):
    package("focal_format:FORMAT")
    (tmp_path / "camera.focal").write_text("focal 700")
    rig = load_rig(tmp_path / "camera.focal")
    assert (rig.names, rig.units, float(rig["one"].K[0, 0])) == (("one",), "cm", 700.0)


def test_an_entry_point_that_is_no_format_is_named(package, tmp_path):
    package("focal_format:OTHER")
    with pytest.raises(InputError, match=r"the entry point focal of mvboot.rig_formats"):
        load_rig(tmp_path / "focal_format.py")
