import json
import shutil
import signal

import pytest
import torch
from lightning.pytorch.callbacks import Callback

from mvboot.errors import heed_signals
from mvboot.networks import NetworkConfig, build_network, load_network, save_network
from mvboot.stages.train import worsened
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.template import load_template

SUPERVISED = ("--data", "{data}", "--out", "{out}", "--method", "supervised")
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


@pytest.mark.slow
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
    logs = [path.name for path in (tmp_path / "run" / "logs").glob("metrics*")]
    assert "metrics.1.csv" in logs, "what was logged before stays"
    again = mvboot("train", "--config", first / "config.yaml", "--dry-run", "--overwrite")
    assert again.code == 0 and "12 labelled pictures" in again.out


@pytest.mark.slow
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
    again = ("train", "--config", tmp_path / "run" / "config.yaml", "--dry-run", "--resume")
    same = mvboot(*again, "workers=1")
    assert same.code == 0 and "24 labelled pictures" in same.out, same.err
    for change, words in (
        (("--labels", tmp_path / "a"), f"labels=[{tmp_path / 'a'}], it began with ["),
        (("--teacher", tmp_path / "run"), "it began with none"),
        (("learning_rate=0.1",), "learning_rate=0.1, it began with 0.001"),
        (("matching.views=2",), "matching.views=2, it began with 5"),
        (("--overwrite",), "choose one"),
    ):
        refused = mvboot(*again, *change)
        assert refused.code == 2 and words in refused.err, refused.err
        assert len(refused.err.strip().splitlines()) == 1
    checkpoint = tmp_path / "run" / "last.ckpt"
    whole = checkpoint.read_bytes()
    for damaged in (whole[:1000], b"nothing", whole[:5000] + b"????" + whole[5004:]):
        checkpoint.write_bytes(damaged)
        refused = mvboot(*again)
        assert refused.code == 2 and "damaged or cut off" in refused.err


OLD = ("last.ckpt", "model.safetensors", "summary.json", "config.yaml", "notes.txt")


@pytest.fixture
def old(tmp_path):
    """Return a folder with an earlier run, and a file that is not ours."""
    folder = tmp_path / "run"
    (folder / "rounds" / "01").mkdir(parents=True)
    for name in OLD:
        (folder / name).write_text("old")
    return folder


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_run_that_is_replaced_stays_until_there_is_another(mvboot, data, old, tmp_path):
    broken = shutil.copytree(data, tmp_path / "broken")
    for path in broken.glob("images/*/*"):
        path.write_bytes(path.read_bytes()[:300])
    given = ("train", "--method", "supervised", "--out", old, "--overwrite", *QUICK)
    assert mvboot(*given, "--data", broken, "size=50").code == 2, "never began"
    assert mvboot(*given, "--data", broken).code == 2, "never came to a step"
    assert names(old) == {*OLD, "rounds"} and (old / "last.ckpt").read_text() == "old"
    result = mvboot(*given, "--data", data)
    assert result.code == 0, result.err
    assert names(old) == {*OLD, "logs"} and (old / "notes.txt").read_text() == "old"
    load_network(old / "model.safetensors")


class Interrupting(Callback):
    def on_train_batch_start(self, trainer, *_):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
def test_a_run_that_is_interrupted_before_a_validation_goes_on(mvboot, data, old, monkeypatch):
    before = signal.getsignal(signal.SIGINT)
    given = ("train", "--method", "supervised", "--out", old, "--data", data, "size=64", "batch=1")
    given = (*given, "--steps", "4", "validate_every=4")
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        heed_signals()
        with monkeypatch.context() as patch:
            patch.setattr("mvboot.stages.train._Rounds", lambda say: Interrupting())
            stopped = mvboot(*given, "--overwrite")
    finally:
        signal.signal(signal.SIGINT, before)
    assert stopped.code == 130 and "Traceback" not in stopped.err
    words = f"go on with mvboot train --config {old / 'config.yaml'} --resume"
    assert words in stopped.err and f"waits in {old / 'previous'}" in stopped.err
    assert (old / "previous" / "model.safetensors").read_text() == "old"
    assert torch.load(old / "last.ckpt", weights_only=True)["global_step"] == 1
    result = mvboot("train", "--config", old / "config.yaml", "--resume")
    assert result.code == 0, result.err
    assert "going on after step 1: 4 steps" in result.out and "step 4 of 4: " in result.out
    assert names(old) == {*OLD, "logs"}


