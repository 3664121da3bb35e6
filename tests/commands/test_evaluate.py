"""``mvboot evaluate`` as a user types it, on a tiny synthetic capture."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mvboot.fields import DenseField, read_field, write_field
from mvboot.stages.evaluate_fields import EvaluateConfig, FieldsInputs
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.template import load_template

FEW = ("points=40", "lifted_points=100")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A person before four cameras, one frame."""
    settings = SynthSettings(
        cameras=4, frames=1, size=96, samples=1, fields="embedding", held_out_cameras=("cam_04",)
    )
    return synthesise(settings, tmp_path_factory.mktemp("evaluate") / "tiny").folder


@pytest.fixture
def fields(data, tmp_path):
    """A copy of the true fields, to be spoiled."""
    shutil.copytree(data / "fields", tmp_path / "predicted" / "fields")
    return tmp_path / "predicted"


def spoiled(folder, change):
    for path in sorted((folder / "fields").rglob("*.npz")):
        write_field(change(read_field(path)), path)


def shifted(field):
    return DenseField.of_embedding(
        field.coordinates + np.float32(0.03), field.topology, field.camera, field.frame
    )


def written(tmp_path):
    return {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}


def test_the_truth_is_perfect(mvboot, data, tmp_path):
    out = tmp_path / "out"
    result = mvboot(
        *("evaluate", "--data", data, "--fields", data, "--against", data, "--out", out, *FEW),
        *("--fail-above", "surface.mean_cm=0.1", "--fail-above", "epipolar.mean_px=1"),
    )
    assert result.code == 0, result.err
    for text in ("against the truth", "GPS 1, GPSm 1, AP 1", "epipolar error", "wrist_left",
                 "lifted points", "drift from the other fields", str(out)):  # fmt: skip
        assert text in result.out
    summary = json.loads((out / "summary.json").read_text())
    assert summary["surface"]["mean_cm"] == pytest.approx(0, abs=0.05)
    assert summary["surface"]["auc_10"] == pytest.approx(1, abs=0.01)
    assert summary["epipolar"]["mean_px"] < 1
    assert summary["lifted"]["mean_mm"] < 30
    assert summary["drift"]["mean_cm"] == pytest.approx(0, abs=0.05)
    assert summary["not_measured"] == {}
    assert summary["held_out_cameras"] == ["cam_04"]
    assert set(summary["inputs"]) == {"fields", "against"}
    assert "points: 40" in (out / "config.yaml").read_text()
    assert mvboot("inspect", out).code == 0


@pytest.mark.slow
def test_the_summary_as_json_and_again_from_its_config(mvboot, data, fields, tmp_path):
    spoiled(fields, shifted)
    arguments = ("evaluate", "--data", data, "--fields", fields, "--cameras", "cam_02,cam_03")
    first = mvboot(*arguments, "--out", tmp_path / "out", "--json", *FEW)
    assert first.code == 0, first.err
    summary = json.loads(first.out)
    assert summary["cameras"] == ["cam_02", "cam_03"]
    assert summary["surface"]["mean_cm"] > 1
    assert "--against" in summary["not_measured"]["drift"]
    assert mvboot(*arguments, "--out", tmp_path / "out").code == 2
    config = tmp_path / "out" / "config.yaml"
    again = mvboot("evaluate", "--config", config, "--overwrite", "--json")
    assert json.loads(again.out) == summary


@pytest.mark.slow
def test_a_missed_limit_ends_with_1_after_writing(mvboot, data, fields, tmp_path):
    spoiled(fields, shifted)
    arguments = ("evaluate", "--data", data, "--fields", fields, *FEW)
    missed = mvboot(*arguments, "--out", tmp_path / "a", "--fail-above", "surface.median_cm=0.5")
    assert missed.code == 1
    assert "surface.median_cm is" in missed.err
    assert (tmp_path / "a" / "summary.json").is_file()
    nothing = mvboot(*arguments, "--out", tmp_path / "b", "--fail-above", "drift.mean_cm=5")
    assert nothing.code == 1
    assert "drift.mean_cm has no value: no other fields" in nothing.err


def test_a_dry_run_reads_and_writes_nothing_more(mvboot, data, fields, tmp_path):
    before = written(tmp_path)
    result = mvboot(
        *("evaluate", "--data", data, "--fields", fields, "--out", tmp_path / "out", "--dry-run")
    )
    assert result.code == 0, result.err
    assert "would measure 4 fields of 4 cameras, 1 frames (all)" in result.out
    assert written(tmp_path) == before


@pytest.mark.slow
def test_pictures_without_fields_are_told(mvboot, tmp_path):
    settings = SynthSettings(cameras=2, frames=2, size=32, samples=1)
    data = synthesise(settings, tmp_path / "two").folder
    (data / "fields" / "cam_01" / "000001.npz").unlink()
    result = mvboot(
        *("evaluate", "--data", data, "--fields", data, "--out", tmp_path / "out", "--json", *FEW)
    )
    assert result.code == 0, result.err
    assert "warning: 1 pictures of the capture have no field" in result.err
    summary = json.loads(result.out)
    assert (summary["pictures"], summary["pictures_without_fields"]) == (3, 1)


