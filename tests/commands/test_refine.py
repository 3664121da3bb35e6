"""``mvboot rig refine``: what is written, said and refused."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from mvboot import load_rig, save_rig
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.geometry import Pose
from mvboot.synthetic import articulated_scene

WRITTEN = {"rig.yaml", "summary.json", "config.yaml"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the true rig, one that was knocked, and detections."""
    folder = tmp_path_factory.mktemp("refine")
    scene, rng = articulated_scene(cameras=4, frames=16, seed=3), np.random.default_rng(0)
    detections = scene.detections(rng)
    cameras = {}
    for name, camera in scene.rig.cameras.items():
        turn = Pose.from_rotation(Rotation.random(rng=rng).as_rotvec() / 100, np.zeros(3))
        cameras[name] = camera.with_pose(turn @ camera.cam_from_world)
    knocked = replace(scene.rig, cameras=cameras)
    save_rig(scene.rig, folder / "true.yaml")
    save_rig(knocked, folder / "rig.yaml")
    write_keypoints2d(detections, folder / "keypoints.parquet")
    return SimpleNamespace(
        folder=folder,
        knocked=knocked,
        true=folder / "true.yaml",
        rig=folder / "rig.yaml",
        keypoints=folder / "keypoints.parquet",
        detections=detections,
    )


@pytest.fixture
def refine(mvboot, place, tmp_path):
    """Run ``mvboot rig refine`` on the place into ``out``."""

    def run(*more, rig=None, keypoints=None):
        files = (rig or place.rig, "--keypoints", keypoints or place.keypoints)
        result = mvboot("rig", "refine", *files, "--out", tmp_path / "out", *more)
        result.folder = tmp_path / "out"
        return result

    return run


def test_a_better_rig_becomes_a_folder(refine, place):
    result = refine()
    assert result.code == 0, result.err
    assert {path.name for path in result.folder.iterdir()} == WRITTEN
    rig, said = load_rig(result.folder / "rig.yaml"), summary(result)
    old = load_rig(place.rig)
    assert rig.names == old.names and rig.units == "m" and rig.up == "z"
    errors = said["leave_one_out_px"]
    assert errors["after"]["median"] < 3 < 5 < errors["before"]["median"]
    assert errors["held_out_frames"] == [12, 15]
    assert rig.provenance["refined"]["rig_hash"] == said["rig_hash"] == old.fingerprint()
    assert rig.provenance["refined"]["leave_one_out_px"] == errors
    assert rig.provenance["source"] == "synthetic ring"
    assert set(said["change"]) == set(said["deviation"]) == set(rig.names)
    assert said["deviation"]["cam_02"]["rotation_deg"] > 0
    assert 0.5 < said["rms_px"] < 1 and said["units"] == "m" and said["movement_px"] > 50
    assert len(said["thresholds_px"]) == 4 and "rig.yaml" in said["inputs"]


def summary(result):
    return json.loads((result.folder / "summary.json").read_text())


def test_what_people_read(refine):
    lines = refine().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("camera "))
    table = [line.split() for line in lines[start : start + 5]]
    assert [row[0] for row in table[1:]] == ["cam_01", "cam_02", "cam_03", "cam_04"]
    assert "+-" not in table[1], "the others are measured against the first camera"
    assert table[2].count("+-") == 2 and table[2][-1] == "1.0000"
    assert float(table[2][2]) < float(table[2][1])
    assert "held-out frames 12 to 15" in lines[start + 6]
    assert lines[-1].startswith("wrote ") and "rig.yaml, summary.json, config.yaml" in lines[-1]


def test_json_is_the_only_output(refine):
    result = refine("--json")
    assert json.loads(result.out) == summary(result)


@pytest.mark.slow
def test_the_written_config_repeats_the_run(refine, mvboot, tmp_path):
    first = refine("--hold", "cam_03=pose", "--free", "focal", "--held-out", "0.3", "--seed", "5")
    assert first.code == 0, first.err
    config = first.folder / "config.yaml"
    written = yaml.safe_load(config.read_text())
    assert written["hold"] == {"cam_03": ["pose"]} and written["free"] == {"all": ["focal"]}
    again = mvboot("rig", "refine", "--config", config, f"out={tmp_path / 'again'}")
    assert again.code == 0, again.err
    pair = (first.folder / "rig.yaml", tmp_path / "again" / "rig.yaml")
    assert pair[0].read_bytes() == pair[1].read_bytes()
    override = refine("--config", config, "--overwrite", "seed=6", "--held-out", "0.5")
    assert override.code == 0, override.err
    written = yaml.safe_load(config.read_text())
    assert written["seed"] == 6 and written["held_out"] == 0.5


def test_held_and_free(refine, place):
    result = refine("--hold", "cam_02=pose", "--free", "cam_03=focal,principal_point")
    assert result.code == 0, result.err
    rig, old = load_rig(result.folder / "rig.yaml"), place.knocked
    pose, before = (r["cam_02"].cam_from_world for r in (rig, old))
    assert np.abs((pose.R - before.R).numpy()).max() < 1e-12  # a file holds rotation vectors
    assert np.abs((pose.t - before.t).numpy()).max() < 1e-12
    for name in rig.names:
        same = bool((rig[name].K == old[name].K).all())
        assert same == (name != "cam_03")
    said = summary(result)
    assert said["deviation"]["cam_02"]["rotation_deg"] == 0
    assert set(said["deviation"]["cam_03"]["parameters"]) >= {"fx", "fy", "cx", "cy"}