def test_a_run_that_was_killed_before_its_first_step_can_be_started_anew(mvboot, data, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / "config.yaml").write_text("task: dense\n")
    given = ("train", "--method", "supervised", "--out", out, "--data", data, *QUICK)
    assert "--overwrite" in mvboot(*given).err
    refused = mvboot(*given, "--resume")
    assert refused.code == 2 and "start it with --overwrite instead" in refused.err
    assert mvboot(*given, "--overwrite").code == 0


def test_what_readers_in_other_processes_find_is_one_line(mvboot, data, tmp_path):
    broken = shutil.copytree(data, tmp_path / "broken")
    for path in broken.glob("images/cam_02/*"):
        path.write_bytes(path.read_bytes()[:300])
    given = ("--data", broken, "--method", "supervised", "--label-cameras", "cam_02")
    result = mvboot("train", *given, "--out", tmp_path / "run", *QUICK, "workers=1")
    assert result.code == 2 and len(result.err.strip().splitlines()) == 1, result.err
    assert "images/cam_02" in result.err and "cannot be read as a picture" in result.err


def test_a_network_that_says_nothing_finite_is_not_written(mvboot, data, tmp_path):
    given = ("--data", data, "--method", "supervised", "--out", tmp_path / "run", *QUICK)
    result = mvboot("train", *given, "learning_rate=1e30", "weight_decay=0")
    assert result.code == 3 and "lower learning_rate" in result.err
    assert not (tmp_path / "run" / "model.safetensors").exists()


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
        (
            ("--data", "{data}", "--out", "{out}", "--labels", "{data}/../capture")
            + ("--labels", "{data}"),
            "capture is given twice",
        ),
        (("--data", "{data}", "--out", "{out}", "--labels", "{out}"), "no such capture"),
        (("--data", "{data}", "--out", "{out}", "--rig", "none.yaml"), "none.yaml"),
        (
            ("--data", "{data}", "--out", "{out}", "--teacher", "{teacher}", "stride=4"),
            "at stride 2, the run embedding at stride 4",
        ),
        (
            ("--data", "{data}", "--out", "{out}", "--teacher", "{teacher}", "backbone=base"),
            "has the backbone small, the run base",
        ),
        ((*SUPERVISED, "backbone=foo"), "unknown backbone 'foo'"),
        ((*SUPERVISED, "--dry-run", "size=50"), "use 48 x 48 px"),
        ((*SUPERVISED, "--dry-run", "accelerator=foo"), "accelerator=foo"),
        ((*SUPERVISED, "--seed", "4294967296"), "seed"),
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
    assert (
        planned.code == 0
        and "(dense, bootstrap)" in planned.out
        and not (tmp_path / "run").exists()
    )
    result = mvboot(*given, "--label-cameras", "cam_01")
    assert result.code == 3 and len(result.err.strip().splitlines()) == 1
    assert "round 1: " in result.err and "do not agree" in result.err


@pytest.mark.slow
def test_two_cameras_are_warned_of(mvboot, teacher, tmp_path):
    settings = SynthSettings(rig="pair", cameras=2, frames=2, size=64, samples=1)
    synthesise(settings, tmp_path / "pair")
    result = mvboot(
        *("train", "--data", tmp_path / "pair", "--teacher", teacher),
        *("--out", tmp_path / "run", *QUICK),
    )
    assert result.code == 0, result.err
    assert "warning" in result.err and "epipolar lines" in result.err


def test_a_run_that_went_on_too_long_is_told(tmp_path):
    log = tmp_path / "metrics.csv"
    assert worsened(log) is None
    log.write_text("step,loss,validation/label_px\n10,1.0,\n499,,3.93\n999,,4.8\n1499,0.2,\n")
    found = worsened(log)
    assert "at step 500 (3.93 px) than at step 1000 (4.80 px)" in found
    log.write_text("step,loss,validation/label_px\n499,,3.93\n999,,4.0\n")
    assert worsened(log) is None, "noise"
    log.write_text("step,loss\n499,1.0\n")
    assert worsened(log) is None, "nothing was held out"
