"""Every way to be wrong ends in one clear line, the right exit code, and nothing half-written."""

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from mvboot import Rig, load_rig, save_rig
from mvboot.formats.keypoints2d_table import write_keypoints2d


@dataclass
class Case:
    """Where a case builds its input: a copy of a good recording to spoil."""

    folder: Path
    rig: Path
    keypoints: Path
    detections: object
    out: Path

    def triangulate(self, *more, rig=None, keypoints=None):
        return (
            *("triangulate", "--rig", rig or self.rig),
            *("--keypoints", keypoints or self.keypoints, "--out", self.out, *more),
        )

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def edited(self, old, new):
        text = self.rig.read_text()
        assert old in text
        self.rig.write_text(text.replace(old, new, 1))
        return self.rig

    def cut(self, path):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        return path

    def dlc(self, cameras=5, frames=12, value=0.9, x=100.0):
        """Write DeepLabCut csv files, one a camera."""
        columns = pd.MultiIndex.from_product(
            [["net"], ["nose", "tail"], ["x", "y", "likelihood"]],
            names=["scorer", "bodyparts", "coords"],
        )
        for c in range(cameras):
            rows = np.tile([x, 200.0, value, 110.0, 210.0, 0.8], (frames, 1))
            pd.DataFrame(rows, columns=columns).to_csv(self.folder / f"dlc_cam_{c + 1:02d}.csv")
        return self.folder / "dlc_{camera}.csv"


CASES = {}


def case(*expected, code=2):
    """Register a function that spoils the input and returns the arguments."""

    def register(function):
        name = function.__name__.replace("_", " ")
        assert name not in CASES
        CASES[name] = (function, code, expected)
        return function

    return register


# --- the rig ------------------------------------------------------------------------------------


@case("nowhere.yaml", "no such file")
def missing_rig(c):
    return c.triangulate(rig=c.folder / "nowhere.yaml")


@case("no rig format that is known", "anipose")
def rig_of_no_known_format(c):
    return c.triangulate(rig=c.write("rig.docx", "hello"))


@case("unknown rig format 'foo'", "rig.yaml")
def rig_format_that_does_not_exist(c):
    return c.triangulate("--rig-format", "foo")


@case("rig.yaml:", "lens", "brawn", "^")
def yaml_value_that_is_not_allowed(c):
    return c.triangulate(rig=c.edited("lens: brown", "lens: brawn"))


@case("rig.yaml:2:1", "unknown key", "did you mean 'units'")
def yaml_typo_in_a_key(c):
    return c.triangulate(rig=c.edited("units: m", "unitz: m"))


@case("rig.yaml", "units: is missing")
def yaml_without_units(c):
    return c.triangulate(rig=c.edited("units: m\n", ""))


@case("rig.yaml:2:1", "units", "parsecs")
def yaml_with_unknown_units(c):
    return c.triangulate(rig=c.edited("units: m", "units: parsecs"))


@case("rig.yaml:", "broken YAML")
def yaml_cut_off(c):
    text = c.rig.read_text()
    return c.triangulate(rig=c.write("rig.yaml", text[: text.index("K: [") + 30]))


@case("rig.yaml", "transposed K", "cam_01")
def transposed_intrinsics(c):
    rig = load_rig(c.rig)
    K = json.dumps(rig["cam_01"].K.tolist())
    return c.triangulate(rig=c.edited(K, json.dumps(rig["cam_01"].K.T.tolist())))


@case("mirrored world", "cam_01")
def mirrored_rotation(c):
    R = load_rig(c.rig)["cam_01"].cam_from_world.R
    return c.triangulate(rig=c.edited(json.dumps(R.tolist()), json.dumps((-R).tolist())))


@case("cam_01", "not orthonormal")
def rotation_that_is_none(c):
    R = load_rig(c.rig)["cam_01"].cam_from_world.R
    return c.triangulate(rig=c.edited(json.dumps(R.tolist()), json.dumps((2 * R).tolist())))


