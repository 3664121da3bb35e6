"""``mvboot calibrate``: from pictures of a board to a rig, or to one line that says what is wrong.

Recordings are rendered; the broken ones differ from the sound one in few pictures, so that each
picture is looked at once for the whole file.
"""

import contextlib
import hashlib
import io
import json
import re
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import recordings
import torch
import yaml

from mvboot import cli, load_rig, save_rig
from mvboot.calib.detect import Detector
from mvboot.formats.intrinsics_yaml import load_intrinsics
from mvboot.formats.keypoints2d_table import read_keypoints2d
from mvboot.rig import Rig

pytestmark = pytest.mark.slow

TRUTH = recordings.four_cameras().in_units("mm")
FILES = {"rig.yaml", "summary.json", "coverage.png", "board_points.parquet", "config.yaml"}
ONE_LENS = ("--lens", "brown2")
"""Where the choice of the lens is not the point: it takes most of the time."""


@pytest.fixture(scope="module", autouse=True)
def each_picture_once():
    """Remember what was found in a picture; the cost of a test is what is new in it."""
    seen, detect = {}, Detector.detect

    def remembered(self, picture, look):
        key = (self.board, look, picture.shape, hashlib.sha1(picture.tobytes()).digest())
        if key not in seen:
            seen[key] = detect(self, picture, look)
        return seen[key].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Detector, "detect", remembered)
        yield


