import json
import re
from dataclasses import replace

import numpy as np
import pytest
import yaml

from mvboot import Rig, save_rig
from mvboot.formats.exports import EXPORTS
from mvboot.formats.keypoints2d_table import Keypoints2DFile, write_keypoints2d
from mvboot.formats.keypoints3d_table import read_keypoints3d


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def test_a_recording_becomes_files(mvboot, walker, tmp_path):
    out = tmp_path / "out"
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints, "--out", out),
        *("--fps", 30, "--csv"),
        *(word for name in EXPORTS for word in ("--export", name)),
    )
    assert result.code == 0, result.err
    written = {path.name for path in out.iterdir()}
    expected = {f"points3d{form.suffix}" for form in EXPORTS.values()}
    assert written == expected | {"summary.json", "config.yaml"}
    solved = read_keypoints3d(out / "points3d.parquet")
    error = np.linalg.norm(solved.xyz[:, 0] - walker.scene.xyz, axis=-1)
    assert np.nanmedian(error) < 0.004
    facts = summary(out)
    assert facts["accepted"] == solved.accepted.sum() and facts["points"] == solved.accepted.size
    assert set(facts["leave_one_out_px"]["per_camera"]) == set(walker.scene.rig.names)
    assert facts["funnel"]["nose"]["detections"] == walker.detections.present[..., 4].sum()
    assert facts["units"] == "m" and facts["rig_hash"] == walker.scene.rig.fingerprint()
    assert "accepted" in result.out and "nose" in result.out
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert config["fps"] == 30 and config["threshold_px"] == 8


def test_the_written_config_repeats_the_run(mvboot, walker, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    mvboot("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints, "--out", first)
    result = mvboot("triangulate", "--config", first / "config.yaml", f"out={second}")
    assert result.code == 0, result.err
    assert (first / "points3d.parquet").read_bytes() == (second / "points3d.parquet").read_bytes()


def test_settings_by_option_config_and_key(mvboot, walker, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(f"rig: {walker.rig}\nkeypoints: {walker.keypoints}\nthreshold_px: 3\n")
    result = mvboot(
        *("triangulate", "--config", config, "--out", tmp_path / "o", "--min-views", "4"),
        "threshold_px=5",
    )
    assert result.code == 0, result.err
    written = yaml.safe_load((tmp_path / "o" / "config.yaml").read_text())
    assert written["threshold_px"] == 5 and written["min_views"] == 4


def test_dry_run_writes_nothing(mvboot, walker, tmp_path):
    out = tmp_path / "out"
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints, "--out", out),
        *("--dry-run", "--csv"),
    )
    assert result.code == 0 and not out.exists()
    assert "points3d.csv" in result.out and "204 points" in result.out


def test_json_is_the_only_output(mvboot, walker, tmp_path):
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints),
        *("--out", tmp_path / "out", "--json"),
    )
    assert json.loads(result.out) == summary(tmp_path / "out")


def test_a_missed_quality_is_exit_code_1_with_the_result_written(mvboot, walker, tmp_path):
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints),
        *("--out", tmp_path / "out", "--fail-above", "0.01"),
    )
    assert result.code == 1 and "0.01 px" in result.err
    assert (tmp_path / "out" / "points3d.parquet").exists()


@pytest.mark.slow
def test_nothing_accepted_is_exit_code_3_with_nothing_written(mvboot, walker, tmp_path):
    rng = np.random.default_rng(0)
    noise = replace(
        walker.detections,
        xy=np.where(
            walker.detections.present[..., None],
            rng.uniform(0, 900, walker.detections.xy.shape),
            np.nan,
        ),
    )
    write_keypoints2d(noise, tmp_path / "noise.parquet")
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", tmp_path / "noise.parquet"),
        *("--out", tmp_path / "out", "--threshold-px", "0.5"),
    )
    assert result.code == 3 and "too few agreeing views" in result.err
    assert not (tmp_path / "out").exists()


