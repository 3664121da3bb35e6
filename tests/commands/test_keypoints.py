"""A detector on the command line: trained, used and judged, its files read by others."""

import json

import av
import numpy as np
import pandas as pd
import pytest

from mvboot.formats.detections import load_keypoints

QUICK = ("size=64", "validate_every=25", "learning_rate=3e-3", "averaging=0.8", "batch=6")


@pytest.fixture(scope="module")
def data(film_dots, tmp_path_factory):
    return film_dots(tmp_path_factory.mktemp("dots") / "capture", cameras=3).folder


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    from mvboot import cli

    out = tmp_path_factory.mktemp("run") / "run"
    command = ("train", "--task", "keypoints", "--data", data, "--out", out, "--steps", "50")
    assert cli.run([str(word) for word in (*command, *QUICK)]) == 0
    return out


@pytest.mark.slow
def test_a_run_says_what_it_is(mvboot, data, trained):
    summary = json.loads((trained / "summary.json").read_text())
    assert (summary["task"], summary["method"]) == ("keypoints", "supervised")
    assert summary["validation/label_px"] < 4
    again = mvboot("train", "--config", trained / "config.yaml", "--dry-run", "--overwrite")
    assert again.code == 0 and "would train 50 steps (keypoints, supervised)" in again.out
    assert "48 labelled pictures" in again.out and "not mirrored" not in again.out


