import json
import shutil
from contextlib import redirect_stderr
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest

from mvboot import cli
from mvboot.fields import DenseField, read_field, write_field
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.formats.ply import read_ply
from mvboot.surface.store import SurfaceFile
from mvboot.synthetic.capture import synthesise
from mvboot.synthetic.settings import SynthSettings


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    settings = SynthSettings(
        cameras=5, frames=2, size=96, samples=1, occluders=0, seed=2, held_out_cameras=["cam_05"]
    )
    return synthesise(settings, tmp_path_factory.mktemp("data") / "capture")


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    """Run the command once, with markers and two kinds of meshes; frame 1 shows nobody."""
    folder = tmp_path_factory.mktemp("made")
    fields = folder / "fields"
    shutil.copytree(data.folder / "fields", fields)
    for path in fields.glob("*/*1.npz"):
        field = read_field(path)
        nothing = np.zeros((*field.shape, 3))
        part, uv = nothing[..., 0].astype(np.uint8), nothing[..., 1:]
        write_field(DenseField.of_charts(part, uv, field.topology, field.camera, 1), path)
    out = folder / "out"
    words = ["--data", data.folder, "--fields", fields, "--out", out, "--format", "ply,obj"]
    words += ["--marker", "crown=vertex:12", "--export", "trc", "--fps", "10"]
    with redirect_stderr(StringIO()) as said:
        code = cli.run(["surface", *map(str, words)])
    return SimpleNamespace(code=code, err=said.getvalue()), out, fields


def test_surfaces_markers_and_a_summary_are_written(data, made):
    result, out, _ = made
    assert result.code == 0, result.err
    summary = json.loads((out / "summary.json").read_text())
    one = summary["surfaces"]["subject"]
    assert one["frames"] == 1 and list(one["lost"]) == ["1"]
    assert "frame 1:" in result.err and summary["units"] == "m"
    surface = SurfaceFile(out / "surface.npz").read("subject", 0)
    true = data.truth.poses.vertices(data.template, 0)[0]
    assert np.linalg.norm(surface.vertices - true, axis=1).mean() < 0.03
    mesh = read_ply(out / "meshes" / "frame_000000.ply")
    np.testing.assert_allclose(mesh.vertices, surface.vertices, atol=1e-5)
    assert mesh.template == data.template.topology
    assert (out / "meshes" / "frame_000000.obj").is_file() and (out / "markers.trc").is_file()
    paths = read_keypoints3d(out / "markers.parquet")
    assert paths.keypoints == ("crown",) and paths.frames.tolist() == [0, 1]


def test_what_was_fitted_can_be_evaluated(mvboot, data, made, tmp_path):
    words = ["--surface", made[1], "--data", data.folder, "--fields", data.folder]
    result = mvboot("evaluate", *words, "--out", tmp_path / "e", "--json")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert found["truth"]["vertices"]["mean_mm"] < 30
    assert found["held_out"]["cam_05"]["iou"] > 0.6
    assert found["held_out"]["cam_05"]["reprojection"]["median_px"] < 5


def test_two_subjects_are_kept_apart_and_points_are_meshed_alone(mvboot, data, tmp_path):
    rig = ("--rig", data.folder / "rig.yaml", "--frames", "0")
    two = [f"{name}={data.folder}" for name in ("anna", "otto")]
    out = tmp_path / "two"
    words = ["--fields", two[0], "--fields", two[1], "--template", "body", "--out", out]
    assert mvboot("surface", *rig, *words).code == 0
    assert SurfaceFile(out / "surface.npz").individuals == ("anna", "otto")
    assert (out / "meshes" / "otto" / "frame_000000.ply").is_file()
    alone = tmp_path / "alone"
    words = ["--fields", data.folder, "--without-template", "--out", alone]
    assert mvboot("surface", *rig, *words).code == 0
    mesh = read_ply(alone / "meshes" / "frame_000000.ply")
    assert 1.2 < np.ptp(mesh.vertices[:, 2]) < 2.2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--template", "quadruped"], "was made with the template"),
        (["--without-template", "--marker", "a=vertex:1"], "--marker needs a template"),
        (["--frames", "99"], "no field of frame 99"),
        (["--marker", "a=vertex:999999"], "marker 'a'"),
        (["--export", "trc"], "--export is of markers"),
        (["--format", "stl"], "unknown form of a surface 'stl'"),
        (["--cameras", "cam_01"], "at least two cameras"),
        (["strain=-1"], "strain"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(mvboot, data, tmp_path, words, message):
    out = tmp_path / "out"
    given = ["--data", data.folder, "--fields", data.folder, "--out", out, *words]
    result = mvboot("surface", *given)
    assert result.code == 2 and message in result.err and not out.exists()


def test_a_camera_without_fields_is_named(mvboot, data, tmp_path):
    fields = tmp_path / "fields"
    shutil.copytree(data.folder / "fields", fields)
    shutil.rmtree(fields / "cam_03")
    given = ["--data", data.folder, "--fields", fields]
    result = mvboot("surface", *given, "--out", tmp_path / "out")
    assert result.code == 2 and "no fields of camera cam_03" in result.err
    result = mvboot("surface", "--fields", fields, "--out", tmp_path / "out")
    assert result.code == 2 and "--rig or --data is missing" in result.err


def test_dry_run_writes_nothing(mvboot, data, tmp_path):
    given = ["--data", data.folder, "--fields", data.folder, "--out", tmp_path / "out"]
    result = mvboot("surface", *given, "--dry-run")
    assert result.code == 0 and "would fit 1 subjects in 2 frames" in result.out
    assert not (tmp_path / "out").exists()