@case("cameras.cam_01", "needs K")
def camera_without_intrinsics(c):
    K = json.dumps(load_rig(c.rig)["cam_01"].K.tolist())
    return c.triangulate(rig=c.edited(f"    K: {K}\n", ""))


@case("cam_01", "4, 5, 8, 12, 14")
def wrong_number_of_distortion_coefficients(c):
    line = next(line for line in c.rig.read_text().splitlines() if "distortion" in line)
    return c.triangulate(rig=c.edited(line, "    distortion: [0.1, 0.2, 0.3]"))


@case("stores no unit of length", "--units")
def rig_format_without_units(c):
    save_rig(load_rig(c.rig), c.folder / "c.toml")
    text = (c.folder / "c.toml").read_text().replace('units = "m"', "")
    return c.triangulate(rig=c.write("c.toml", text))


@case("states its lengths in m", "mm")
def units_that_contradict_the_file(c):
    return c.triangulate("--units", "mm")


@case("units", "'m', 'cm', 'mm' or 'um'")
def units_that_do_not_exist(c):
    return c.triangulate("--units", "inch")


@case("broken TOML", "c.toml")
def toml_cut_off(c):
    save_rig(load_rig(c.rig), c.folder / "c.toml")
    return c.triangulate(rig=c.cut(c.folder / "c.toml"))


@case("broken JSON", "p.json:")
def json_rig_cut_off(c):
    save_rig(load_rig(c.rig), c.folder / "p.json", "panoptic")
    return c.triangulate("--rig-format", "panoptic", rig=c.cut(c.folder / "p.json"))


@case("no readable MATLAB file")
def mat_cut_off(c):
    save_rig(load_rig(c.rig), c.folder / "r.mat")
    return c.triangulate("--rig-format", "dannce", rig=c.cut(c.folder / "r.mat"))


@case("broken XML")
def qualisys_cut_off(c):
    save_rig(load_rig(c.rig), c.folder / "r.qca.txt")
    return c.triangulate("--rig-format", "qualisys", rig=c.cut(c.folder / "r.qca.txt"))


@case("COLMAP", "cut off")
def colmap_cut_off(c):
    save_rig(load_rig(c.rig), c.folder / "model", "colmap")
    c.cut(c.folder / "model" / "cameras.txt")
    return c.triangulate("--units", "m", rig=c.folder / "model")


@case("announces 5 cameras but has 2", "cut off")
def middlebury_cut_off(c):
    rig = load_rig(c.rig)
    flat = {
        n: type(x).from_opencv(x.K, None, x.cam_from_world.R, x.cam_from_world.t)
        for n, x in rig.cameras.items()
    }
    save_rig(Rig(flat, "m"), c.folder / "x_par.txt", "middlebury")
    lines = (c.folder / "x_par.txt").read_text().splitlines()[:3]
    return c.triangulate("--units", "m", rig=c.write("x_par.txt", "\n".join(lines)))


@case("at least two cameras", "cam_01")
def rig_of_one_camera(c):
    save_rig(load_rig(c.rig).subset(["cam_01"]), c.rig)
    return c.triangulate()


@case("no camera 'cam_77'", "cam_01")
def chosen_camera_that_is_not_there(c):
    return c.triangulate("--cameras", "cam_01,cam_77")


@case("poses.csv", "lacks the columns")
def poses_without_columns(c):
    c.write("poses.csv", "frame,rx\n0,1\n")
    text = c.rig.read_text()
    start = text.index("    rotation:")
    end = text.index("  cam_02:")
    c.rig.write_text(text[:start] + "    frames: poses.csv\n" + text[end:])
    return c.triangulate()


# --- the keypoints ------------------------------------------------------------------------------


@case("no such file or folder", "nothing.parquet")
def missing_keypoints(c):
    return c.triangulate(keypoints=c.folder / "nothing.parquet")


