import json

import pytest

from mvboot import load_keypoints, load_rig


@pytest.mark.slow
def test_the_demo_makes_everything_it_promises(mvboot, tmp_path):
    out = tmp_path / "demo"
    result = mvboot("demo", "--out", out, "--frames", "4", "--cameras", "4", "--steps", "0")
    assert result.code == 0, result.err
    assert "against the truth" in result.out and str(out / "scene.png") in result.out
    assert (out / "scene.png").read_bytes().startswith(b"\x89PNG")
    assert load_rig(out / "capture" / "rig.yaml").names == ("cam_01", "cam_02", "cam_03", "cam_04")
    assert load_keypoints(out / "capture" / "keypoints.parquet").shape == (4, 4, 1, 26)
    assert json.loads((out / "points3d" / "summary.json").read_text())["points"] == 4 * 26
    assert (out / "pictures.png").read_bytes().startswith(b"\x89PNG")
    assert mvboot("demo", "--out", out).code == 2
    few = ("--frames", "2", "--cameras", "3", "--seed", "7", "--steps", "0", "--json")
    again = mvboot("demo", "--out", out, *few, "--overwrite")
    assert again.code == 0
    other = mvboot("demo", "--out", tmp_path / "b", *few)
    assert json.loads(again.out)["truth_mm"] == json.loads(other.out)["truth_mm"], "the same seed"


@pytest.mark.slow
def test_the_demo_trains(mvboot, tmp_path):
    out = tmp_path / "demo"
    result = mvboot("demo", "--out", out, "--json")
    assert result.code == 0, result.err
    found = json.loads(result.out)["training"]
    for error in (found["epipolar_px"], found["error"]):
        assert error["views"] < error["labels"], "all views teach more than the labels of two"
    assert (out / "fields.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "trained" / "model.safetensors").is_file()


def test_a_demo_too_short_to_train_says_so(mvboot, tmp_path):
    result = mvboot("demo", "--out", tmp_path / "d", "--frames", "2", "--cameras", "3")
    assert result.code == 2
    assert "--frames 20" in result.err and not (tmp_path / "d").exists()


def test_inspect_shows_where_a_file_came_from(mvboot, walker, tmp_path):
    mvboot(
        *("triangulate", "--rig", walker.rig, "--keypoints", walker.keypoints),
        *("--out", tmp_path / "out"),
    )
    result = mvboot("inspect", tmp_path / "out" / "points3d.parquet", "--json")
    facts = json.loads(result.out)
    assert facts["units"] == "m" and facts["rows"] == 12 * 17
    assert facts["provenance"]["rig_hash"] == walker.scene.rig.fingerprint()
    assert "rig.yaml" in facts["provenance"]["inputs"]
    assert json.loads(mvboot("inspect", walker.rig, "--json").out)["kind"] == "rig"
    assert mvboot("inspect", tmp_path / "out" / "summary.json").code == 0
    assert "accepted" in mvboot("inspect", tmp_path / "out").out, "a folder shows its summary"
    assert "threshold_px: 8.0" in mvboot("inspect", tmp_path / "out" / "config.yaml").out
    assert mvboot("inspect", tmp_path).code == 2
