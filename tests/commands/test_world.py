"""``mvboot rig world``: from files to a rig in the world that was asked for."""

import json
from types import SimpleNamespace

import layouts
import numpy as np
import pandas as pd
import pytest

from mvboot import load_rig, save_rig
from mvboot.calib.world import WorldFrame, moved
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.geometry import Pose
from mvboot.keypoints import Keypoints2D
from mvboot.synthetic.scene import project_all, ring_rig

LOST = WorldFrame(Pose.from_rotation((0.4, -0.3, 1.1), (0.5, -0.2, 3.0)), 0.73)
MARKS = {
    "corner": (0, 0, 0),
    "right": (0.4, 0, 0),
    "far": (0, 0.3, 0),
    "other": (0.3, 0.3, 0),
    "tip": (0, 0, 0.5),
}
SPEC = """\
origin: corner
x: [corner, right]
y: [corner, far]
floor: [corner, right, far, other]
length: {between: [corner, right], is: 400 mm}
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A rig in a world nobody chose, with still landmarks seen in four frames and clicked."""
    folder = tmp_path_factory.mktemp("world")
    truth = ring_rig(4, radius=2.5, height=1.2, rng=np.random.default_rng(5))
    save_rig(moved(truth, LOST), folder / "rig.yaml")
    xyz = np.array(list(MARKS.values()), dtype=float)
    pixels = project_all(truth, xyz)
    xy = np.tile(pixels[:, None, None], (1, 4, 1, 1, 1))
    xy += 1e-3 * np.random.default_rng(6).standard_normal(xy.shape)
    names = (truth.names, np.arange(4), ("box",), tuple(MARKS))
    write_keypoints2d(Keypoints2D(*names, xy, np.ones(xy.shape[:-1])), folder / "points.parquet")
    rows = [
        (name, mark, *pixels[c, k], *(1000 * xyz[k]))
        for c, name in enumerate(truth.names)
        for k, mark in enumerate(MARKS)
    ]
    clicks = pd.DataFrame(rows, columns=["camera", "point", "x", "y", "X", "Y", "Z"])
    clicks.to_csv(folder / "clicks.csv", index=False)
    (folder / "spec.yaml").write_text(SPEC)
    return SimpleNamespace(folder=folder, truth=truth, rig=folder / "rig.yaml", clicks=clicks)


@pytest.fixture(scope="module")
def points3d(scene):
    from mvboot import cli

    folder, out = scene.folder, scene.folder / "triangulated"
    given = ("--rig", scene.rig, "--keypoints", folder / "points.parquet", "--out", out, "--json")
    assert cli.run(["triangulate", *map(str, given)]) == 0
    return out / "points3d.parquet"


def assert_found(scene, path, atol):
    found = load_rig(path)
    for name, camera in scene.truth.cameras.items():
        np.testing.assert_allclose(found[name].center, camera.center, atol=atol)
        pose = found[name].cam_from_world
        np.testing.assert_allclose(pose.R, camera.cam_from_world.R, atol=atol)
    return found


def test_landmarks(mvboot, scene, points3d, tmp_path):
    out = tmp_path / "new.yaml"
    files = ("--landmarks", scene.folder / "spec.yaml", "--points3d", points3d)
    result = mvboot("rig", "world", scene.rig, "--out", out, *files)
    assert result.code == 0, result.err
    assert "above floor m" in result.out and "z is up" in result.out and "+37 %" in result.out
    assert "y as given is" in result.out
    assert "corner to right was 0.292" in result.out and "and is 0.4 now" in result.out
    assert "warning" not in result.err
    found = assert_found(scene, out, 1e-3)
    record = found.provenance["world"]
    assert found.up == "z" and found.units == "m"
    assert record["rig_hash"] == load_rig(scene.rig).fingerprint()
    assert set(record["inputs"]) == {"spec.yaml", "points3d.parquet"}
    assert set(record["spread"]) == {"corner", "right", "far", "other"}
    assert record["spec"]["length"] == {"between": ["corner", "right"], "is": "400 mm"}


