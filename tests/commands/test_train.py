import json
import shutil

import pytest
import torch

from mvboot.networks import NetworkConfig, build_network, load_network, save_network
from mvboot.synthetic.capture import synthesise
from mvboot.synthetic.settings import SynthSettings
from mvboot.template import load_template

QUICK = ("--steps", "2", "size=64", "validate_every=2", "batch=1")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    settings = SynthSettings(cameras=3, frames=4, size=64, samples=1, occluders=0, seed=2)
    return synthesise(settings, tmp_path_factory.mktemp("data") / "capture").folder


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    network = build_network(NetworkConfig.for_template(load_template("body")))
    torch.nn.init.constant_(network.head.read.bias[:1], 2.0)
    path = tmp_path_factory.mktemp("teacher") / "model.safetensors"
    save_network(network, path)
    return path


def test_train_with_labels_then_with_views_of_a_rig(mvboot, data, tmp_path):
    first = tmp_path / "teacher"
    result = mvboot("train", "--data", data, "--method", "supervised", "--out", first, *QUICK)
    assert result.code == 0, result.err
    assert (first / "model.safetensors").is_file()
    assert "method: supervised" in (first / "config.yaml").read_text()
    rig = data / "rig.yaml"
    second = ("--data", data, "--rig", rig, "--teacher", first, "--out", tmp_path / "run")
    result = mvboot("train", *second, *QUICK, "--json")
    assert result.code == 0, result.err
    summary = json.loads(result.out)
    assert summary["method"] == "epipolar"
    assert summary == json.loads((tmp_path / "run" / "summary.json").read_text())
    load_network(tmp_path / "run" / "model.safetensors", load_template("body"))
    assert mvboot("train", *second, *QUICK).code == 2, "the folder is not empty"
    assert mvboot("train", *second, *QUICK, "--resume").code == 0
    again = mvboot("train", "--config", first / "config.yaml", "--dry-run", "--overwrite")
    assert again.code == 0 and "12 labelled pictures" in again.out


def test_labels_of_several_captures(mvboot, data, tmp_path):
    for name in "ab":
        shutil.copytree(data, tmp_path / name)
    given = ("train", "--data", data, "--method", "supervised", *QUICK, "--out", tmp_path / "run")
    labels = ("--labels", tmp_path / "a", "--labels", tmp_path / "b")
    planned = mvboot(*given, *labels, "--label-cameras", "cam_01", "--dry-run")
    assert planned.code == 0 and "8 labelled pictures" in planned.out, planned.err
    result = mvboot(*given, *labels)
    assert result.code == 0, result.err
    stated = (tmp_path / "run" / "config.yaml").read_text()
    assert f"labels: [{tmp_path / 'a'}, {tmp_path / 'b'}]" in stated
    again = mvboot("train", "--config", tmp_path / "run" / "config.yaml", "--dry-run", "--resume")
    assert again.code == 0 and "24 labelled pictures" in again.out, again.err


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((), "--data, --out is missing"),
        (("--data", "{data}", "--out", "{out}", "--method", "magic"), "method"),
        (("--data", "{data}", "--out", "{out}"), "needs a --teacher"),
        (("--data", "{data}", "--out", "{out}", "--teacher", "none"), "no such network"),
        (("--data", "{out}", "--out", "{out}"), "no such capture"),
        (("--data", "{data}", "--out", "{out}", "siez=3"), "siez"),
        (
            ("--data", "{data}", "--out", "{out}", "--method", "bootstrap", "--steps", "2"),
            "3 rounds (bootstrapping.rounds) begin with a validation each",
        ),
        (("--data", "{data}", "--out", "{out}", "--resume"), "no run to --resume"),
        (
            ("--data", "{data}", "--out", "{out}", *("--labels", "{data}") * 2),
            "capture is given twice",
        ),
        (("--data", "{data}", "--out", "{out}", "--labels", "{out}"), "no such capture"),
        (("--data", "{data}", "--out", "{out}", "--rig", "none.yaml"), "none.yaml"),
        (
            ("--data", "{data}", "--out", "{out}", "--teacher", "{teacher}", "stride=4"),
            "at stride 2, the run embedding at stride 4",
        ),
    ],
)
def test_what_cannot_be_trained_ends_in_one_line(mvboot, data, teacher, tmp_path, arguments, words):
    places = {"data": data, "out": tmp_path / "out", "teacher": teacher}
    result = mvboot("train", *(argument.format(**places) for argument in arguments))
    assert result.code == 2
    assert words in result.err and len(result.err.strip().splitlines()) == 1
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_bootstrapping_from_a_teacher_that_knows_nothing(mvboot, data, teacher, tmp_path):
    given = ("--data", data, "--teacher", teacher, "--out", tmp_path / "run", *QUICK)
    given = ("train", *given, "--method", "bootstrap", "bootstrapping.rounds=1")
    planned = mvboot(*given, "--label-cameras", "cam_01", "--dry-run")
    assert planned.code == 0 and "(bootstrap)" in planned.out and not (tmp_path / "run").exists()
    result = mvboot(*given, "--label-cameras", "cam_01")
    assert result.code == 3 and len(result.err.strip().splitlines()) == 1
    assert "round 1: " in result.err and "do not agree" in result.err


def test_two_cameras_are_warned_of(mvboot, teacher, tmp_path):
    settings = SynthSettings(rig="pair", cameras=2, frames=2, size=64, samples=1)
    synthesise(settings, tmp_path / "pair")
    result = mvboot(
        *("train", "--data", tmp_path / "pair", "--teacher", teacher),
        *("--out", tmp_path / "run", *QUICK),
    )
    assert result.code == 0, result.err
    assert "warning" in result.err and "epipolar lines" in result.err