def test_groups_subject_and_camera_choice(mvboot, walker, tmp_path):
    groups = tmp_path / "groups.yaml"
    groups.write_text("tail: [tail_mid, tail_tip]\nhead: [nose, neck]\n")
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints),
        *("--out", tmp_path / "out", "--groups", groups, "--subject", "walker"),
        *("--cameras", "cam_05,cam_01,cam_03"),
    )
    assert result.code == 0, result.err
    solved = read_keypoints3d(tmp_path / "out" / "points3d.parquet")
    assert solved.cameras == ("cam_05", "cam_01", "cam_03")
    tail = [solved.keypoints.index(name) for name in ("tail_mid", "tail_tip")]
    agreeing = solved.inliers[..., tail]
    both = solved.accepted[..., tail].all(-1) & (agreeing.sum(0) == 3).all(-1)
    assert both.any()


def test_cameras_spelled_differently_are_matched_and_announced(mvboot, walker, tmp_path):
    renamed = {name: name.replace("cam_", "CAM") for name in walker.scene.rig.names}
    write_keypoints2d(walker.detections.renamed(renamed), tmp_path / "k.parquet")
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", tmp_path / "k.parquet"),
        *("--out", tmp_path / "out"),
    )
    assert result.code == 0 and "CAM01 is cam_01" in result.out


def test_cameras_are_paired_by_hand(mvboot, walker, tmp_path):
    renamed = dict(zip(walker.scene.rig.names, "abcde", strict=True))
    write_keypoints2d(walker.detections.renamed(renamed), tmp_path / "k.parquet")
    arguments = ["triangulate", "--rig", walker.rig, "--keypoints", tmp_path / "k.parquet"]
    arguments += ["--out", tmp_path / "out"]
    assert mvboot(*arguments).code == 2
    for name, letter in renamed.items():
        arguments += ["--camera-map", f"{letter}={name}"]
    assert mvboot(*arguments).code == 0


def test_two_cameras_and_two_views_come_with_a_warning(mvboot, walker, tmp_path):
    arguments = ("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints, "--out")
    pair = mvboot(*arguments, tmp_path / "pair", "--cameras", "cam_01,cam_02")
    lenient = mvboot(*arguments, tmp_path / "lenient", "--min-views", "2")
    assert pair.code == lenient.code == 0
    assert "two views" in pair.err and "two views" in lenient.err


@pytest.mark.slow
def test_a_faulty_rig_is_named_before_it_is_used(mvboot, walker, tmp_path):
    rig = walker.scene.rig
    broken = Rig({**rig.cameras, "cam_02": rig["cam_01"]}, "m", "z")
    save_rig(broken, tmp_path / "rig.yaml")
    result = mvboot(
        *("triangulate", "--rig", tmp_path / "rig.yaml", "--keypoints", walker.keypoints),
        *("--out", tmp_path / "out"),
    )
    assert "identical-blocks" in result.err and "cam_01" in result.err and "cam_02" in result.err
    assert any("identical-blocks" in line for line in summary(tmp_path / "out")["warnings"])


def mixed_names(detections):
    a, b, c, *_ = detections.cameras
    renamed = detections.renamed({a: b, b: c, c: a})
    return renamed.for_cameras(detections.cameras)


def noise(detections):
    off = np.random.default_rng(0).normal(0, 40, detections.xy.shape)
    return replace(detections, xy=detections.xy + off)


def nearly_all(spoiled, detections):
    """Return what is spoiled, but for two keypoints of the first frame: 1 % of the points."""
    xy, confidence = spoiled.xy.copy(), spoiled.confidence.copy()
    xy[:, 0, :, :2], confidence[:, 0, :, :2] = detections.xy[:, 0, :, :2], 1.0
    confidence[np.isnan(xy[..., 0])] = np.nan
    return replace(spoiled, xy=xy, confidence=confidence)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "cause"),
    [(mixed_names, "swapped-names"), (noise, "noise")],
    ids=["mixed names", "noise"],
)
def test_hardly_anything_accepted_is_exit_code_1_with_the_cause(
    mvboot, walker, tmp_path, spoil, cause
):
    few = nearly_all(spoil(walker.detections), walker.detections)
    write_keypoints2d(few, tmp_path / "k.parquet")
    arguments = ("--keypoints", tmp_path / "k.parquet")
    result = mvboot(
        *("triangulate", "--rig", walker.rig, *arguments, "--out", tmp_path / "out"),
        *("--min-views", 4, "--threshold-px", 4),
    )
    last = result.err.splitlines()[-1]
    assert result.code == 1 and re.match(r"mvboot: only [1-9] of \d+ points that two", last), last
    assert summary(tmp_path / "out")["accepted"] > 0, "what there is can be looked at"
    assert cause in last and "--threshold-px" not in result.err
    checked = mvboot("rig", "check", walker.rig, *arguments)
    assert checked.code == 1 and cause in checked.out and "noise allows" in checked.out


