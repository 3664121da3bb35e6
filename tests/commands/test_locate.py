"""``mvboot rig locate``: what is written, said and refused."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mvboot import load_rig, save_rig
from mvboot.calib.compare import compare_rigs
from mvboot.formats.intrinsics_yaml import save_intrinsics
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.synthetic import articulated_scene

WRITTEN = {"rig.yaml", "summary.json", "config.yaml"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with lenses, landmarks of a walker, and where one of them stands."""
    folder = tmp_path_factory.mktemp("locate")
    scene = articulated_scene(cameras=3, frames=12, seed=3)
    landmarks = scene.detections(np.random.default_rng(0), 0.5, 0.05, 0.05)
    save_intrinsics(scene.rig.cameras, folder / "intrinsics.yaml", {})
    write_keypoints2d(landmarks, folder / "landmarks.csv")
    a, b = scene.rig.names[:2]
    apart = float((scene.rig[a].center - scene.rig[b].center).norm())
    return SimpleNamespace(
        folder=folder, rig=scene.rig, landmarks=landmarks, length=f"{a}:{b}={1000 * apart:.4f}mm"
    )


@pytest.fixture
def locate(mvboot, place, tmp_path):
    """Run ``mvboot rig locate`` on the place into ``out``."""

    def run(*more, keypoints=None, length=True):
        words = ("--distance", place.length) if length else ()
        result = mvboot(
            *("rig", "locate", place.folder / "intrinsics.yaml", "--out", tmp_path / "out"),
            *("--keypoints", keypoints or place.folder / "landmarks.csv", *words, *more),
        )
        result.folder = tmp_path / "out"
        return result

    return run


@pytest.mark.slow
def test_lenses_and_landmarks_become_a_rig(locate, place):
    result = locate()
    assert result.code == 0, result.err
    assert {path.name for path in result.folder.iterdir()} == WRITTEN
    rig = load_rig(result.folder / "rig.yaml")
    comparison = compare_rigs(place.rig, rig)
    assert max(e.rotation_deg for e in comparison.aligned.values()) < 0.3
    assert comparison.scale == pytest.approx(1, abs=0.01) and rig.units == "m"
    said = json.loads((result.folder / "summary.json").read_text())
    assert rig.provenance["located"] == said
    assert set(said["cameras"]) == set(rig.names) and said["landmarks"] > 100
    assert set(said["inputs"]) >= {"intrinsics.yaml"}
    errors = [said["cameras"][name]["error_px"] for name in rig.names]
    sentence = ", ".join(f"{n} {e:.3g} px" for n, e in zip(rig.names, errors, strict=True))
    assert f"located 3 cameras from {said['landmarks']} landmarks: {sentence}" in result.out
    assert "the world is camera cam_01's" in result.out and max(errors) < 1


@pytest.mark.slow
def test_json_is_the_only_output_and_the_config_repeats_the_run(locate, mvboot, tmp_path):
    result = locate("--json", "--units", "mm", "--seed", "4")
    assert json.loads(result.out) == json.loads((result.folder / "summary.json").read_text())
    again = mvboot(
        *("rig", "locate", "--config", result.folder / "config.yaml", f"out={tmp_path / 'b'}")
    )
    assert again.code == 0, again.err
    pair = (result.folder / "rig.yaml", tmp_path / "b" / "rig.yaml")
    assert pair[0].read_bytes() == pair[1].read_bytes()
    assert load_rig(pair[0]).units == "mm"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["--distance", "nose:door=1m"], 2, "neither two cameras (cam_01, cam_02, cam_03) nor two"),
        (["--distance", "nose-tail=1m"], 2, "is not of the form A:B=0.5m"),
        (["--distance", "nose:hip=1"], 2, "is not of the form A:B=0.5m"),
        (["--distance", "nose:nose=1m"], 2, "is not of the form A:B=0.5m"),
        (["--distance", "nose:hip=0m"], 2, "a length above zero is needed"),
        ([], 2, "nothing says how long a length is"),
        (["--points-units", "mm"], 2, "belong to --points"),
        (["--distance", "nose:hip=1m", "--cameras", "cam_01,cam_9"], 2, "there is no camera cam_9"),
        (["--distance", "nose:hip=1m", "--subject", "cat"], 2, "there is no individual 'cat'"),
        (["--distance", "nose:hip=1m", "--min-confidence", "1"], 3, "no landmark is seen by two"),
        (["--distance", "nose:hip=1m", "--distance", "hip:neck=9m"], 2, "contradict each other"),
    ],
)
def test_refusals_are_one_line_with_nothing_written(locate, words, code, line):
    result = locate(*words, length=False)
    assert result.code == code and line in result.err, result.err
    assert result.err.count("\n") == 1 and len(result.err) < 450
    assert not result.folder.exists()