@pytest.mark.slow
def test_predicted_keypoints_are_written_for_others_and_measured(mvboot, data, trained, tmp_path):
    given = ("predict", "--model", trained, "--data", data, "--split", "validation")
    names = ("deeplabcut", "sleap", "coco", "csv")
    formats = [word for name in names for word in ("--format", name)]
    out = tmp_path / "out"
    result = mvboot(*given, "--out", out, *formats, "--overlay", "--json")
    assert result.code == 0, result.err
    summary = json.loads(result.out)
    assert summary["pictures"] == 24 and summary["unsure_share"] < 0.5
    own = load_keypoints(out / "keypoints.parquet")
    assert own.covariance is not None and own.frames.tolist() == list(range(16, 24))
    for name in names:
        found = load_keypoints(out / name)
        np.testing.assert_allclose(found.xy[:, -8:], own.xy, err_msg=name)
    with av.open(str(out / "overlay" / "cam1.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 8
    again = mvboot(*given, "--out", out, "--format", "coco", "--overwrite")
    assert again.code == 0 and (out / "coco").is_dir()
    assert not (out / "sleap").exists() and not (out / "overlay").exists(), "of the earlier result"
    measure = ("evaluate", "--data", data, "--keypoints", out / "keypoints.parquet")
    result = mvboot(*measure, "--out", tmp_path / "e")
    assert result.code == 0, result.err
    assert "PCK 0.05" in result.out and "epipolar error of 72 pairs" in result.out
    scores = json.loads((tmp_path / "e" / "summary.json").read_text())
    assert scores["keypoints"]["reference"] == "labels" and scores["keypoints"]["median_px"] < 3
    assert 0.3 < scores["keypoints"]["within_90"] <= 1
    limit = ("--fail-above", "keypoints.median_px=0.001", "--overwrite")
    assert mvboot(*measure, "--out", tmp_path / "e", *limit).code == 1
    again = ("evaluate", "--config", tmp_path / "e" / "config.yaml", "--dry-run", "--overwrite")
    assert "keypoints of 24 pictures" in mvboot(*again).out


@pytest.mark.slow
def test_crops_from_the_points_of_an_earlier_pass(mvboot, data, trained, tmp_path):
    keypoints, rig = data / "keypoints.parquet", data / "rig.yaml"
    solved = ("triangulate", "--rig", rig, "--keypoints", keypoints, "--out", tmp_path / "3d")
    assert mvboot(*solved).code == 0
    given = ("predict", "--model", trained, "--data", data, "--split", "validation")
    for name, table in (("3d", tmp_path / "3d" / "points3d.parquet"), ("2d", keypoints)):
        out = tmp_path / f"from_{name}"
        result = mvboot(*given, "--crops-from", table, "--out", out)
        assert result.code == 0, result.err
    one, other = (
        load_keypoints(tmp_path / f"from_{n}" / "keypoints.parquet") for n in ("3d", "2d")
    )
    assert np.median(np.linalg.norm(one.xy - other.xy, axis=-1)) < 1
    rows = [(c, f, 40, 30, 44, 34) for c in ("cam0", "cam1", "cam2") for f in range(24)]
    columns = ["camera", "frame", "left", "top", "right", "bottom"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "boxes.csv", index=False)
    result = mvboot(*given, "--crops-from", tmp_path / "boxes.csv", "--out", tmp_path / "b")
    assert result.code == 0, result.err
    found = load_keypoints(tmp_path / "b" / "keypoints.parquet")
    assert (np.abs(found.xy - [42, 32]) < 4).all(), "nothing lies outside its crop"


@pytest.mark.slow
def test_crops_and_keypoints_of_other_cameras_are_refused(mvboot, data, trained, tmp_path):
    boxes = "camera,frame,left,top,right,bottom\n"
    (tmp_path / "left.csv").write_text(boxes + "left,3,1,1,9,9\n")
    (tmp_path / "late.csv").write_text(boxes + "cam0,300,1,1,9,9\n")
    given = ("predict", "--model", trained, "--data", data, "--out", tmp_path / "p")
    for name, said in (("left", "boxes of camera left, but the rig's"), ("late", "of no picture")):
        result = mvboot(*given, "--crops-from", tmp_path / f"{name}.csv")
        assert result.code == 2 and said in result.err and len(result.err.splitlines()) == 1
    table = pd.read_parquet(data / "keypoints.parquet")
    table[table.camera != "cam2"].to_csv(tmp_path / "two.csv", index=False)
    measure = ("evaluate", "--data", data, "--keypoints", tmp_path / "two.csv", "--out")
    result = mvboot(*measure, tmp_path / "e", "--cameras", "cam0,cam2")
    assert result.code == 2 and "of the cameras cam0, cam1, not of cam2" in result.err


@pytest.mark.slow
def test_a_limit_that_is_switched_off_stays_off(mvboot, data, tmp_path):
    run = ("train", "--task", "keypoints", "--data", data, "--out", tmp_path / "run", *QUICK)
    run += ("--method", "epipolar")
    off = ("--steps", "1", "matching.limit=null")
    assert mvboot(*run, *off).code == 0
    again = mvboot(*run, *off, "--resume", "--dry-run")
    assert again.code == 0, again.err
    other = mvboot(*run, "--steps", "1", "--resume", "--dry-run")
    assert other.code == 2 and "matching.limit=8.0, it began with none" in other.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--task", "sparse"), "unknown task 'sparse'; known are dense, keypoints"),
        (("train", "--task", "keypoints", "method=bootstrap"), "method: Input should be"),
        (("train", "--task", "keypoints", "sigma=1"), "sigma"),
        (("train", "--task", "keypoints", "--teacher", "none.safetensors"), "no such network"),
        (("train", "--task", "keypoints", "matching.sigma_end=1"), "matching.sigma_end"),
        (("train", "--task", "keypoints", "matching.transfer=false"), "matching.transfer"),
        (("train", "--task", "keypoints", "matching.weight=0.2"), "supervised matches no views"),
        (("train", "--task", "keypoints", "agreement=0.1"), "supervised compares no views"),
        (("train", "--task", "keypoints", "label_frames=[0,99]"), "frame 99 has no label in cam0"),
        (
            ("train", "--task", "keypoints", "--crops-from", "b.csv", "crops=picture"),
            "does not go with --crops-from",
        ),
        (("predict", "--format", "dlc"), "--format dlc is none of deeplabcut"),
        (("predict", "--crops-from", "none.csv"), "none.csv: no such file"),
        (("predict", "--individual", "dog", "--dry-run"), "no individual 'dog'; there are"),
        (("evaluate", "--keypoints", "none.parquet"), "no such file"),
        (("evaluate", "--fail-above", "surface.mean_cm=1"), "there are keypoints.mean_px"),
        (("evaluate", "--subject", "dog"), "no individual 'dog'; there are"),
        (("evaluate", "--cameras", "top"), "no camera top"),
    ],
)
def test_what_cannot_be_done_ends_in_one_line(mvboot, data, trained, tmp_path, arguments, message):
    command, *given = arguments
    usual = ["--data", data, "--out", tmp_path / "out"]
    if command == "predict":
        usual += ["--model", trained]
    if command == "evaluate" and "--keypoints" not in given:
        usual += ["--keypoints", data / "keypoints.parquet"]
    result = mvboot(command, *usual, *given)
    assert result.code == 2 and message in result.err and len(result.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