@case("nothing matches", "which holds")
def pattern_that_matches_nothing(c):
    return c.triangulate(keypoints=c.folder / "pose_{camera}.csv")


@case("there is no folder")
def pattern_in_a_folder_that_is_not_there(c):
    return c.triangulate(keypoints=c.folder / "nowhere" / "{camera}.csv")


@case("no keypoint format that is known", "deeplabcut")
def keypoints_of_no_known_format(c):
    return c.triangulate(keypoints=c.write("k.csv", "a,b\n1,2\n"))


@case("unknown keypoint format 'foo'", "sleap")
def keypoint_format_that_does_not_exist(c):
    return c.triangulate("--keypoints-format", "foo")


@case("camera names do not match", "cam_01", "left", "--camera-map")
def camera_names_that_do_not_match(c):
    write_keypoints2d(c.detections.renamed({"cam_01": "left"}), c.keypoints)
    return c.triangulate()


@case("camera names do not match", "cam_05")
def a_camera_without_keypoints(c):
    four = c.detections.for_cameras([f"cam_0{i}" for i in range(1, 5)])
    write_keypoints2d(four, c.keypoints)
    return c.triangulate()


@case("--camera-map x=cam_01", "the keypoints have")
def camera_map_of_an_unknown_name(c):
    return c.triangulate("--camera-map", "x=cam_01")


@case("--camera-map 'cam_01'", "KEYPOINTS=RIG")
def camera_map_that_is_no_pair(c):
    return c.triangulate("--camera-map", "cam_01")


@case("different numbers of frames", "cam_02: 11")
def unequal_frame_counts(c):
    pattern = c.dlc()
    lines = (c.folder / "dlc_cam_02.csv").read_text().splitlines()
    c.write("dlc_cam_02.csv", "\n".join(lines[:-1]) + "\n")
    return c.triangulate(keypoints=pattern)


@case("different keypoints", "ear")
def keypoints_that_differ_between_cameras(c):
    pattern = c.dlc()
    text = (c.folder / "dlc_cam_02.csv").read_text()
    c.write("dlc_cam_02.csv", text.replace("tail", "ear").replace("nose", "back"))
    return c.triangulate(keypoints=pattern)


@case("confidence of 1.7", "outside [0, 1]", "dlc_cam_01.csv")
def confidence_above_one(c):
    return c.triangulate(keypoints=c.dlc(value=1.7))


@case("confidence of -0.2", "outside [0, 1]")
def confidence_below_zero(c):
    return c.triangulate(keypoints=c.dlc(value=-0.2))


@case("infinite value")
def infinite_pixel(c):
    return c.triangulate(keypoints=c.dlc(x=np.inf))


@case("no readable", "keypoints.parquet")
def parquet_cut_off(c):
    return c.triangulate("--keypoints-format", "mvboot", keypoints=c.cut(c.keypoints))


@case("no readable DeepLabCut file", "dlc_cam_03.csv")
def csv_with_text_for_numbers(c):
    pattern = c.dlc()
    text = (c.folder / "dlc_cam_03.csv").read_text()
    c.write("dlc_cam_03.csv", text.replace("200.0", "tall"))
    return c.triangulate(keypoints=pattern)


@case("cam_02.h5")
def h5_cut_off(c):
    for i in range(1, 6):
        with h5py.File(c.folder / f"s_cam_{i:02d}.h5", "w") as file:
            file["tracks"] = np.ones((1, 2, 2, 500))
            file["node_names"] = np.array([b"a", b"b"])
    c.cut(c.folder / "s_cam_02.h5")
    return c.triangulate("--keypoints-format", "sleap", keypoints=c.folder / "s_{camera}.h5")


@case("needs tracks of shape")
def h5_that_is_already_3d(c):
    for i in range(1, 6):
        with h5py.File(c.folder / f"s_cam_{i:02d}.h5", "w") as file:
            file["tracks"] = np.ones((5, 1, 2, 3))
            file["node_names"] = np.array([b"a", b"b"])
    return c.triangulate(keypoints=c.folder / "s_{camera}.h5")


