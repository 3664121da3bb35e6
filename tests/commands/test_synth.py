import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from mvboot import save_rig
from mvboot.datasets import Capture
from mvboot.synthetic.rigs import synthetic_rig

FEW = ("--cameras", "2", "--frames", "2", "--size", "48", "samples=1")


@pytest.mark.slow
def test_synth_writes_a_capture_and_says_what(mvboot, tmp_path):
    out = tmp_path / "walk"
    result = mvboot("synth", "--out", out, *FEW, "--gait", "walk", "--detector")
    assert result.code == 0, result.err
    assert "4 pictures of 2 cameras, 2 frames" in result.out
    capture = Capture.open(out)
    assert capture.check()["fields"] == 4
    assert capture.model.provenance["settings"]["gait"] == "walk"
    assert mvboot("synth", "--out", out, *FEW).code == 2
    again = mvboot("synth", "--out", out, *FEW, "--seed", "4", "--overwrite", "--json")
    assert json.loads(again.out)["seed"] == 4


@pytest.mark.slow
def test_a_config_file_and_a_rectangle(mvboot, tmp_path):
    (tmp_path / "synth.yaml").write_text("cameras: 2\nframes: 1\nsize: [64, 48]\nsamples: 1\n")
    out = tmp_path / "out"
    result = mvboot("synth", "--config", tmp_path / "synth.yaml", "--out", out, "--size", "96x64")
    assert result.code == 0, result.err
    assert Capture.open(out).size("cam_01") == (96, 64)


@pytest.mark.slow
def test_a_dry_run_writes_nothing(mvboot, tmp_path):
    result = mvboot("synth", "--out", tmp_path / "out", "--dry-run", "--frames", "3")
    assert result.code == 0
    assert "would write 24 pictures of 8 cameras" in result.out
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments, words",
    [
        (("--size", "big"), "neither a number"),
        (("--size", "8"), "size"),
        (("--rig", "circle"), "no kind of rig"),
        (("--template", "horse"), "no such template"),
        (("--gait", "fly"), "knows no gait"),
        (("place=moon",), "no place 'moon'"),
        (("faults.desink=1",), "desink"),
        (("colour=red",), "colour"),
        (("seeds.hat=1",), "no part 'hat'"),
        (("--held-out", "left"), "no camera left"),
        (("--frames", "0"), "frames"),
        (("fps=inf",), "mvboot: fps: Input should be a finite number"),
        (("--frames", "999999"), "mvboot: frames: 999999 at 30 a second"),
        (("faults.zzz=1",), "faults.zzz: unknown key; there are dropped, desync_s, drift_ppm"),
        (("--cameras", "2", "--frames", "2", "validation=0.5"), "validation=0.5: of 2 frames"),
    ],
)
def test_what_cannot_be_filmed_ends_in_one_line(mvboot, tmp_path, arguments, words):
    result = mvboot("synth", "--out", tmp_path / "out", *arguments)
    assert result.code == 2
    assert words in result.err and len(result.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_rig_file_in_a_false_unit_is_refused_also_in_its_folder(mvboot, tmp_path):
    rig = synthetic_rig("ring", 2, (64, 64), np.random.default_rng(0))
    save_rig(replace(rig.in_units("mm"), units="m"), tmp_path / "rig.yaml")
    few = ("--out", tmp_path / "out", "--frames", "2", "--dry-run")
    for path in (tmp_path / "rig.yaml", tmp_path):
        result = mvboot("synth", "--rig", path, *few)
        assert result.code == 2 and "were they mm, 2 of 2 cameras" in result.err


def test_a_mesh_is_no_template(mvboot, tmp_path):
    (tmp_path / "mouse.ply").write_text("ply\n")
    result = mvboot("synth", "--out", tmp_path / "out", "--template", tmp_path / "mouse.ply")
    assert (
        result.code == 2
        and "is a mesh, not a template; make one" in result.err
        and "mvboot template" in result.err
    )


@pytest.mark.slow
def test_a_full_disk_names_the_folder(mvboot, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.savez_compressed", full)
    result = mvboot("synth", "--out", tmp_path / "out", *FEW)
    assert result.code == 2
    assert result.err == f"mvboot: {tmp_path / 'out'}: No space left on device\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_nothing_behind(tmp_path, number, code):
    command = ["synth", "--out", "new/out", "--cameras", "2", "--size", "48", "--frames", "300"]
    running = subprocess.Popen(
        [sys.executable, "-m", "mvboot.cli", *command],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # a shell starts what runs in the background deaf to SIGINT, tests among them
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not any(tmp_path.rglob("*.jpg")) and running.poll() is None:
        time.sleep(0.05)  # however slow the machine is
    os.kill(running.pid, number)
    said = running.communicate()[1]
    assert running.returncode == code
    assert said == "mvboot: interrupted; no half-written file was left behind\n"
    assert not list(tmp_path.iterdir())