def test_the_points_of_the_old_world_are_refused_afterwards(mvboot, scene, points3d, tmp_path):
    files = ("--landmarks", scene.folder / "spec.yaml", "--points3d", points3d)
    new, newer = tmp_path / "new.yaml", tmp_path / "newer.yaml"
    assert mvboot("rig", "world", scene.rig, "--out", new, *files).code == 0
    result = mvboot("rig", "world", new, "--out", newer, *files)
    assert result.code == 2 and "triangulated with another rig" in result.err
    assert not newer.exists()


def test_measured_points(mvboot, scene, tmp_path):
    out = tmp_path / "new.yaml"
    clicks = ("--measured", scene.folder / "clicks.csv", "--measured-units", "mm", "--up", "z")
    result = mvboot("rig", "world", scene.rig, "--out", out, *clicks)
    assert result.code == 0, result.err
    assert "reprojection px" in result.out and "residual mm" in result.out
    found = assert_found(scene, out, 1e-6)
    assert found.up == "z" and found.units == "m"
    assert max(found.provenance["world"]["residuals"].values()) < 1e-3
    again = mvboot("rig", "world", scene.rig, "--out", out, *clicks, "--overwrite", "--json")
    facts = json.loads(again.out)
    assert facts["scale"] == pytest.approx(1 / 0.73) and facts["target"] == str(out)
    assert set(facts["reprojection_px"]) == set(MARKS)


def test_clicks_whose_cameras_are_spelt_otherwise(mvboot, scene, tmp_path):
    clicks = scene.clicks.assign(camera=scene.clicks.camera.str.replace("cam_", "Cam "))
    clicks.to_csv(tmp_path / "clicks.csv", index=False)
    given = ("--measured", tmp_path / "clicks.csv", "--measured-units", "mm", "--up", "z")
    result = mvboot("rig", "world", scene.rig, "--out", tmp_path / "new.yaml", *given)
    assert result.code == 0, result.err
    assert_found(scene, tmp_path / "new.yaml", 1e-6)


def test_a_fixed_scale(mvboot, scene, tmp_path):
    clicks = scene.clicks.copy()
    clicks[["X", "Y", "Z"]] *= 0.73
    clicks.to_csv(tmp_path / "small.csv", index=False)
    given = ("--measured", tmp_path / "small.csv", "--measured-units", "mm", "--fix-scale")
    result = mvboot("rig", "world", scene.rig, "--out", tmp_path / "new.yaml", *given, "--json")
    assert result.code == 0 and json.loads(result.out)["scale"] == 1.0
    given = ("--measured", scene.folder / "clicks.csv", *given[2:])
    result = mvboot("rig", "world", scene.rig, "--out", tmp_path / "no.yaml", *given)
    assert result.code == 2 and "leave --fix-scale out" in result.err


def test_a_camera(mvboot, scene, tmp_path):
    out = tmp_path / "new.yaml"
    result = mvboot("rig", "world", scene.rig, "--out", out, "--camera", "cam_02")
    assert result.code == 0 and "up is unknown" in result.out
    found = load_rig(out)
    np.testing.assert_allclose(found["cam_02"].center, 0, atol=1e-12)
    assert found.up is None and found.provenance["world"]["camera"] == "cam_02"


def test_a_lost_up_axis_is_told(mvboot, walker, tmp_path):
    result = mvboot(
        "rig", "world", walker.rig, "--out", tmp_path / "new.yaml", "--camera", "cam_02"
    )
    assert result.code == 0 and "z is up; the new world does not say" in result.err


def test_cameras_under_the_floor_are_told(mvboot, scene, tmp_path):
    given = ("--measured", scene.folder / "clicks.csv", "--measured-units", "mm", "--up", "-z")
    result = mvboot("rig", "world", scene.rig, "--out", tmp_path / "new.yaml", *given)
    assert result.code == 0 and "below-floor" in result.err


def test_a_large_change_of_scale_is_told(mvboot, scene, tmp_path):
    given = ("--measured", scene.folder / "clicks.csv", "--measured-units", "m")
    result = mvboot("rig", "world", scene.rig, "--out", tmp_path / "new.yaml", *given)
    assert result.code == 0 and "large change of scale: check the units" in result.err
    assert "implausible-units" in result.err