def run(*arguments):
    """Run one command line outside of a test; returns its exit code and what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run([str(argument) for argument in arguments])
    return SimpleNamespace(code=code, out=out.getvalue(), err=err.getvalue())


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return recordings.sound(tmp_path_factory.mktemp("sound") / "pictures")


@pytest.fixture(scope="module")
def still(sound):
    """The words that name the sound recording."""
    return ("calibrate", "--board", sound.board.spec, "--images", sound.pattern)


@pytest.fixture(scope="module")
def usual(still, tmp_path_factory):
    """The sound recording calibrated with nothing but what must be said."""
    folder = tmp_path_factory.mktemp("usual") / "out"
    result = run(*still, "--out", folder)
    assert result.code == 0, result.err
    return SimpleNamespace(folder=folder, rig=load_rig(folder / "rig.yaml"), **vars(result))


@pytest.fixture(scope="module")
def quick(still, usual):
    """The words for a quick run: intrinsics are known."""
    return (*still, "--intrinsics", usual.folder / "rig.yaml")


def distances(rig, names=None):
    return torch.pdist(torch.stack([rig[name].center for name in names or rig.names])).numpy()


def assert_right(folder, apart=1e-3):
    """Error, focal lengths, distances as a sound recording must give them."""
    rig, said = load_rig(folder / "rig.yaml"), summary(folder)
    assert said["rms_px"] < 0.1
    for name in rig.names:
        spread = said["per_camera"][name]["deviation"]["parameters"]
        for i, term in enumerate(("fx", "fy")):
            got, true = float(rig[name].K[i, i]), float(TRUTH[name].K[i, i])
            assert abs(got - true) <= max(3 * spread[term], 0.002 * true), (name, term)
    np.testing.assert_allclose(distances(rig), distances(TRUTH), rtol=apart)
    assert said["board_scale_ratio"]["median"] == pytest.approx(1, abs=1e-3)


# --- sound recordings ---------------------------------------------------------------------------


def test_a_sound_recording_becomes_a_rig(usual, sound):
    assert usual.err == ""
    assert {path.name for path in usual.folder.iterdir()} == FILES
    assert_right(usual.folder)
    said = summary(usual.folder)
    assert said["warnings"] == [] and said["left_out_cameras"] == [] and said["trouble"] is None
    assert said["board"] == sound.board.spec and said["units"] == "mm"
    assert set(said["inputs"]) == set("abcd") and said["camera_sizes"]["a"] == [640, 480]
    look = {"inverted": False, "mirrored": False, "legacy": False, "border": 1}
    assert said["looks"] == dict.fromkeys("abcd", look)


def test_the_rig_is_in_the_first_camera_and_says_where_it_comes_from(usual):
    pose = usual.rig["a"].cam_from_world
    np.testing.assert_allclose(pose.R, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(pose.t, 0, atol=1e-9)
    assert usual.rig.units == "mm"
    how = usual.rig.provenance["calibration"]
    assert how["board"] == "charuco:6x8:30mm:22mm:DICT_5X5_250" and how["warnings"] == []
    assert how["rms_px"] == summary(usual.folder)["rms_px"] and how["version"]


def test_people_read_tables_and_what_to_check_with_a_tape(usual):
    assert "shots shared by" in usual.out and "b: board in 24 of 24 pictures" in usual.out
    assert "apart: check one with a tape" in usual.out
    assert "OpenCV's figure" in usual.out and "of its print" in usual.out


def test_the_points_that_were_found_are_kept(usual):
    points = read_keypoints2d(usual.folder / "board_points.parquet")
    assert points.cameras == ("a", "b", "c", "d") and points.individuals == ("board",)
    assert points.xy.shape == (4, 24, 1, 35, 2) and points.present.mean() > 0.6
    picture = cv2.imread(str(usual.folder / "coverage.png"))
    assert picture is not None and picture.shape[1] > 1000


def test_a_board_that_moves(tmp_path):
    film = recordings.sound_motion(tmp_path / "pictures")
    out = tmp_path / "out"
    words = (*ONE_LENS, "--out", out)
    result = run("calibrate", "--board", film.board.spec, "--images", film.pattern, *words)
    assert result.code == 0, result.err
    assert_right(out, apart=2e-3)
    codes = {warning.split(":")[0] for warning in summary(out)["warnings"]}
    assert codes == {"uncovered"}, "it was waved about in the middle"


STRETCHED_DOWN = 25.5
"""Millimetres down of squares that are 24 mm across and said to be 25 mm."""


@pytest.fixture(scope="module")
def stretched(tmp_path_factory):
    """Pictures of a stretched print by two pinhole cameras 200 mm apart: flat, so warped."""
    folder = tmp_path_factory.mktemp("stretched")
    K, print_ = np.array([[600.0, 0, 319.5], [0, 600.0, 239.5], [0, 0, 1]]), printed(10, 7)
    rng = np.random.default_rng(0)
    for shot in range(9):
        turn = cv2.Rodrigues(rng.uniform(-0.45, 0.45, 3))[0]
        middle = rng.uniform([-30, -30, 480], [30, 30, 560])
        for camera, x in (("left", 100.0), ("right", -100.0)):
            place = middle + [x, 0, 0] - turn @ [120, 89.25, 0]
            camera_from_print = K @ np.column_stack([turn[:, 0], turn[:, 1], place])
            picture = seen(print_, camera_from_print)
            (folder / camera).mkdir(exist_ok=True)
            cv2.imwrite(str(folder / camera / f"{shot:03d}.png"), picture)
    return folder


PX_PER_MM, MARGIN = 4, 24.0


def printed(columns, rows):
    """Return the stretched squares at `PX_PER_MM`, with a white margin about them."""
    squares = np.indices((rows, columns)).sum(0) % 2 * 255
    size = round(columns * 24 * PX_PER_MM), round(rows * STRETCHED_DOWN * PX_PER_MM)
    face = cv2.resize(squares.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    edge = round(MARGIN * PX_PER_MM)
    return cv2.copyMakeBorder(face, *[edge] * 4, cv2.BORDER_CONSTANT, value=255)


def seen(print_, camera_from_mm):
    """Return the print (its first square's corner at the origin) in a picture of 640 x 480 px."""
    mm_from_px = np.diag([1 / PX_PER_MM, 1 / PX_PER_MM, 1.0])
    mm_from_px[:2, 2] = 0.5 / PX_PER_MM - MARGIN
    finer = np.array([[3.0, 0, 1], [0, 3, 1], [0, 0, 1]])  # three px a side become one
    large = cv2.warpPerspective(
        print_, finer @ camera_from_mm @ mm_from_px, (1920, 1440), borderValue=128
    )
    return cv2.GaussianBlur(
        cv2.resize(large, (640, 480), interpolation=cv2.INTER_AREA), (0, 0), 0.7
    )


def test_a_stretched_print_is_said_and_the_advice_works(stretched, tmp_path):
    words = ("--images", stretched / "{camera}" / "*.png", "--lens", "pinhole")
    result = run("calibrate", "--board", "checkerboard:9x6:25mm", *words, "--out", tmp_path / "a")
    assert result.code == 0, result.err
    said = re.search(
        r"the print is stretched: it is ([\d.]+) % longer down than across", result.err
    )
    assert said and float(said[1]) == pytest.approx(6.25, abs=0.3)
    shape = summary(tmp_path / "a")["board_shape"]
    assert shape["used"]
    example = re.search(r"--board (\S+) if", result.err)[1]
    assert run("calibrate", "--board", example, *words, "--out", tmp_path / "c").code == 0
    assert distances(load_rig(tmp_path / "c" / "rig.yaml")) == pytest.approx(
        200 * 25 / 24, rel=5e-3
    )


# --- broken recordings --------------------------------------------------------------------------

CAUSES = {
    "no_overlap": (3, "no picture links these groups of cameras: a, b | c, d; record the board"),
    "blurred": (3, "found in 0 of 24 pictures of camera c; they are out of focus"),
    "wrong_square_size": (
        3,
        r"a and d come out 1051 mm apart .* measured at 788.1 mm: .* 0.75 times",
    ),
    "wrong_dictionary": (3, r"show markers of DICT_5X5_..., not of DICT_6X6_250"),
    "mirrored": (3, "the pictures of camera c are mirrored"),
    "frozen": (3, "the board does not move in the pictures 0 to 23 of camera b"),
    "desynchronised": (
        3,
        "camera c is not synchronous: its pictures come 3 frames too late; .* --offset c=3 ",
    ),
    "rotated": (2, r"camera d: .*012.png has 480 x 640 px.*turned by 90 degrees"),
    "parallel": (3, "the focal length of camera a is not determined"),
    "swapped": (3, "pictures of cameras b and c are exchanged in a part of the recording"),
    "empty_folder": (2, "no file of camera d matches"),
    "nothing_matches": (2, r"nothing matches \{camera\}/\*.jpg in .*, which holds a, b, c, d"),
    "mixed_resolutions": (2, "camera b: .*012.png has 320 x 240 px, .*640 x 480"),
}
FEWER = {"wrong_dictionary": ("--max-pictures", 3), "wrong_square_size": ("--max-pictures", 12)}
"""What is new in every picture takes long: another board to look for, in vain or not."""


def refused(recording, tmp_path, *words):
    """Calibrate a faulty recording; returns the one line on standard error."""
    before, out = contents(tmp_path), tmp_path / "out"
    words = (*recording.facts.get("words", ()), *words, "--out", out)
    result = run("calibrate", "--board", recording.board, "--images", recording.pattern, *words)
    lines = [line for line in result.err.splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 1 and lines[0].startswith("mvboot: "), result.err
    assert contents(tmp_path) == before and not out.exists(), "something was written"
    if len(recording.cameras) < 4:
        for camera in recording.cameras:
            assert re.search(rf"\b{camera}\b", lines[0]), "the camera is not named"
    return result.code, lines[0]


def test_every_broken_recording_has_its_cause():
    assert set(CAUSES) == set(recordings.BROKEN)


@pytest.mark.parametrize("name", CAUSES)
def test_a_broken_recording_ends_in_one_line(name, tmp_path):
    recording = recordings.BROKEN[name](tmp_path / "in")
    code, line = refused(recording, tmp_path, *ONE_LENS, *FEWER.get(name, ()))
    expected, cause = CAUSES[name]
    assert code == expected and re.search(cause, line), line


def test_a_late_camera_is_put_right_as_the_message_says(tmp_path):
    recording = recordings.BROKEN["desynchronised"](tmp_path / "in")
    out = tmp_path / "out"
    words = (*ONE_LENS, "--offset", "c=3", "--out", out)
    result = run("calibrate", "--board", recording.board, "--images", recording.pattern, *words)
    assert result.code == 0, result.err
    assert_right(out, apart=2e-3)
    assert yaml.safe_load((out / "config.yaml").read_text())["offset"] == {"c": 3}


@pytest.mark.parametrize(
    "name", ["no_overlap", "mirrored", "desynchronised", "parallel", "swapped"]
)
def test_a_broken_recording_with_every_lens(name, tmp_path):
    recording = recordings.BROKEN[name](tmp_path / "in")
    code, line = refused(recording, tmp_path)
    expected, cause = CAUSES[name]
    assert code == expected and re.search(cause, line), line


def test_a_camera_that_freezes_half_way(tmp_path):
    pictures = dict(recordings.still_pictures())
    pictures["b"] = [*pictures["b"][:12], *[pictures["b"][12]] * 12]
    pattern = recordings.save(tmp_path / "in", pictures)
    recording = recordings.Broken(pattern, recordings.BOARD.spec, ("b",))
    code, line = refused(recording, tmp_path, *ONE_LENS)
    assert code == 3 and "does not move in the pictures 12 to 23 of camera b" in line


def test_markers_that_were_not_measured(sound, tmp_path):
    board = "charuco:6x8:40mm:22mm:DICT_5X5_250"
    recording = recordings.Broken(sound.pattern, board, ())
    code, line = refused(recording, tmp_path, "--max-pictures", 5)
    assert code == 3 and "a marker is 0.7" in line and "says 0.550" in line
    assert "measure both on the print" in line


def test_a_camera_turned_throughout_is_calibrated_and_named(usual, tmp_path):
    pictures = recordings.changed("d", np.rot90)
    pattern = recordings.save(tmp_path / "in", {name: pictures[name] for name in "abd"})
    out = tmp_path / "out"
    words = ("--images", pattern, "--out", out, *ONE_LENS)
    result = run("calibrate", "--board", recordings.BOARD.spec, *words)
    assert result.code == 0, result.err
    assert result.err.startswith("warning: turned: the pictures of camera d are turned by 90 deg")
    rig = load_rig(out / "rig.yaml")
    assert rig["d"].size == (480, 640) and summary(out)["rms_px"] < 0.1
    np.testing.assert_allclose(distances(rig), distances(TRUTH, "abd"), rtol=1e-3)


def test_a_group_of_cameras_where_that_will_do(tmp_path):
    recording = recordings.BROKEN["no_overlap"](tmp_path / "in")
    out = tmp_path / "out"
    words = ("--images", recording.pattern, "--out", out, *ONE_LENS, "--allow-partial")
    result = run("calibrate", "--board", recording.board, *words)
    assert result.code == 0, result.err
    said = summary(out)
    assert load_rig(out / "rig.yaml").names == ("a", "b") and said["left_out_cameras"] == ["c", "d"]
    assert "warning: partial: camera c, d shares no picture with the others" in result.err


# --- what cannot be meant -----------------------------------------------------------------------

WRONG = {
    "no board": (("--images", "PATTERN"), "--board is missing"),
    "an unknown board": (("--board", "chess:3x3"), "no board 'chess:3x3'"),
    "a board without units": (("--board", "checkerboard:9x6:25"), "no length with a unit"),
    "no footage": (("--board", "BOARD"), "give either --images or --videos"),
    "two kinds of footage": (("--videos", "{camera}.mp4"), "give either --images or --videos"),
    "timestamps of pictures": (("--timestamps", "t.csv"), "--timestamps belongs to --videos"),
    "an offset of no camera": (("--offset", "e=1"), "no camera e; there are a, b, c, d"),
    "an offset of no frames": (("--offset", "a=1.5"), "--offset a=1.5: 1.5 is no whole number"),
    "an unknown camera": (("--cameras", "a,e"), "no camera e; there are a, b, c, d"),
    "no cameras": (("--cameras", ""), "--cameras ''"),
    "a lens of no camera": (("--lens", "e=brown2"), "no camera e; there are a, b, c, d"),
    "an unknown lens": (("--lens", "thin"), "unknown lens thin; use one of pinhole"),
    "a lens of nobody": (("--lens", "=thin"), "names no camera"),
    "holding of no camera": (("--hold", "e=focal"), "no camera e"),
    "holding of nothing known": (("--hold", "zoom"), "cannot hold zoom; use distortion, focal"),
    "a distance of no camera": (("--distance", "a:e=5mm"), "no camera e"),
    "a distance without unit": (("--distance", "a:b=5"), "a:b=5 is not of the form A:B=788mm"),
    "a distance of one camera": (("--distance", "a=5mm"), "a=5mm is not of the form A:B=788mm"),
    "a distance of nothing": (("--distance", "a:b=0mm"), "must be a length between two cameras"),
    "a distance to itself": (("--distance", "a:a=5mm"), "must be a length between two cameras"),
    "a distance of another form": (("--distance", "a:b:5mm"), "not of the form A:B=LENGTH"),
    "a distance twice": (("--distance", "a:b=5mm", "--distance", "a:b=6mm"), "given twice"),
    "unknown units": (("--units", "inch"), "units: Input should be 'm', 'cm', 'mm' or 'um'"),
    "poses of a whole rig": (("--poses", "rig.yaml"), "--poses belongs to --intrinsics-only"),
    "poses nowhere": (("--intrinsics-only", "--poses", "rig.yaml"), "rig.yaml: no such file"),
    "intrinsics nowhere": (("--intrinsics", "i.yaml"), "i.yaml: no such file"),
    "no quality": (("--fail-above", "nan"), "--fail-above must be positive"),
    "too few shots": (("--max-shots", "2"), "max_shots: Input should be greater than or equal"),
    "an unknown key": (("max_shot=3",), "max_shot: unknown key; did you mean 'max_shots'?"),
    "an unknown key of a file": (("--config", "CONFIG"), "did you mean 'cameras'?"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_meant(name, sound, tmp_path):
    words, cause = WRONG[name]
    (tmp_path / "config.yaml").write_text("camera: [a]\n")
    places = {"PATTERN": sound.pattern, "BOARD": sound.board.spec}
    words = [places.get(word, word) for word in words]
    words = [tmp_path / "config.yaml" if word == "CONFIG" else word for word in words]
    usual = ("--board", sound.board.spec), ("--images", sound.pattern)
    missing = {"no board": usual[1], "no footage": usual[0]}.get(name)
    given = [] if missing else [word for pair in usual if pair[0] not in words for word in pair]
    before = contents(tmp_path)
    result = run("calibrate", *given, *words, "--out", tmp_path / "out")
    assert result.code == 2 and result.err.startswith("mvboot: ") and cause in result.err
    assert "Traceback" not in result.err and contents(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_no_folder_to_write_to(still):
    result = run(*still)
    assert result.code == 2 and "--out is missing" in result.err


def test_a_board_without_a_top_is_refused_before_any_picture_is_looked_at(sound, tmp_path):
    words = ("--board", "checkerboard:7x5:30mm", "--images", sound.pattern)
    result = run("calibrate", *words, "--out", tmp_path / "out")
    assert result.code == 2 and "looks the same upside down" in result.err
    assert "board in" not in result.out


def test_an_earlier_result_stays_unless_told(quick, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "rig.yaml").write_text("precious")
    (out / "notes.txt").write_text("mine")
    result = run(*quick, "--cameras", "a,b", "--out", out)
    assert result.code == 2 and "--overwrite" in result.err
    assert (out / "rig.yaml").read_text() == "precious"
    result = run(*quick, "--cameras", "a,b", "--out", out, "--overwrite")
    assert result.code == 0, result.err
    assert load_rig(out / "rig.yaml").names == ("a", "b")
    assert (out / "notes.txt").read_text() == "mine"


def test_a_world_that_is_not_there(quick, tmp_path):
    cases = {
        "board:99": "the board is not placed in picture 99; it is in 0, 3, 6",
        "board:top": "neither board:NUMBER nor camera:NAME",
        "floor": "neither board:NUMBER nor camera:NAME",
        "camera:e": "neither board:NUMBER nor camera:NAME with one of a, b",
    }
    for world, cause in cases.items():
        words = ("--cameras", "a,b", "--max-pictures", 8, "--world", world)
        result = run(*quick, *words, "--out", tmp_path / "out")
        assert result.code == 2 and cause in result.err, result.err
        assert not (tmp_path / "out").exists()


def test_intrinsics_of_cameras_that_are_spelt_otherwise(usual, still, tmp_path):
    save_rig(usual.rig.renamed({"a": "_A", "b": "B"}), tmp_path / "known.yaml")
    words = ("--intrinsics", tmp_path / "known.yaml", "--out", tmp_path / "out", "--dry-run")
    assert run(*still, *words).code == 0
    save_rig(usual.rig.renamed({"a": "left"}), tmp_path / "other.yaml")
    words = ("--intrinsics", tmp_path / "other.yaml", *words[2:])
    assert "the known intrinsics lack camera a; they have left, b" in run(*still, *words).err


def test_intrinsics_of_other_pictures(usual, still, tmp_path):
    cameras = {
        name: type(camera)(camera.K, camera.lens, camera.cam_from_world, (1280, 960))
        for name, camera in usual.rig.cameras.items()
    }
    save_rig(Rig(cameras, "mm"), tmp_path / "large.yaml")
    words = ("--intrinsics", tmp_path / "large.yaml", "--out", tmp_path / "out")
    result = run(*still, *words)
    assert result.code == 2
    assert "camera a are for pictures of 1280 x 960 px, but it has 640 x 480" in result.err


# --- what is asked for --------------------------------------------------------------------------


def test_a_dry_run_says_what_it_would_do(still, tmp_path):
    result = run(*still, "--max-pictures", 10, "--out", tmp_path / "out", "--dry-run")
    assert result.code == 0 and list(tmp_path.iterdir()) == []
    assert all(name in result.out for name in FILES)
    rows = [line.split() for line in result.out.splitlines() if line.startswith("c ")]
    assert rows == [["c", "640x480", "24", "8"]], "every third is enough for ten"
    result = run(*still, "--out", tmp_path / "out", "--dry-run", "--json", "--intrinsics-only")
    plan = json.loads(result.out)
    assert set(plan["files"]) == {"intrinsics.yaml", *FILES} - {"rig.yaml", "board_points.parquet"}
    assert list(tmp_path.iterdir()) == []


def test_the_written_config_repeats_the_run(quick, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    words = ("--units", "m", "--world", "board:0", "--distance", "a:c=528.4mm", "--json")
    result = run(*quick, "--cameras", "c,a", *words, "--out", first)
    assert result.code == 0, result.err
    assert json.loads(result.out) == summary(first), "the summary is all that is printed"
    config = yaml.safe_load((first / "config.yaml").read_text())
    assert config["cameras"] == ["c", "a"] and config["distance"] == {"a:c": "528.4mm"}
    result = run("calibrate", "--config", first / "config.yaml", f"out={again}")
    assert result.code == 0, result.err
    rigs = [load_rig(folder / "rig.yaml") for folder in (first, again)]
    assert rigs[0].fingerprint() == rigs[1].fingerprint()
    assert rigs[0].names == ("c", "a") and rigs[0].units == "m"


def test_the_world_of_a_board_that_lies_on_the_floor(quick, sound, tmp_path):
    out = tmp_path / "out"
    result = run(*quick, "--world", "board:5", "--out", out)
    assert result.code == 0, result.err
    rig = load_rig(out / "rig.yaml")
    assert rig.up == "z"
    to_board = sound.world_from_board[5].inverse()
    for name in "abcd":
        x, y, z = (to_board.apply(recordings.four_cameras()[name].center) * 1000).tolist()
        np.testing.assert_allclose(rig[name].center, [x, -y, -z], atol=1.5)
    assert min(float(rig[name].center[2]) for name in "abcd") > 300, "cameras stand above it"


def test_the_world_of_a_camera(quick, tmp_path):
    result = run(*quick, "--world", "camera:c", "--out", tmp_path / "out")
    assert result.code == 0, result.err
    rig = load_rig(tmp_path / "out" / "rig.yaml")
    np.testing.assert_allclose(rig["c"].center, 0, atol=1e-9)
    assert float(rig["a"].center.norm()) > 500


def test_a_missed_quality_is_exit_code_1_with_the_result_written(quick, tmp_path):
    out = tmp_path / "out"
    result = run(*quick, "--cameras", "a,b", "--out", out, "--fail-above", "0.01")
    assert result.code == 1
    assert re.fullmatch(
        r"mvboot: the error is 0.0\d+ px per axis, more than the 0.01 px .*\n", result.err
    )
    assert {path.name for path in out.iterdir()} == FILES
    shutil.rmtree(out)
    assert run(*quick, "--cameras", "a,b", "--out", out, "--fail-above", "0.2").code == 0


def test_lenses_and_what_is_held_by_camera(still, tmp_path):
    out = tmp_path / "out"
    words = ("--lens", "brown1,brown2", "--lens", "b=fisheye", "--hold", "a=focal,k1")
    result = run(*still, "--cameras", "a,b", *words, "--max-shots", 12, "--out", out)
    assert result.code == 0, result.err
    cameras = summary(out)["per_camera"]
    assert cameras["b"]["lens"] == "fisheye" and cameras["a"]["lens"] in ("brown1", "brown2")
    assert set(cameras["a"]["held_out_px"]) == {"brown1", "brown2"}
    assert "fx" not in cameras["a"]["deviation"]["parameters"]
    assert "fx" in cameras["b"]["deviation"]["parameters"] and summary(out)["shots"] == 12
    assert load_rig(out / "rig.yaml")["b"].lens.name == "fisheye"


# --- each camera alone --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(still, tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone") / "out"
    result = run(*still, *ONE_LENS, "--intrinsics-only", "--out", folder)
    assert result.code == 0, result.err
    return SimpleNamespace(folder=folder, **vars(result))


def test_each_camera_alone(alone):
    files = {path.name for path in alone.folder.iterdir()}
    assert files == {"intrinsics.yaml", "summary.json", "coverage.png", "config.yaml"}
    said, cameras = summary(alone.folder), load_intrinsics(alone.folder / "intrinsics.yaml")
    assert said["rms_px"] == max(one["rms_px"] for one in said["per_camera"].values()) < 0.1
    for name, camera in cameras.items():
        spread = said["per_camera"][name]["deviation"]["parameters"]["fx"]
        error = float(camera.K[0, 0] - TRUTH[name].K[0, 0])
        assert abs(error) <= max(3 * spread, 0.002 * 780) and camera.size == (640, 480)


def test_known_intrinsics_are_kept_to_the_last_digit(alone, still, tmp_path):
    out = tmp_path / "out"
    result = run(*still, "--intrinsics", alone.folder / "intrinsics.yaml", "--out", out)
    assert result.code == 0, result.err
    rig, known = load_rig(out / "rig.yaml"), load_intrinsics(alone.folder / "intrinsics.yaml")
    for name in "abcd":
        assert rig[name].K.tolist() == known[name].K.tolist()
        assert rig[name].lens.coefficients.tolist() == known[name].lens.coefficients.tolist()
    np.testing.assert_allclose(distances(rig), distances(TRUTH), rtol=5e-3)


def test_new_intrinsics_join_the_poses_of_a_rig(alone, still, tmp_path):
    """Of three cameras, in another order and spelled in upper case."""
    save_rig(Rig({name.upper(): TRUTH[name] for name in "dab"}, "mm", "z"), tmp_path / "poses.yaml")
    words = ("--intrinsics-only", "--cameras", "a,b,d", "--poses", tmp_path / "poses.yaml")
    result = run(*still, *ONE_LENS, *words, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    rig = load_rig(tmp_path / "out" / "rig.yaml")
    known = load_intrinsics(alone.folder / "intrinsics.yaml")
    assert rig.names == ("D", "A", "B") and rig.up == "z"
    for name in rig.names:
        np.testing.assert_allclose(rig[name].center, TRUTH[name.lower()].center)
        np.testing.assert_allclose(rig[name].K, known[name.lower()].K)


def test_poses_of_cameras_without_pictures(still, tmp_path):
    save_rig(TRUTH, tmp_path / "poses.yaml")
    words = ("--intrinsics-only", "--cameras", "a,b", "--poses", tmp_path / "poses.yaml")
    result = run(*still, *words, "--out", tmp_path / "out")
    assert result.code == 2 and not (tmp_path / "out").exists()
    cause = "poses.yaml: has the cameras a, b, c, d, but the pictures are of a, b;"
    assert cause in result.err


# --- real recordings ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def real(shared_data, tmp_path_factory):
    """Calibrate a real recording by name, once."""
    data, done = shared_data, {}
    words = {
        "mouse4": (
            *("--board", "charuco:8x11:24mm:18.75mm:DICT_4X4_1000"),
            *("--images", data / "mouse4" / "{camera}" / "calibration_images" / "*.jpg"),
        ),
        "boards4": (
            *("--board", "charuco:4x5:54mm:40.5mm:DICT_4X4_1000"),
            *("--videos", data / "boards4" / "{camera}.mp4"),
            *("--timestamps", data / "boards4" / "timestamps.csv"),
        ),
        "stereo2": (
            *("--board", "checkerboard:9x6:25mm"),
            *("--images", data / "stereo2" / "{camera}{frame}.jpg"),
        ),
        "human4": (
            *("--board", "checkerboard:4x7:60mm", "--intrinsics-only", "--images"),
            data / "human4" / "calibration" / "intrinsics" / "int_{camera}_img" / "*.jpg",
        ),
    }

    def calibrated(name):
        if name not in done:
            out = tmp_path_factory.mktemp(name) / "out"
            result = run("calibrate", *words[name], "--out", out)
            assert result.code == 0, result.err
            done[name] = out
        return done[name]

    return calibrated


def test_a_stereo_pair_before_a_checkerboard(real):
    said = summary(real("stereo2"))
    assert said["rms_px"] <= 0.15 and said["shots"] == 29
    assert said["board_scale_ratio"]["median"] == pytest.approx(1, abs=2e-3)
    assert set(said["per_camera"]) == {"left", "right"}
    focal = [np.mean(own["focal_px"]) for own in said["per_camera"].values()]
    assert focal[0] == pytest.approx(focal[1], rel=5e-3), "two cameras of one kind"


def test_videos_of_an_inverted_board_one_of_them_mirrored(real):
    """Frames are matched by their times; camera 1 sees the board through a mirror."""
    out = real("boards4")
    said = summary(out)
    assert load_rig(out / "rig.yaml").names == ("cam_0", "cam_1", "cam_2", "cam_3")
    assert said["rms_px"] <= 0.65
    assert said["board_scale_ratio"]["median"] == pytest.approx(1, abs=3e-3)
    assert all(look["inverted"] for look in said["looks"].values())
    mirrored = [name for name, look in said["looks"].items() if look["mirrored"]]
    assert mirrored == ["cam_1"]


def test_its_cameras_stand_where_another_program_has_them(real, shared_data):
    """Caliscope's calibration of these videos, moved and scaled over ours."""
    ours = load_rig(real("boards4") / "rig.yaml")
    theirs = load_rig(shared_data / "boards4" / "camera_array.toml").in_units("mm")
    pairs = {"cam_0": "0", "cam_1": "1", "cam_2": "2", "cam_3": "3"}
    names = [name if name in theirs.names else pairs[name] for name in pairs]
    ratio = distances(ours, pairs) / distances(theirs, names)
    assert np.median(ratio) == pytest.approx(1, abs=0.03)
    assert ratio.min() > 0.93 and ratio.max() < 1.07


def test_stills_of_a_mouse_rig(real):
    said = summary(real("mouse4"))
    assert said["rms_px"] <= 0.30
    assert said["board_scale_ratio"]["median"] == pytest.approx(1, abs=2e-3)
    assert said["board_shape"]["used"], "its board of paper bends"
    assert {own["frames"] for own in said["per_camera"].values()} <= {20, 21}


def test_the_mouse_is_triangulated_with_it(real, shared_data, tmp_path):
    """The calibration that came with the recording gives 25.8 px: two cameras are one."""
    keypoints = "minimal_{camera}_proofread.analysis.h5"
    words = ("--keypoints", shared_data / "mouse4" / "{camera}" / keypoints)
    rig = real("mouse4") / "rig.yaml"
    result = run("triangulate", "--rig", rig, *words, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    assert summary(tmp_path / "out")["linear_px"]["median"] <= 6.5


def test_four_equal_cameras_each_alone(real):
    cameras = load_intrinsics(real("human4") / "intrinsics.yaml")
    focal = [float((camera.K[0, 0] * camera.K[1, 1]) ** 0.5) for camera in cameras.values()]
    assert len(focal) == 4 and np.ptp(focal) / np.mean(focal) <= 5e-3