def test_nothing_accepted_is_exit_code_3_with_the_cause(mvboot, walker, tmp_path):
    write_keypoints2d(mixed_names(walker.detections), tmp_path / "k.parquet")
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", tmp_path / "k.parquet"),
        *("--out", tmp_path / "out", "--threshold-px", 4),
    )
    assert result.code == 3 and "swapped-names" in result.err
    assert "--threshold-px" not in result.err and not (tmp_path / "out").exists()


def test_who_is_not_there_is_not_refused(mvboot, walker, tmp_path):
    one = walker.detections
    absent = np.full_like(one.xy, np.nan)
    both = replace(
        one,
        individuals=("there", "absent"),
        xy=np.concatenate([one.xy, absent], 2),
        confidence=np.concatenate([one.confidence, absent[..., 0]], 2),
    )
    write_keypoints2d(both, tmp_path / "both.parquet")
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", tmp_path / "both.parquet"),
        *("--out", tmp_path / "out"),
    )
    assert result.code == 0 and "refused" not in result.err
    facts = summary(tmp_path / "out")
    assert facts["seen"] <= facts["points"] / 2 and facts["accepted"] > 0.8 * facts["seen"]
    refused = sum(sum(part["refused"].values()) for part in facts["funnel"].values())
    assert refused == facts["seen"] - facts["accepted"]


def test_points_of_two_views_are_told_how_to_be_accepted(mvboot, walker, tmp_path):
    keep = np.zeros(walker.detections.shape, bool)
    keep[:2] = True
    write_keypoints2d(walker.detections.where(keep), tmp_path / "k.parquet")
    result = mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", tmp_path / "k.parquet"),
        *("--out", tmp_path / "out"),
    )
    assert result.code == 3 and "--min-views 2" in result.err


@pytest.mark.slow
def test_a_large_table_is_streamed(mvboot, walker, tmp_path, monkeypatch):
    monkeypatch.setattr("mvboot.formats.keypoints2d_table.ROWS_PER_GROUP", 300)
    monkeypatch.setattr("mvboot.stages.recording.CHUNK_POINTS", 40)
    write_keypoints2d(walker.detections, tmp_path / "k.parquet")
    assert Keypoints2DFile.open(tmp_path / "k.parquet") is not None
    arguments = ("triangulate", "--rig", walker.rig, "--out")
    streamed, whole = tmp_path / "streamed", tmp_path / "whole"
    assert mvboot(*arguments, streamed, "--keypoints", tmp_path / "k.parquet").code == 0
    assert mvboot(*arguments, whole, "--keypoints", walker.keypoints).code == 0
    a, b = (read_keypoints3d(folder / "points3d.parquet") for folder in (streamed, whole))
    assert np.array_equal(a.xyz, b.xyz, equal_nan=True)
    assert summary(streamed)["funnel"] == summary(whole)["funnel"]


