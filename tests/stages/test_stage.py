"""Stages: one way to run and to end, from the command line and from Python."""

import json

import numpy as np
import pytest
import yaml

import mvboot
from mvboot import InputError
from mvboot.errors import QualityMissed
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.stages.output import SILENT
from mvboot.stages.settings.triangulate import TriangulateSettings
from mvboot.stages.stage import Stage, StageSettings, written
from mvboot.stages.triangulate import Triangulate
from mvboot.synthetic import articulated_scene


class Doubling(Stage[StageSettings, int, int]):
    """Reads 21, doubles it, writes it."""

    config = StageSettings

    def __init__(self, wrong=False, poor=False):
        self.wrong, self.poor = wrong, poor

    def read(self, config, say):
        beside = config.out.parent
        assert not beside.exists() or not list(beside.glob(".partial-*")), "not begun yet"
        return 21

    def plan(self, inputs, say):
        return {"would": inputs}

    def compute(self, inputs, say):
        if self.wrong:
            raise InputError("wrong")
        return 2 * inputs

    def write(self, results, folder):
        (folder / "number.txt").write_text(str(results))
        (folder / "more").mkdir()
        return {"number": results, "files": ["number.txt"]}

    def judge(self, results, summary):
        if self.poor:
            raise QualityMissed("poor")


def test_a_stage_leaves_its_result_its_summary_and_its_config(tmp_path):
    out = tmp_path / "out"
    assert Doubling().run(StageSettings(out=out))["number"] == 42
    assert written(out) == ["more/", "number.txt", "summary.json", "config.yaml"]
    assert json.loads((out / "summary.json").read_text())["number"] == 42
    assert yaml.safe_load((out / "config.yaml").read_text()) == {"out": str(out)}


def test_what_an_earlier_run_wrote_and_this_one_does_not_is_removed(tmp_path):
    out = tmp_path / "out"
    Doubling().run(StageSettings(out=out))
    (out / "old.txt").write_text("old")
    (out / "mine.txt").write_text("mine")
    (out / "summary.json").write_text(json.dumps({"files": ["old.txt", "../../outside.txt"]}))
    (tmp_path.parent / "outside.txt").write_text("outside")
    with pytest.raises(InputError, match="not empty"):
        Doubling().run(StageSettings(out=out))
    Doubling().run(StageSettings(out=out), overwrite=True)
    assert not (out / "old.txt").exists()
    assert (out / "mine.txt").exists() and (tmp_path.parent / "outside.txt").exists()


def test_a_stage_that_fails_writes_nothing_and_one_that_is_poor_everything(tmp_path):
    with pytest.raises(InputError, match="wrong"):
        Doubling(wrong=True).run(StageSettings(out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(QualityMissed):
        Doubling(poor=True).run(StageSettings(out=tmp_path / "out"))
    assert (tmp_path / "out" / "number.txt").read_text() == "42"


def test_a_dry_run_reads_and_writes_nothing(tmp_path):
    assert Doubling().dry_run(StageSettings(out=tmp_path / "out")) == {"would": 21}
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def walker(tmp_path_factory):
    folder = tmp_path_factory.mktemp("walker")
    scene = articulated_scene(cameras=4, frames=6, seed=3)
    mvboot.save_rig(scene.rig, folder / "rig.yaml")
    detections = scene.detections(np.random.default_rng(0))
    write_keypoints2d(detections, folder / "keypoints.parquet")
    return {"rig": folder / "rig.yaml", "keypoints": str(folder / "keypoints.parquet")}


def test_python_gives_what_the_command_writes(walker, tmp_path, capfd):
    from mvboot import cli

    arguments = [f"--{key}={value}" for key, value in walker.items()]
    assert cli.run(["triangulate", *arguments, "--out", str(tmp_path / "typed")]) == 0
    capfd.readouterr()
    found = mvboot.triangulate(**walker, out=tmp_path / "called")
    assert capfd.readouterr().out == "", "Python is told nothing"
    for name in ("points3d.parquet", "summary.json"):
        typed, called = ((tmp_path / one / name).read_bytes() for one in ("typed", "called"))
        assert typed == called, name
    kept = mvboot.triangulate(**walker)
    np.testing.assert_array_equal(kept.xyz, found.xyz)


def test_a_config_and_settings_by_name(walker, tmp_path):
    config = TriangulateSettings(**walker, out=tmp_path / "a", min_views=2)
    mvboot.triangulate(config, out=tmp_path / "b", threshold_px=5)
    read = yaml.safe_load((tmp_path / "b" / "config.yaml").read_text())
    assert (read["min_views"], read["threshold_px"]) == (2, 5)
    with pytest.raises(InputError, match="threshhold_px: unknown key; did you mean"):
        mvboot.triangulate(config, threshhold_px=5)
    with pytest.raises(QualityMissed):
        mvboot.triangulate(config, out=tmp_path / "c", fail_above=1e-9)
    assert (tmp_path / "c" / "points3d.parquet").exists()


def test_the_points_of_a_stage_can_be_had_without_a_folder(walker, tmp_path):
    stage = Triangulate()
    inputs = stage.read(TriangulateSettings(**walker, out=tmp_path / "never"), SILENT)
    found = stage.compute(inputs, SILENT)
    assert sum(len(block.frames) for block in found.blocks) == 6
    assert found.funnel.accepted.sum() > 0
    assert not (tmp_path / "never").exists()