def test_a_rig_that_moves(mvboot, tmp_path):
    rig = layouts.tripod(frames=5)
    save_rig(rig, tmp_path / "rig.yaml")
    result = mvboot(
        *("rig", "world", tmp_path / "rig.yaml", "--out", tmp_path / "new.yaml"),
        *("--camera", "pan"),
    )
    assert result.code == 0 and "camera pan moves; the world is where it was" in result.err
    found = load_rig(tmp_path / "new.yaml")
    assert found["pan"].frames.tolist() == [10, 11, 12, 13, 14]
    first = rig["pan"].at(10).cam_from_world
    for name in rig.names:
        wanted = first.apply(rig.at(13)[name].center)
        np.testing.assert_allclose(found.at(13)[name].center, wanted, atol=1e-9)


SPECIFIED = ("--landmarks", "{folder}/spec.yaml", "--points3d", "{points3d}")
CLICKED = ("--measured", "{folder}/clicks.csv", "--measured-units", "mm")


@pytest.mark.parametrize(
    "given, message",
    [
        ((), "one of --landmarks, --measured, --camera; got none"),
        ((*SPECIFIED, "--camera", "cam_01"), "got --landmarks and --camera"),
        (SPECIFIED[:2], "--points3d is missing"),
        (CLICKED[:2], "--measured-units is missing"),
        ((*CLICKED, "--subject", "box"), "--subject belongs to --landmarks, not to --measured"),
        ((*SPECIFIED, "--fix-scale"), "--fix-scale belongs to --measured, not to --landmarks"),
        ((*SPECIFIED, "--subject", "cat"), "points3d.parquet: there is no individual 'cat'"),
        ((*SPECIFIED, "--up", "w"), "up must be one of"),
        ((*SPECIFIED, "--up", "x"), "spec.yaml: x is the axis of up"),
        (("--camera", "cam_9"), "no camera 'cam_9'"),
        (("--camera", "cam_01", "--up", "z"), "drop --up"),
        ((*CLICKED[:3], "inch"), "clicks.csv: units must be one of m, cm, mm"),
        ((*CLICKED, "--max-error", "1e-12"), "clicks.csv: the measured coordinates do not fit"),
        (("--measured", "{folder}/no.csv", *CLICKED[2:]), "no.csv: no such file"),
        (("--measured", "{folder}/spec.yaml", *CLICKED[2:]), "spec.yaml"),
        (("--landmarks", "{folder}/clicks.csv", *SPECIFIED[2:]), "clicks.csv"),
        ((*SPECIFIED[:2], "--points3d", "{folder}/clicks.csv"), "clicks.csv: lacks the columns"),
        ((*SPECIFIED[:3], "{folder}/points.parquet"), "points.parquet: lacks the columns"),
    ],
)
def test_bad_requests_end_in_one_line(mvboot, scene, points3d, tmp_path, given, message):
    filled = [text.format(folder=scene.folder, points3d=points3d) for text in given]
    result = mvboot("rig", "world", scene.rig, "--out", tmp_path / "new.yaml", *filled)
    assert result.code == 2, result.out
    assert message in result.err and "Traceback" not in result.err
    assert not (tmp_path / "new.yaml").exists()


def test_faults_of_the_specification_show_the_line(mvboot, scene, points3d, tmp_path):
    (tmp_path / "bad.yaml").write_text(SPEC.replace("floor", "flor"))
    files = ("--landmarks", tmp_path / "bad.yaml", "--points3d", points3d)
    result = mvboot("rig", "world", scene.rig, "--out", tmp_path / "new.yaml", *files)
    assert result.code == 2 and "bad.yaml:4:1: flor: unknown key; did you mean" in result.err


def test_what_is_there_stays(mvboot, scene, tmp_path):
    out = tmp_path / "new.yaml"
    out.write_text("precious")
    assert mvboot("rig", "world", scene.rig, "--out", out, "--camera", "cam_01").code == 2
    assert out.read_text() == "precious"
    toml = mvboot("rig", "world", scene.rig, "--out", tmp_path / "new.toml", "--camera", "cam_01")
    assert toml.code == 2 and "mvboot rig convert" in toml.err
