"""``mvboot calibrate`` from pictures to a rig, and what it says of broken recordings."""

import json

import numpy as np
import pytest
import recordings

from mvboot import load_rig
from mvboot.cli import run
from mvboot.formats.intrinsics_yaml import load_intrinsics

CAUSES = {
    "no_overlap": ("no picture links", "a, b | c, d"),
    "blurred": ("camera c", "out of focus"),
    "wrong_square_size": ("a and d", "measured at 788.1 mm", "0.75 times"),
    "wrong_dictionary": ("DICT_5X5", "not of DICT_6X6_250"),
    "mirrored": ("camera c", "mirrored"),
    "frozen": ("camera b", "does not move"),
    "desynchronised": ("camera c", "3 frames too late"),
    "rotated": ("camera d", "turned by 90 degrees"),
    "parallel": ("focal length", "not determined"),
    "swapped": ("cameras b and c", "exchanged"),
    "empty_folder": ("camera d", "no file"),
    "nothing_matches": ("nothing matches",),
    "mixed_resolutions": ("camera b", "320 x 240", "640 x 480"),
}


def calibrate(*words):
    return run(["calibrate", *map(str, words)])


def test_every_broken_recording_has_its_cause():
    assert set(CAUSES) == set(recordings.BROKEN)


@pytest.mark.parametrize("name", sorted(CAUSES))
def test_a_broken_recording_is_refused_in_plain_words(name, tmp_path, capsys):
    broken = recordings.BROKEN[name](tmp_path / "recording")
    words = ["--distance", "a:d=788.1mm"] if name == "wrong_square_size" else []
    out = tmp_path / "out"
    code = calibrate("--board", broken.board, "--images", broken.pattern, "--out", out, *words)
    said = capsys.readouterr().err
    assert code in (2, 3)
    error = next(line for line in said.splitlines() if line.startswith("mvboot: "))
    for cause in CAUSES[name]:
        assert cause in said, said
    assert "Traceback" not in said
    assert error
    assert not out.exists()


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    recording = recordings.sound(folder / "recording")
    words = ["--board", recording.board.spec, "--images", recording.pattern]
    assert calibrate(*words, "--out", folder / "out", "--lens", "brown2,brown5") == 0
    return recording, folder / "out"


def test_a_sound_recording_gives_the_true_rig(calibrated):
    recording, out = calibrated
    rig, truth = load_rig(out / "rig.yaml"), recording.rig.in_units("mm")
    for name in truth.names:
        assert float(rig[name].K[0, 0]) == pytest.approx(float(truth[name].K[0, 0]), rel=2e-3)
        for other in truth.names:
            apart = float((rig[name].center - rig[other].center).norm())
            true = float((truth[name].center - truth[other].center).norm())
            assert apart == pytest.approx(true, rel=1e-3)


def test_the_summary_holds_what_the_contract_names(calibrated):
    summary = json.loads((calibrated[1] / "summary.json").read_text())
    assert summary["rms_px"] < 0.1
    assert summary["rms_length_px"] == pytest.approx(summary["rms_px"] * np.sqrt(2))
    assert summary["board_scale_ratio"]["median"] == pytest.approx(1, abs=2e-3)
    assert {"rms_px", "frames"} <= set(summary["per_camera"]["a"])
    assert isinstance(summary["warnings"], list)
    assert (calibrated[1] / "coverage.png").stat().st_size > 10_000


