"""``mvboot bootstrap`` with a detector of somebody else, which is a script."""

import json
import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from mvboot import save_rig
from mvboot.errors import Stopped
from mvboot.formats.keypoints2d_table import read_keypoints2d, write_keypoints2d
from mvboot.keypoints import Keypoints2D
from mvboot.networks import NetworkConfig, build_network, save_network
from mvboot.synthetic import articulated_scene
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.template import load_template

SCRIPT = """
import sys
import numpy as np
import pandas as pd

labels, pictures, out, seed, truth = sys.argv[1:]
known = pd.read_csv(labels).dropna(subset=["x"])
n = known.groupby(["camera", "frame"]).ngroups
rng = np.random.default_rng(n + int(seed))
wanted = pd.read_csv(pictures)[["camera", "frame"]]
table = pd.read_csv(truth).merge(wanted, on=["camera", "frame"])
wrong = rng.random(len(table)) < min(0.45, 3.5 / n)
for axis in "xy":
    noise = rng.normal(0, 1 + 10 / n, len(table))
    table[axis] += np.where(wrong, rng.uniform(-90, 90, len(table)), noise)
sure = np.where(wrong, rng.uniform(0.1, 0.7, len(table)), rng.uniform(0.6, 1, len(table)))
table["confidence"] = np.where(table.x.isna(), np.nan, sure)
table.to_csv(out + "/found.csv", index=False)
print("learned from", n, "pictures")
"""
FRAMES = 60
CAPTURE = "schema: 1\nsplits: {train: 0..44, validation: 48..59, held_out_cameras: [cam_06]}\n"


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """A capture of blank pictures, labels of people in CSV, and a detector that is a script."""
    folder = tmp_path_factory.mktemp("walk")
    capture = folder / "capture"
    scene = articulated_scene(cameras=6, frames=FRAMES, seed=5)
    blank = folder / "blank.png"
    width, height = scene.rig["cam_01"].size
    cv2.imwrite(str(blank), np.full((height, width, 3), 128, np.uint8))
    for name in scene.rig.names:
        (capture / "images" / name).mkdir(parents=True)
        for frame in range(FRAMES):
            os.link(blank, capture / "images" / name / f"{frame:06d}.png")
    save_rig(scene.rig, capture / "rig.yaml")
    (capture / "capture.yaml").write_text(CAPTURE)
    found = scene.detections(np.random.default_rng(0), noise_px=0, outliers=0, missing=0)
    sure = np.where(found.present, 1.0, np.nan)
    truth = Keypoints2D(
        found.cameras, found.frames, found.individuals, found.keypoints, found.xy, sure
    )
    write_keypoints2d(truth, folder / "labels.csv")
    (folder / "detect.py").write_text(SCRIPT)
    (folder / "bones.yaml").write_text("".join(f"{a}_{b}: [{a}, {b}]\n" for a, b in scene.edges))
    (folder / "groups.yaml").write_text("head: [neck, nose]\nback: [hip, spine, withers]\n")
    command = f"{sys.executable} {folder / 'detect.py'} {{labels}} {{pictures}} {{out}} {{seed}} "
    given = {
        "data": capture,
        "labels": folder / "labels.csv",
        "label-frames": "0,11,22,33,44",
        "label-cameras": "cam_01,cam_03",
        "groups": folder / "groups.yaml",
        "bones": folder / "bones.yaml",
        "detector-cmd": command + str(folder / "labels.csv"),
    }
    return SimpleNamespace(folder=folder, capture=capture, given=given, truth=truth)


def words(given, **changes):
    merged = {k: v for k, v in {**given, **changes}.items() if v is not None}
    return [word for name, value in merged.items() for word in (f"--{name}", str(value))]


@pytest.mark.slow
def test_a_whole_run(mvboot, walk, tmp_path):
    out = tmp_path / "run"
    command = ("bootstrap", *words(walk.given, out=out, rounds=2), "window=9")
    planned = mvboot(*command, "--dry-run")
    assert planned.code == 0, planned.err
    assert "10 labelled pictures, 45 frames of 5 cameras" in planned.out
    assert "72 labelled pictures of held-out frames" in planned.out and not out.exists()
    result = mvboot(*command)
    assert result.code == 0, result.err
    assert "round 2: learned from" in result.out and "the best is round" in result.out
    summary = json.loads((out / "summary.json").read_text())
    pck = [one["pck"] for one in summary["rounds"]]
    assert pck[0] + 0.1 < pck[1] < pck[2], "each round learns"
    errors = [one["held_out_px"] for one in summary["rounds"]]
    assert errors[2] <= errors[1] < errors[0] and summary["best"] == 2
    assert (out / summary["model"] / "detector.log").read_text().startswith("learned from")
    table = (out / "rounds.md").read_text()
    assert table.count("\n|") >= 4 and "Best: round 2." in table
    chosen = summary["rounds"][1]["selection"]["chosen"]
    sheet = (out / "rounds" / "01" / "review.html").read_text()
    assert sheet.count("<section>") == len(chosen) > 2
    labels = read_keypoints2d(out / "rounds" / "02" / "labels.parquet")
    true = walk.truth.for_cameras(labels.cameras).at_rows(labels.frames)
    assert np.nanmedian(np.linalg.norm(labels.xy - true.xy, axis=-1)) < 1.5

    again = mvboot(*command, "--resume", "--json")
    assert again.code == 0 and json.loads(again.out)["rounds"] == summary["rounds"]
    assert mvboot(*command).code == 2, "the folder is not empty"
    other = mvboot(*command, "--resume", "window=10")
    assert other.code == 2 and "the run began with window 9, not 10" in other.err
    more = mvboot("bootstrap", *words(walk.given, out=out, rounds=3), "window=9", "--resume")
    assert more.code == 0 and "round 3: learned from" in more.out
    configured = mvboot("bootstrap", "--config", out / "config.yaml", "--dry-run", "--overwrite")
    assert configured.code == 0, configured.err