def openpose(c, spoil):
    for i in range(1, 6):
        for frame in range(3):
            people = [{"person_id": [-1], "pose_keypoints_2d": [100, 200, 0.9] * 25}]
            text = json.dumps({"version": 1.3, "people": people})
            c.write(f"op/cam_{i:02d}/v_{frame:012d}_keypoints.json", spoil(i, frame, text))
    return c.folder / "op" / "{camera}"


@case("broken JSON", "cam_02", "000000000001_keypoints.json:1:")
def openpose_json_cut_off(c):
    pattern = openpose(c, lambda i, f, text: text[:40] if (i, f) == (2, 1) else text)
    return c.triangulate(keypoints=pattern)


@case("no list of people")
def openpose_json_of_another_kind(c):
    pattern = openpose(c, lambda i, f, text: "[1]" if (i, f) == (2, 1) else text)
    return c.triangulate(keypoints=pattern)


@case("different formats")
def cameras_of_different_formats(c):
    c.dlc()
    people = [{"image_id": "1.jpg", "category_id": 1, "keypoints": [1, 2, 0.5] * 17, "score": 1}]
    for camera in range(2, 6):
        (c.folder / f"dlc_cam_{camera:02d}.csv").unlink()
        c.write(f"dlc_cam_{camera:02d}.json", json.dumps(people))
    return c.triangulate(keypoints=c.folder / "dlc_{camera}.*")


@case("2 files belong to camera cam_01")
def two_files_of_one_camera(c):
    c.dlc()
    shutil.copy(c.folder / "dlc_cam_01.csv", c.folder / "xdlc_cam_01.csv")
    return c.triangulate(keypoints=c.folder / "*dlc_{camera}.csv")


@case("people in a picture", "--subject largest")
def several_people_without_a_choice(c):
    two = json.dumps(
        {"people": [{"pose_keypoints_2d": [100 + 50 * p, 200, 0.9] * 25} for p in range(2)]}
    )
    return c.triangulate(keypoints=openpose(c, lambda i, f, text: two))


@case("person_1 is a number", "--subject largest")
def a_place_in_a_list_as_the_subject(c):
    two = json.dumps(
        {"people": [{"pose_keypoints_2d": [100 + 50 * p, 200, 0.9] * 25} for p in range(2)]}
    )
    pattern = openpose(c, lambda i, f, text: two)
    return c.triangulate("--subject", "person_1", keypoints=pattern)


@case("no individual 'nobody'", "walker")
def subject_that_is_not_there(c):
    return c.triangulate("--subject", "nobody")


@case("two rows for frame", "rows 1 and")
def repeated_rows(c):
    table = pd.read_parquet(c.keypoints)
    pd.concat([table, table[:1]]).to_parquet(c.folder / "twice.parquet")
    return c.triangulate(keypoints=c.folder / "twice.parquet")


# --- options, groups, output --------------------------------------------------------------------


@case("threshold_px", "greater than 0")
def threshold_of_zero(c):
    return c.triangulate("--threshold-px", "0")


@case("seed", "greater than or equal to 0")
def negative_seed(c):
    return c.triangulate("--seed", "-1")


@case("threshold_px", "finite")
def infinite_threshold(c):
    return c.triangulate("--threshold-px", "inf")


@case("fps", "finite")
def infinite_frame_rate(c):
    return c.triangulate("--fps", "inf", "--csv")


@case("--fail-above must be positive")
def quality_that_is_no_number(c):
    return c.triangulate("--fail-above", "nan")


@case("--cameras ''")
def cameras_from_an_empty_variable(c):
    return c.triangulate("--cameras", "")


@case("min_views", "greater than or equal to 2")
def one_view(c):
    return c.triangulate("--min-views", "1")