def test_a_good_rig_is_exit_code_3_with_nothing_written(refine, place):
    result = refine(rig=place.true)
    assert result.code == 3 and not result.folder.exists()
    assert "refused, the old rig stays" in result.err and "nothing to add" in result.err
    assert result.err.count("\n") == 1
    assert "cam_02" in result.out, "the evidence is shown all the same"
    assert not list(result.folder.parent.iterdir())


def test_a_refusal_by_the_largest_turn(refine):
    result = refine("--max-turn", "0.01")
    assert result.code == 3 and "more than the 0.01 of --max-turn" in result.err
    assert not result.folder.exists()


@pytest.mark.slow
def test_mixed_up_cameras(refine):
    result = refine(
        *("--camera-map", "cam_01=cam_02", "--camera-map", "cam_02=cam_01"),
        *("--camera-map", "cam_03=cam_03", "--camera-map", "cam_04=cam_04"),
    )
    assert result.code == 3 and "cameras are mixed up" in result.err


@pytest.mark.slow
def test_an_earlier_result_is_replaced_only_on_demand(refine):
    assert refine().code == 0
    again = refine("--seed", "1")
    assert again.code == 2 and "--overwrite" in again.err
    assert refine("--seed", "1", "--overwrite").code == 0


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nonsense"], "'nonsense' is not of the form KEY=VALUE"),
        (["held=0.2"], "held: unknown key; did you mean 'hold'?"),
        (["held_out=1.5"], "held_out: Input should be less than 1"),
        (["seed=-1"], "seed: Input should be greater than or equal to 0"),
        (["--max-turn", "0"], "max_turn_deg: Input should be greater than 0"),
        (["--min-confidence", "2"], "min_confidence: Input should be less than or equal to 1"),
        (["--free", "zoom"], "unknown group zoom; use focal, principal_point, distortion, pose"),
        (["--free", "left=focal"], "there is no camera left; there are cam_01, cam_02"),
        (["--free", "focal", "--hold", "cam_02=focal"], "cam_02: focal is both free and held"),
        (["--hold", "pose"], "everything is held; leave something free"),
        (["--hold", "cam_01=pose,,"], "must list different names"),
        (["--subject", "cat"], "there is no individual 'cat'; there are walker, or largest"),
        (["--camera-map", "cam_01"], "is not of the form KEYPOINTS=RIG"),
        (["--camera-map", "cam_09=cam_01"], "cam_09"),
    ],
)
def test_bad_settings_are_one_line(refine, words, line):
    result = refine(*words)
    assert result.code == 2 and line in result.err, result.err
    assert "Traceback" not in result.err and not result.folder.exists()


def test_what_is_missing_is_named(mvboot, place):
    result = mvboot("rig", "refine", "--keypoints", place.keypoints)
    assert result.code == 2 and "RIG, --out is missing" in result.err


def test_some_of_the_cameras(refine):
    result = refine("--cameras", "cam_04,cam_01,cam_02")
    assert result.code == 0, result.err
    assert load_rig(result.folder / "rig.yaml").names == ("cam_04", "cam_01", "cam_02")


def test_names_that_differ_in_spelling_are_paired_and_said(refine, place, tmp_path):
    names = {name: name.replace("_", "").upper() for name in place.knocked.names}
    write_keypoints2d(place.detections.renamed(names), tmp_path / "other.parquet")
    result = refine(keypoints=tmp_path / "other.parquet")
    assert result.code == 0 and "cameras paired: CAM01 is cam_01, CAM02 is" in result.out


def test_a_rig_of_two_cameras(refine):
    result = refine("--cameras", "cam_03,cam_01")
    assert result.code == 2 and "three cameras or more, the rig has 2" in result.err


def test_too_few_frames(refine, place, tmp_path):
    write_keypoints2d(place.detections.slice_frames(slice(0, 5)), tmp_path / "few.parquet")
    result = refine(keypoints=tmp_path / "few.parquet")
    assert result.code == 2 and "in 5 frames a keypoint is seen by three cameras" in result.err


def test_other_names_are_no_guess(refine, place, tmp_path):
    names = {name: f"view{i}" for i, name in enumerate(place.knocked.names)}
    write_keypoints2d(place.detections.renamed(names), tmp_path / "other.parquet")
    result = refine(keypoints=tmp_path / "other.parquet")
    assert result.code == 2 and "view0" in result.err and "cam_01" in result.err


def test_several_people_nobody_told_apart(mvboot, tmp_path, shared_data):
    folder = shared_data / "human4"
    result = mvboot(
        *("rig", "refine", folder / "calibration" / "Calib.qca.txt", "--out", tmp_path / "out"),
        *("--keypoints", folder / "openpose" / "{camera}" / "*.json"),
    )
    assert result.code == 2 and "choose with --subject largest" in result.err