@pytest.mark.slow
def test_an_earlier_result_is_kept_unless_told_otherwise(mvboot, walker, tmp_path):
    arguments = ("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints)
    arguments += ("--out", tmp_path / "out")
    assert mvboot(*arguments).code == 0
    (tmp_path / "out" / "notes.txt").write_text("mine")
    again = mvboot(*arguments)
    assert again.code == 2 and "--overwrite" in again.err
    assert mvboot(*arguments, "--overwrite").code == 0
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


@pytest.mark.slow
def test_overwriting_leaves_no_export_of_the_earlier_run(mvboot, walker, tmp_path):
    arguments = ("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints)
    arguments += ("--out", tmp_path / "out", "--overwrite")
    assert mvboot(*arguments, "--csv", "--export", "anipose").code == 0
    assert mvboot(*arguments).code == 0
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert left == {"points3d.parquet", "summary.json", "config.yaml"}


def test_a_format_of_one_individual_is_refused_before_the_work(mvboot, walker, tmp_path):
    one = walker.detections
    both = replace(
        one,
        individuals=("a", "b"),
        xy=np.concatenate([one.xy, one.xy], 2),
        confidence=np.concatenate([one.confidence, one.confidence], 2),
    )
    write_keypoints2d(both, tmp_path / "both.parquet")
    arguments = ("triangulate", "--rig", walker.rig, "--keypoints", tmp_path / "both.parquet")
    arguments += ("--export", "anipose", "--out", tmp_path / "out")
    refused = mvboot(*arguments)
    assert refused.code == 2 and "anipose holds one individual, there are a, b" in refused.err
    assert not (tmp_path / "out").exists()
    assert mvboot(*arguments, "--subject", "b").code == 0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fly3(mvboot, shared_data, tmp_path, seed):
    pattern = f"05272019_fly4_0_R1C24_{{camera}}_rot-ccw-0.06_sec.rng={seed}.csv"
    result = mvboot(
        *("triangulate", "--rig", shared_data / "fly3" / "calibration.toml", "--units", "mm"),
        *("--keypoints", shared_data / "fly3" / pattern, "--min-confidence", "0.9"),
        *("--out", tmp_path / "out"),
    )
    assert result.code == 0 and result.err == ""
    facts = summary(tmp_path / "out")
    assert facts["reprojection_px"]["median"] <= 1.45
    assert facts["accepted"] > 0.9 * facts["points"]


def test_mouse6_dannce(mvboot, shared_data, tmp_path):
    file = shared_data / "mouse6_dannce" / "mouse1_label3d_dannce.mat"
    result = mvboot("triangulate", "--rig", file, "--keypoints", file, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    facts = summary(tmp_path / "out")
    assert facts["reprojection_px"]["p90"] < 0.01 and facts["units"] == "mm"
    assert facts["leave_one_out_px"]["median"] < 0.01


@pytest.mark.slow
def test_mouse4_names_its_duplicate_cameras(mvboot, shared_data, tmp_path):
    folder = shared_data / "mouse4"
    result = mvboot(
        *("triangulate", "--rig", folder / "calibration.toml", "--units", "mm"),
        *("--keypoints", folder / "{camera}" / "*.h5", "--out", tmp_path / "out"),
    )
    assert result.code == 0
    assert "identical-blocks: cameras side and top" in result.err
    assert "most points are refused" in result.err


def test_human4_with_its_bystander(mvboot, shared_data, tmp_path):
    arguments = (
        *("triangulate", "--rig", shared_data / "human4" / "calibration" / "Calib.qca.txt"),
        *("--keypoints", shared_data / "human4" / "openpose" / "{camera}"),
        *("--min-confidence", "0.4", "--out", tmp_path / "out"),
    )
    undecided = mvboot(*arguments)
    assert undecided.code == 2 and "--subject largest" in undecided.err
    result = mvboot(*arguments, "--subject", "largest")
    assert result.code == 0, result.err
    facts = summary(tmp_path / "out")
    assert abs(facts["linear_px"]["median"] - 12.3) < 0.15
    assert abs(facts["leave_one_out_px"]["median"] - 23.0) < 0.5
    cameras = facts["leave_one_out_px"]["per_camera"]
    assert set(cameras) == {f"cam_0{i}" for i in (1, 2, 3, 4)}
    assert all(part["measured"] > 0.75 * part["detections"] for part in cameras.values())
