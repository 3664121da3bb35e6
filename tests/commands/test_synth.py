import json

import pytest

from mvboot.datasets import Capture

FEW = ("--cameras", "2", "--frames", "2", "--size", "48", "samples=1")


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


def test_a_config_file_and_a_rectangle(mvboot, tmp_path):
    (tmp_path / "synth.yaml").write_text("cameras: 2\nframes: 1\nsize: [64, 48]\nsamples: 1\n")
    out = tmp_path / "out"
    result = mvboot("synth", "--config", tmp_path / "synth.yaml", "--out", out, "--size", "96x64")
    assert result.code == 0, result.err
    assert Capture.open(out).size("cam_01") == (96, 64)


def test_a_dry_run_writes_nothing(mvboot, tmp_path):
    result = mvboot("synth", "--out", tmp_path / "out", "--dry-run", "--frames", "3")
    assert result.code == 0
    assert "would write 24 pictures of 8 cameras" in result.out
    assert not (tmp_path / "out").exists()


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
    ],
)
def test_what_cannot_be_filmed_ends_in_one_line(mvboot, tmp_path, arguments, words):
    result = mvboot("synth", "--out", tmp_path / "out", *arguments)
    assert result.code == 2
    assert words in result.err and len(result.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
