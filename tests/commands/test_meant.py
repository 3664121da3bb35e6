"""First tries of newcomers: each wrong command line says what was meant, and that then works."""

import json
import shlex
from dataclasses import replace

import numpy as np
import pytest

from mvboot import save_rig
from mvboot.formats.written_detections import save_keypoints2d

SEEDS = 2


@pytest.fixture(scope="module")
def fly(walker, tmp_path_factory):
    """A rig without a unit and files of two networks a camera, called as a recorder calls them."""
    folder = tmp_path_factory.mktemp("fly")
    rig = folder / "calibration.toml"
    save_rig(walker.scene.rig, rig, "anipose")
    lines = rig.read_text().splitlines(keepends=True)
    rig.write_text("".join(line for line in lines if "units" not in line))
    for seed in range(SEEDS):
        parts = folder / f"part{seed}"
        save_keypoints2d(walker.detections, parts, "deeplabcut")
        for path in sorted(parts.glob("*.csv")):
            path.rename(folder / f"0527_fly_{path.stem}_rot_0.1_rng={seed}.csv")
        parts.rmdir()
    return folder


@pytest.fixture
def typed(mvboot, fly, tmp_path, monkeypatch):
    """Type a line in the folder; @ stands for what the shell makes of fly's ``*.csv``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fly").symlink_to(fly)

    def run(line):
        csv = " ".join(f"fly/{path.name}" for path in sorted(fly.glob("*.csv")))
        return mvboot(*shlex.split(line.replace("@", csv))[1:])

    return run


PATTERN = "fly/0527_fly_{camera}_rot_0.1_rng=0.csv"
TRIES = {
    "nothing but two paths": ("--rig fly/calibration.toml --keypoints 'fly/*.csv'", "--out is"),
    "the shell's glob": (
        "--rig fly/calibration.toml --keypoints @ --out points3d",
        "the shell expanded a pattern into 10 files; put it in quotes and write {camera} where",
    ),
    "no unit": ("--rig fly/calibration.toml --keypoints 'fly/{camera}.csv' --out o", "unit"),
    "several files": (
        "--rig fly/calibration.toml --units mm --keypoints 'fly/*{camera}*.csv' --out o",
        "2 files belong to camera",
    ),
    "a folder": (
        "--rig fly/calibration.toml --units mm --keypoints fly --out o",
        "holds several kinds of files; write {camera} where the camera's name stands",
    ),
    "no field": (
        "--rig fly/calibration.toml --units mm --keypoints 'fly/*rng=0.csv' --out o",
        "5 files match",
    ),
    "another field": (
        "--rig fly/calibration.toml --units mm --keypoints 'fly/*{cam}*rng=0.csv' --out o",
        "write {camera}, not {cam}, where the camera's name stands",
    ),
    "paths without options": (
        f"fly/calibration.toml '{PATTERN}' --out o",
        "say --rig fly/calibration.toml",
    ),
    "a file for a folder": (
        f"--rig fly/calibration.toml --units mm --keypoints '{PATTERN}' --out o.csv",
        "--out o.csv must name a folder, as in --out o; --csv writes a CSV into it",
    ),
    "one file": (
        "--rig fly/calibration.toml --units mm --keypoints "
        f"{PATTERN.replace('{camera}', 'CAMERA')} --out o",
        "holds one camera",
    ),
}


@pytest.mark.parametrize("name", TRIES)
def test_the_second_try_succeeds(name, typed, walker):
    words, said = TRIES[name]
    first = typed(f"mvboot triangulate {words.replace('CAMERA', walker.scene.rig.names[0])}")
    assert first.code == 2 and said in first.err
    advice = first.err.split(" Try: ")[1].split(" (or cm")[0]
    assert PATTERN in advice and len(first.err) < 500
    second = typed(f"{advice} --dry-run")
    assert second.code == 0, second.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("overwrite=true", "overwrite is an option: say --overwrite"),
        ("dry_run=1", "dry_run is an option: say --dry-run"),
        ("fail_above=3", "fail_above is an option: say --fail-above 3"),
        ("json=true", "json is an option: say --json"),
        ("--min-views 6", "--min-views 6: no point is seen by so many views, there are 5 cameras"),
        ("--export anipose,nonsense", "nonsense"),
        ("--offset z=1", "--offset: the rig has no camera z"),
        ("--offset z=1.5", "--offset z=1.5: 1.5 is no whole number of frames"),
        ("--crop z=1,2,3", "--crop z=1,2,3 is not of the form CAMERA=X,Y,W,H"),
        ("--exprt c3d", "--export"),
    ],
)
def test_words_that_are_not_understood(words, said, typed):
    result = typed(
        f"mvboot triangulate --rig fly/calibration.toml --units mm --keypoints '{PATTERN}' "
        f"--out o {words}"
    )
    assert result.code == 2 and said in result.err
    assert " Try: " not in result.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("check fly/calibration.toml --units mm --keypoints @", "the shell expanded a pattern"),
        ("check fly/calibration.toml --units mm --keypoints 'fly/*rng=1.csv'", "rng=1.csv'"),
        ("check --rig fly/calibration.toml", "write the rig's path alone"),
        ("check fly/calibration.toml 'a/{camera}.csv'", "say --keypoints before a path"),
        ("refine fly/calibration.toml @", "the shell expanded a pattern into 10 files"),
        ("refine fly/calibration.toml --keypoints 'fly/*.csv' --out r", "Try: mvboot rig refine"),
    ],
)
def test_rig_commands_say_it_too(words, said, typed):
    result = typed(f"mvboot rig {words}")
    assert result.code == 2 and said in result.err


def test_exports_with_commas(typed):
    result = typed(
        f"mvboot triangulate --rig fly/calibration.toml --units mm --keypoints '{PATTERN}' "
        "--out o --export anipose,trc --fps 30 --dry-run"
    )
    assert result.code == 0 and "points3d.trc" in result.out, result.err


def moved(found, shift):
    """Return detections whose last camera is one frame late and cropped."""
    xy, confidence = found.xy.copy(), found.confidence.copy()
    xy[-1, 1:], confidence[-1, 1:] = found.xy[-1, :-1] - shift, found.confidence[-1, :-1]
    xy[-1, 0], confidence[-1, 0] = np.nan, np.nan
    return replace(found, xy=xy, confidence=confidence, covariance=None)


def test_lateness_and_crop_are_undone(mvboot, walker, tmp_path):
    name, size = walker.scene.rig.names[-1], walker.scene.rig[walker.scene.rig.names[-1]].size
    save_keypoints2d(moved(walker.detections, [10, 20]), tmp_path / "kp", "mvboot")
    said = f"{name}=10,20,{size[0] - 10},{size[1] - 20}"
    arguments = ("--rig", walker.rig, "--keypoints", tmp_path / "kp", "--out", tmp_path / "o")
    result = mvboot(
        *("triangulate", *arguments, "--offset", f"{name}=1", "--crop", said, "--json"),
        *("--fail-above", 2),
    )
    assert result.code == 0, result.err
    plain = mvboot("triangulate", *arguments, "--overwrite", "--json")
    error = {
        key: json.loads(one.out)["leave_one_out_px"]["per_camera"][name]["median"]
        for key, one in (("aligned", result), ("plain", plain))
    }
    assert error["aligned"] < error["plain"] / 3