def test_what_is_missing_is_named(mvboot):
    result = mvboot("rig", "locate", "--distance", "a:b=1m")
    assert result.code == 2 and "INTRINSICS, --keypoints, --out is missing" in result.err


def test_people_nobody_told_apart(locate, place, tmp_path):
    xy = np.concatenate([place.landmarks.xy] * 2, axis=2)
    sure = np.concatenate([place.landmarks.confidence] * 2, axis=2)
    two = replace(place.landmarks, individuals=("1", "2"), xy=xy, confidence=sure, identified=False)
    write_keypoints2d(two, tmp_path / "people.parquet")
    result = locate(keypoints=tmp_path / "people.parquet")
    assert result.code == 2 and "choose with --subject largest" in result.err


def test_a_rig_does_for_intrinsics_and_names_are_paired(mvboot, place, tmp_path):
    save_rig(place.rig, tmp_path / "old.yaml")
    names = {name: name.replace("_", "").upper() for name in place.rig.names}
    write_keypoints2d(place.landmarks.renamed(names), tmp_path / "other.csv")
    result = mvboot(
        *("rig", "locate", tmp_path / "old.yaml", "--keypoints", tmp_path / "other.csv"),
        *("--distance", place.length, "--out", tmp_path / "out"),
    )
    assert result.code == 0, result.err
    assert "cameras paired: CAM01 is cam_01" in result.out


# --- known positions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "units", "line"),
    [
        (["a,0,0,0"], None, "--points-units m|cm|mm"),
        (["door,0,0,0"], "m", "there is no landmark door"),
        (["hip,0,0,0", "hip,1,0,0"], "m", "point 'hip' has two rows"),
        (["hip,0,nan,0"], "m", "point 'hip' has a missing or infinite number"),
        ([",0,0,0"], "m", "without the name of a point"),
    ],
)
def test_broken_tables_of_positions(locate, tmp_path, rows, units, line):
    table = tmp_path / "known.csv"
    table.write_text("\n".join(["point,X,Y,Z", *rows]) + "\n")
    more = ("--points-units", units) if units else ()
    result = locate("--points", table, *more, length=False)
    assert result.code == 2 and line in result.err, result.err
    assert not result.folder.exists()


def test_known_positions_are_the_world(locate, tmp_path):
    """A walker is no landmark, except in a single frame."""
    scene = articulated_scene(cameras=3, frames=1, seed=3)
    exact = scene.detections(np.random.default_rng(0), 0, 0, 0)
    write_keypoints2d(exact, tmp_path / "still.csv")
    places = zip(scene.keypoints, 100 * scene.xyz[0], strict=True)
    lines = [",".join(map(str, (name, *place))) for name, place in places]
    (tmp_path / "known.csv").write_text("\n".join(["point,X,Y,Z", *lines]) + "\n")
    result = locate(
        *("--points", tmp_path / "known.csv", "--points-units", "cm"),
        keypoints=tmp_path / "still.csv",
        length=False,
    )
    assert result.code == 0, result.err
    rig = load_rig(result.folder / "rig.yaml")
    for name, camera in scene.rig.cameras.items():
        np.testing.assert_allclose(rig[name].center, camera.center, atol=1e-6)
    assert "known positions are met to" in result.out