@pytest.mark.slow
def test_pause_review_and_resume(mvboot, walk, tmp_path):
    out = tmp_path / "run"
    command = ("bootstrap", *words(walk.given, out=out, rounds=1), "window=9", "--pause")
    waiting = mvboot(*command)
    assert waiting.code == 0, waiting.err
    place = out / "rounds" / "01"
    assert f"look through {place / 'review.html'}" in waiting.out
    assert not (place / "round.json").exists()
    frames = [int(f) for f in json.loads((place / "selection.json").read_text())["chosen"]]
    ticks = tmp_path / "ticks.json"
    ticks.write_text(json.dumps({"round": 1, "keep": frames[1:], "reject": frames[:1]}))
    result = mvboot(*command, "--resume", "--review", ticks)
    assert result.code == 0, result.err
    assert json.loads((place / "round.json").read_text())["refused"] == 1
    later = ("bootstrap", *words(walk.given, out=out, rounds=2), "window=9", "--resume")
    assert mvboot(*later).code == 0
    second = json.loads((out / "rounds" / "02" / "selection.json").read_text())
    assert second["rejected"]["review"] == 1 and str(frames[0]) not in second["chosen"]


@pytest.mark.slow
def test_overwriting_begins_anew(mvboot, walk, tmp_path):
    out = tmp_path / "run"
    command = ("bootstrap", *words(walk.given, out=out, rounds=1), "window=9")
    assert mvboot(*command, "heuristics.velocity=null").code == 0
    assert mvboot("bootstrap", "--config", out / "config.yaml", "--resume").code == 0
    changed = mvboot(*command, "--resume")
    assert "began with heuristics.velocity none, not 0.15" in changed.err and changed.code == 2
    before = (out / "rounds" / "01" / "labels.parquet").read_bytes()
    assert mvboot(*command, "--overwrite", "--seed", "3").code == 0
    assert (out / "rounds" / "01" / "labels.parquet").read_bytes() != before
    broken = words(walk.given, **{"out": out, "detector-cmd": "false {labels} {out}"})
    failed = mvboot("bootstrap", *broken, "--overwrite")
    assert failed.code == 2 and f"waits in {out / 'previous'}" in failed.err
    assert not (out / "summary.json").exists() and not (out / "rounds.md").exists()
    assert (out / "rounds" / "00" / "model" / "detector.log").is_file(), "the message names it"


KILL = "import os, signal; os.kill(os.getppid(), signal.SIGKILL)"