def test_a_config_repeats_the_run_and_known_intrinsics_stay(calibrated, tmp_path, capsys):
    recording, out = calibrated
    again = tmp_path / "again"
    words = ["--config", out / "config.yaml", f"out={again}", "--intrinsics", out / "rig.yaml"]
    assert calibrate(*words, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rms_px"] < 0.1
    first, second = load_rig(out / "rig.yaml"), load_rig(again / "rig.yaml")
    assert all(np.array_equal(first[n].K, second[n].K) for n in recording.rig.names)


def test_cameras_alone_and_the_world_of_a_board(calibrated, tmp_path):
    recording, _ = calibrated
    words = ["--board", recording.board.spec, "--images", recording.pattern, "--lens", "brown2"]
    assert calibrate(*words, "--intrinsics-only", "--out", tmp_path / "alone") == 0
    alone = load_intrinsics(tmp_path / "alone" / "intrinsics.yaml")
    assert list(alone) == list(recording.rig.names)
    known = ["--intrinsics", tmp_path / "alone" / "intrinsics.yaml"]
    assert calibrate(*words[:4], *known, "--world", "board:3", "--out", tmp_path / "world") == 0
    rig = load_rig(tmp_path / "world" / "rig.yaml")
    assert rig.up == "z"
    assert all(float(rig[name].center[2]) > 0 for name in rig.names)


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ([], "--board"),
        (["--board", "nonsense"], "no board 'nonsense'"),
        (["--videos", "{camera}.mp4"], "either --images or --videos"),
        (["--cameras", "a,z"], "there is no camera z"),
        (["--lens", "z=brown5"], "there is no camera z"),
        (["--lens", "round"], "unknown lens round"),
        (["--hold", "colour"], "cannot hold colour"),
        (["--distance", "a:b=near"], "not of the form"),
        (["--distance", "a:z=1m"], "there is no camera z"),
        (["--board", "checkerboard:7x5:30mm"], "looks the same upside down"),
        (["--world", "floor"], "neither board:NUMBER nor camera:NAME"),
        (["--timestamps", "t.csv"], "--timestamps belongs to --videos"),
        (["--poses", "rig.yaml"], "--poses belongs to --intrinsics-only"),
        (["max_shots=1"], "max_shots"),
    ],
)
def test_wrong_words_end_in_one_line(words, cause, calibrated, tmp_path, capsys):
    recording, _ = calibrated
    given = ["--images", recording.pattern, "--out", tmp_path / "out"]
    if words and "--board" not in words:
        given += ["--board", recording.board.spec]
    assert calibrate(*given, *words) == 2
    said = capsys.readouterr().err.strip()
    assert cause in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_a_dry_run_writes_nothing_and_results_are_kept(calibrated, tmp_path, capsys):
    recording, out = calibrated
    words = ["--board", recording.board.spec, "--images", recording.pattern]
    assert calibrate(*words, "--out", tmp_path / "new", "--dry-run") == 0
    assert "24" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()
    assert calibrate(*words, "--out", out) == 2
    assert "not empty" in capsys.readouterr().err


MOUSE4 = "charuco:8x11:24mm:18.75mm:DICT_4X4_1000"


def test_mouse4_stills(shared_data, tmp_path):
    folder = shared_data / "mouse4"
    images = folder / "{camera}" / "calibration_images" / "*.jpg"
    lens = ["--lens", "brown5"]  # choosing among all takes longer and is tested elsewhere
    out = tmp_path / "out"
    assert calibrate("--board", MOUSE4, "--images", images, "--out", out, *lens) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rms_px"] <= 0.30
    assert summary["board_scale_ratio"]["median"] == pytest.approx(1, abs=2e-3)
    assert summary["board_shape"]["used"]
    keypoints = folder / "{camera}" / "minimal_{camera}_proofread.analysis.h5"
    words = ["--rig", out / "rig.yaml", "--keypoints", keypoints, "--out", tmp_path / "points"]
    assert run(["triangulate", *map(str, words)]) == 0
    points = json.loads((tmp_path / "points" / "summary.json").read_text())
    assert points["linear_px"]["median"] <= 6.5


def test_boards4_inverted_and_mirrored(shared_data, tmp_path):
    folder = shared_data / "boards4"
    words = ["--board", "charuco:4x5:54mm:40.5mm:DICT_4X4_1000", "--lens", "brown2"]
    words += ["--videos", folder / "cam_{camera}.mp4", "--timestamps", folder / "timestamps.csv"]
    assert calibrate(*words, "--out", tmp_path / "out") == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert set(summary["per_camera"]) == {"0", "1", "2", "3"}
    assert summary["rms_px"] <= 0.65
    assert summary["board_scale_ratio"]["median"] == pytest.approx(1, abs=3e-3)
    assert all(look["inverted"] for look in summary["looks"].values())
    assert [n for n, look in summary["looks"].items() if look["mirrored"]] == ["1"]


def test_stereo2_pairs(shared_data, tmp_path):
    images = shared_data / "stereo2" / "{camera}{frame}.jpg"
    words = ["--board", "checkerboard:9x6:25mm", "--images", images, "--lens", "brown2"]
    assert calibrate(*words, "--out", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["rms_px"] <= 0.15