@case("min_confidence", "less than or equal to 1")
def confidence_threshold_in_percent(c):
    return c.triangulate("--min-confidence", "90")


@case("--min-views", "integer")
def option_that_is_no_number(c):
    return c.triangulate("--min-views", "many")


@case("No such option: --colour")
def option_that_does_not_exist(c):
    return c.triangulate("--colour", "red")


@case("'threshold' is not of the form KEY=VALUE")
def override_without_a_value(c):
    return c.triangulate("threshold")


@case("treshold_px: unknown key", "threshold_px")
def override_with_a_typo(c):
    return c.triangulate("treshold_px=3")


@case("c.yaml:2:1", "min_veiws", "min_views")
def config_with_a_typo(c):
    path = c.write("c.yaml", "threshold_px: 3\nmin_veiws: 2\n")
    return c.triangulate("--config", path)


@case("no such file", "groups.yaml")
def groups_that_are_not_there(c):
    return c.triangulate("--groups", c.folder / "groups.yaml")


@case("group 'g'", "wing")
def group_of_an_unknown_keypoint(c):
    return c.triangulate("--groups", c.write("groups.yaml", "g: [nose, wing]\n"))


@case("lists of keypoints", "groups.yaml")
def groups_of_another_shape(c):
    return c.triangulate("--groups", c.write("groups.yaml", "- nose\n"))


@case("unknown export 'obj'", "c3d")
def export_that_does_not_exist(c):
    return c.triangulate("--export", "obj")


@case("c3d", "frame rate", "--fps")
def c3d_without_a_frame_rate(c):
    return c.triangulate("--export", "c3d")


@case("--out is missing")
def no_output_folder(c):
    return ("triangulate", "--rig", c.rig, "--keypoints", c.keypoints)


@case("is a file", "--out")
def output_that_is_a_file(c):
    c.out.write_text("precious")
    return c.triangulate()


@case("confident enough", code=3)
def nothing_confident_enough(c):
    return c.triangulate("--min-confidence", "1.0")


@case("nothing could be triangulated", code=3)
def all_views_empty(c):
    empty = replace(
        c.detections,
        xy=np.full_like(c.detections.xy, np.nan),
        confidence=np.full_like(c.detections.confidence, np.nan),
    )
    write_keypoints2d(empty, c.keypoints)
    return c.triangulate()


@case("different cameras", "cam_05")
def compare_rigs_of_different_cameras(c):
    save_rig(load_rig(c.rig).without("cam_05"), c.folder / "four.yaml")
    return ("rig", "compare", c.rig, c.folder / "four.yaml")


@case("cannot express camera cam_01", "brown")
def convert_to_a_format_without_lenses(c):
    return ("rig", "convert", c.rig, c.folder / "x_par.txt", "--to", "middlebury")


@case("name the format to write")
def convert_to_an_unknown_suffix(c):
    return ("rig", "convert", c.rig, c.folder / "rig.docx")


@case("up must be one of", "north")
def check_with_an_unknown_up_axis(c):
    return ("rig", "check", c.rig, "--up", "north")


@case("no provenance, or is cut off")
def inspect_a_file_that_is_cut_off(c):
    return ("inspect", c.cut(c.keypoints))


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name, mvboot, walker, tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(walker.folder, folder)
    out = tmp_path / "out"
    given = Case(folder, folder / "rig.yaml", folder / "keypoints.parquet", walker.detections, out)
    function, code, expected = CASES[name]
    arguments = function(given)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = mvboot(*arguments)
    assert result.code == code, result.err
    lines = [line for line in result.err.splitlines() if not line.startswith("warning: ")]
    assert lines[0].startswith("mvboot: ") and "Traceback" not in result.err
    assert len(lines) == (3 if lines[-1].strip() == "^" else 1), result.err
    for text in expected:
        assert text in result.err
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert before == after, "something was written"


def test_there_are_many_cases():
    assert len(CASES) >= 40