@pytest.mark.slow
def test_labels_are_compared_with_where_there_is_no_truth(mvboot, data, tmp_path):
    real = tmp_path / "real"
    shutil.copytree(data, real, ignore=shutil.ignore_patterns("truth"))
    arguments = ("evaluate", "--data", real, "--fields", data, "--split", "train", *FEW)
    result = mvboot(*arguments, "--out", tmp_path / "out", "--json")
    assert result.code == 0, result.err
    summary = json.loads(result.out)
    assert summary["surface"]["reference"] == "labels"
    assert summary["landmarks"]["reference"] == "keypoints"
    assert summary["not_measured"]["lifted"] == "the capture has no true poses"


@pytest.mark.slow
def test_kappa_is_a_length_or_one_for_each_part(data):
    given = {"data": data, "fields": data, "out": "out"}
    parts = EvaluateConfig(**given, kappa="parts")
    assert FieldsInputs(parts).settings.kappa.cm.shape == (25,)
    wide = EvaluateConfig(**given, kappa="0.4")
    assert FieldsInputs(wide).settings.kappa.name == "0.4 m"


CASES = {
    "no data": ((), None, 2, "--data is missing"),
    "no such capture": (("--data", "nowhere"), None, 2, "no such capture folder"),
    "no such fields": (("--fields", "nowhere"), None, 2, "no such folder of fields"),
    "unknown camera": (("--cameras", "cam_77"), None, 2, "no camera cam_77 in the capture"),
    "no validation": (("--split", "validation"), None, 2, "no frame of the capture is for"),
    "unknown split": (("--split", "test"), None, 2, "split"),
    "unknown score": (("--fail-above", "surface.gps=1"), None, 2, "there are surface.mean_cm"),
    "limit that is no number": (("--fail-above", "drift.mean_cm=x"), None, 2, "positive number"),
    "another template": (("--template", "quadruped"), None, 2, "was made with the template"),
    "kappa that is none": (("--kappa", "wide"), None, 2, "kappa"),
    "kappa of zero": (("--kappa", "0"), None, 2, "kappa must be a positive length"),
    "unknown landmark": (("--landmark", "nose=beak"), None, 2, "no landmark beak"),
    "unknown keypoint": (("--landmark", "beak=nose"), None, 2, "no keypoint 'beak'"),
    "missing camera": ((), "camera", 2, "no fields of camera cam_03, only of cam_01"),
    "alien camera": ((), "alien", 2, "fields of camera left, but the capture's cameras"),
    "wrong topology": ((), "topology", 2, "was made with the template 0123"),
    "cut off": ((), "cut", 2, "cannot be read as a field"),
    "empty": ((), "empty", 2, "holds no fields"),
}


def spoil(fields, how):
    own = fields / "fields" / "cam_03"
    path = own / "000000.npz"
    if how == "camera":
        shutil.rmtree(own)
    elif how == "alien":
        own.rename(fields / "fields" / "left")
    elif how == "topology":
        write_field(replace(read_field(path), topology="0123456789abcdef"), path)
    elif how == "cut":
        path.write_bytes(path.read_bytes()[:200])
    elif how == "empty":
        shutil.rmtree(fields / "fields")
        (fields / "fields").mkdir()


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_bad_input_ends_in_one_line(name, mvboot, data, fields, tmp_path):
    more, how, code, expected = CASES[name]
    spoil(fields, how)
    given = {"--data": data, "--fields": fields, "--out": tmp_path / "out"}
    if name == "no data":
        del given["--data"]
    given |= dict(zip(more[::2], more[1::2], strict=True))
    before = written(tmp_path)
    result = mvboot("evaluate", *(word for pair in given.items() for word in pair), *FEW)
    assert result.code == code, result.err
    lines = [line for line in result.err.splitlines() if not line.startswith("warning: ")]
    assert len(lines) == 1, result.err
    assert expected in lines[0]
    assert written(tmp_path) == before


def test_nothing_that_can_be_measured_ends_with_3(mvboot, data, fields, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(data, bare, ignore=shutil.ignore_patterns("truth", "fields", "keypoints*"))
    arguments = ("evaluate", "--data", bare, "--fields", fields, "--out", tmp_path / "out", *FEW)
    result = mvboot(*arguments, "--cameras", "cam_01")
    assert result.code == 3, result.err
    assert "nothing could be measured. surface: the capture has no true" in result.err
    assert not (tmp_path / "out").exists()
    (bare / "template.npz").unlink()
    assert mvboot(*arguments).code == 2
    named = mvboot(*arguments, "--template", "body")
    assert named.code == 0, named.err
    assert load_template("body").topology in (tmp_path / "out" / "summary.json").read_text()