def whole(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.slow
def test_a_run_that_is_replaced_stays_until_there_is_another(mvboot, walk, tmp_path, monkeypatch):
    out = tmp_path / "run"
    command = ("bootstrap", *words(walk.given, out=out, rounds=1), "window=9")
    assert mvboot(*command).code == 0
    old = whole(out)
    (tmp_path / "kill.py").write_text(KILL)
    killing = f"{sys.executable} {tmp_path / 'kill.py'} {{labels}} {{out}}"
    changed = words(walk.given, **{"out": out, "rounds": 1, "detector-cmd": killing})
    typed = [sys.executable, "-m", "mvboot.cli", "bootstrap", *changed, "window=9", "--overwrite"]
    for _ in range(2):
        assert subprocess.run(typed, capture_output=True, check=False).returncode == -9
        assert whole(out / "previous") == old, "killed while it learned"
    with monkeypatch.context() as patch:
        patch.setattr("mvboot.stages.bootstrap.dump_yaml", _interrupted)
        stopped = mvboot(*command, "--overwrite")
    assert stopped.code == 130 and whole(out) == old, "stopped before anything was learned"
    with monkeypatch.context() as patch:
        patch.setattr("mvboot.bootstrap.command.CommandDetector.train", _interrupted)
        stopped = mvboot(*command, "--overwrite")
    advice = f"go on with mvboot bootstrap --config {out / 'config.yaml'} --resume; the run that"
    assert stopped.code == 130 and advice in stopped.err
    assert whole(out / "previous") == old
    assert mvboot("bootstrap", "--config", out / "config.yaml", "--resume").code == 0
    assert not (out / "previous").exists() and whole(out).keys() == old.keys()


def _interrupted(*_):
    raise Stopped(signal.SIGINT)


@pytest.mark.parametrize(
    ("changes", "more", "said"),
    [
        ({"labels": None}, (), "--labels is missing"),
        ({"labels": "none.csv"}, (), "no such file"),
        ({"data": "none"}, (), "no such capture"),
        ({"label-frames": "0,50"}, (), "--label-frames: frame 50 is not among those that train"),
        ({"label-cameras": "cam_06"}, (), "'cam_06' is no camera that trains"),
        ({"camera-map": "cam_01=left"}, (), "has labels of camera left"),
        ({"bones": "none.yaml"}, (), "none.yaml: no such file"),
        ({"groups": "none.yaml"}, (), "none.yaml: no such file"),
        ({"groups": "{odd}"}, ("--dry-run",), "'beak'"),
        ({"detector-cmd": "run {labels}"}, (), "needs {out}"),
        ({"detector-cmd": "false {labels} {out}"}, (), "ended with exit code 1"),
        ({}, ("windw=3",), "did you mean 'window'"),
        ({}, ("heuristics.bones=1",), "heuristics.bones"),
        ({}, ("--resume",), "no run to --resume"),
        ({"review": "none.json"}, (), "give --resume too"),
        ({}, ("--resume", "--overwrite"), "choose one"),
        ({}, ("train.steps=5",), "train.* are of our network"),
        ({"detector-cmd": None}, ("train.seed=5",), "train.seed is not for mvboot bootstrap"),
        (
            {"detector-cmd": None},
            ("train.agreement=0.1", "train.method=epipolar"),
            "give agreement=SHARE",
        ),
        ({"detector-cmd": None}, ("train.label_frames=[0]",), "give --label-frames"),
        ({"subject": "dog"}, (), "no individual 'dog'"),
    ],
)
def test_what_cannot_be_done_ends_in_one_line(mvboot, walk, tmp_path, changes, more, said):
    (tmp_path / "odd.yaml").write_text("head: [nose, beak]\n")
    changes = {
        name: word and word.replace("{odd}", str(tmp_path / "odd.yaml"))
        for name, word in changes.items()
    }
    given = words(walk.given, **{"out": tmp_path / "run", **changes})
    result = mvboot("bootstrap", *given, *more)
    assert result.code == 2, result.out
    last = result.err.strip().splitlines()[-1]
    assert said in last and "Traceback" not in result.err


def test_labels_of_frames_that_the_capture_lacks_are_told(mvboot, walk, tmp_path):
    late = pd.read_csv(walk.given["labels"])
    late["frame"] += 5
    late.to_csv(tmp_path / "late.csv", index=False)
    given = words(walk.given, out=tmp_path / "run", labels=tmp_path / "late.csv")
    given += ["--label-frames", "11"]
    result = mvboot("bootstrap", *given, "--dry-run")
    assert result.code == 0, result.err
    assert "5 of 60 labelled frames are not in the capture, as 60" in result.err


@pytest.mark.slow
def test_nothing_believed_is_no_result(mvboot, walk, tmp_path):
    given = words(walk.given, out=tmp_path / "run")
    result = mvboot("bootstrap", *given, "threshold_px=0.01")
    assert result.code == 3 and "round 1: of 45 frames none is believed" in result.err


@pytest.fixture(scope="module")
def dense(tmp_path_factory):
    """A capture with fields, and a dense network that knows nothing."""
    folder = tmp_path_factory.mktemp("dense")
    settings = SynthSettings(cameras=3, frames=4, size=64, samples=1, occluders=0, seed=2)
    synthesise(settings, folder / "capture")
    network = build_network(NetworkConfig.for_template(load_template("body")))
    torch.nn.init.constant_(network.head.read.bias[:1], 2.0)
    save_network(network, folder / "model.safetensors")
    return folder


@pytest.mark.slow
def test_a_dense_model_has_its_own_rounds(mvboot, dense, tmp_path):
    given = ("bootstrap", "--data", dense / "capture", "--teacher", dense / "model.safetensors")
    given = (*given, "--out", tmp_path / "run", "size=64", "steps=4", "validate_every=2")
    planned = mvboot(*given, "--rounds", "2", "--dry-run", "--label-cameras", "cam_01")
    assert planned.code == 0 and "bootstrap)" in planned.out, planned.err
    assert mvboot(*given, "--rounds", "3").code == 2, "more rounds than validations"
    result = mvboot(*given, "--rounds", "1", "--label-cameras", "cam_01")
    assert result.code == 3 and "round 1: " in result.err
    wrong = mvboot(*given, "--labels", "x.csv")
    assert wrong.code == 2 and "--labels belongs to keypoints" in wrong.err
    wrong = mvboot(*given, "--pause")
    assert wrong.code == 2 and "belong to keypoints" in wrong.err
