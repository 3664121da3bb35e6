import json
import shutil
from contextlib import redirect_stderr
from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from mvboot import cli, save_rig
from mvboot.fields import DenseField, converted, read_field, write_field
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.formats.ply import read_ply
from mvboot.surfaces.markers import Markers
from mvboot.surfaces.store import SurfaceFile
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.template import Template

SPOTS = {"crown": "vertex:12", "chest": "face:5000:0.2,0.3,0.5", "side": "vertex:3000"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    settings = SynthSettings(
        cameras=5, frames=3, size=96, samples=1, occluders=0, seed=2, held_out_cameras=["cam_05"]
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
    words += ["--export", "trc", "--export", "c3d", "--fps", "10", "min_views=2"]
    words += [word for name, spot in SPOTS.items() for word in ("--marker", f"{name}={spot}")]
    with redirect_stderr(StringIO()) as said:
        code = cli.run(["surface", *map(str, words)])
    return SimpleNamespace(code=code, err=said.getvalue()), out, fields


@pytest.mark.slow
def test_surfaces_markers_and_a_summary_are_written(data, made):
    result, out, _ = made
    assert result.code == 0, result.err
    summary = json.loads((out / "summary.json").read_text())
    one = summary["surfaces"]["subject"]
    assert one["frames"] == 2 and list(one["lost"]) == ["1"]
    assert (
        "frame 1: fields of two cameras must show the subject; of 5" in result.err
        and summary["units"] == "m"
    )
    surface = SurfaceFile(out / "surface.npz").read("subject", 0)
    true = data.truth.poses.vertices(data.template, 0)[0]
    assert np.linalg.norm(surface.vertices - true, axis=1).mean() < 0.03
    mesh = read_ply(out / "meshes" / "frame_000000.ply")
    np.testing.assert_allclose(mesh.vertices, surface.vertices, atol=1e-5)
    assert mesh.template == data.template.topology
    assert (out / "meshes" / "frame_000000.obj").is_file() and (out / "markers.trc").is_file()
    paths = read_keypoints3d(out / "markers.parquet")
    assert paths.keypoints == tuple(SPOTS) and paths.frames.tolist() == [0, 1, 2]
    assert summary["markers"] == {name: pytest.approx(2 / 3) for name in SPOTS}


@pytest.mark.slow
def test_exported_markers_are_as_far_off_as_the_surface(data, made):
    """Against the true markers; nothing but rounding comes with the export, missing stays so."""
    _, out, _ = made
    markers, frames = Markers.of(SPOTS, data.template), [0, 2]
    file = SurfaceFile(out / "surface.npz")
    true = np.stack([markers.on(data.truth.poses.vertices(data.template, f)[0]) for f in frames])
    own = np.stack([markers.on(file.read("subject", f).vertices) for f in frames])
    off = np.linalg.norm(own - true, axis=-1)
    assert 1e-4 < off.mean() < 0.03
    lines = [line.split("\t") for line in (out / "markers.trc").read_text().splitlines()]
    assert [name for name in lines[3][2:] if name] == list(SPOTS) and not any(lines[7][2:])
    trc = np.array([lines[6 + f][2:] for f in frames], float).reshape(2, 3, 3)[..., [2, 0, 1]]
    np.testing.assert_allclose(np.linalg.norm(trc - true, axis=-1), off, atol=1e-6)
    ezc3d = pytest.importorskip("ezc3d", reason="ezc3d is not installed (extra export)")
    content = ezc3d.c3d(str(out / "markers.c3d"))
    assert content["parameters"]["POINT"]["LABELS"]["value"] == list(SPOTS)
    c3d = content["data"]["points"][:3].transpose(2, 1, 0) / 1000
    assert np.isnan(c3d[1]).all()
    np.testing.assert_allclose(np.linalg.norm(c3d[frames] - true, axis=-1), off, atol=1e-6)


@pytest.mark.slow
def test_markers_that_nothing_shows_are_missing_and_said_so_unless_kept(mvboot, data, tmp_path):
    words = ["--data", data.folder, "--fields", data.folder, "--frames", "0", "--format", "ply"]
    words += ["--cameras", "cam_01,cam_02", "min_views=2", "--marker", "a=vertex:12"]
    words += [f"--marker=v{v}=vertex:{v}" for v in range(0, 6400, 400)]
    result = mvboot("surface", *words, "--out", tmp_path / "missing")
    assert result.code == 0 and "keep_carried=true" in result.err
    paths = read_keypoints3d(tmp_path / "missing" / "markers.parquet")
    assert 0 < np.isnan(paths.xyz[0, 0, :, 0]).sum() < len(paths.keypoints)
    result = mvboot("surface", *words, "--out", tmp_path / "kept", "keep_carried=true")
    assert result.code == 0 and "keep_carried" not in result.err
    assert np.isfinite(read_keypoints3d(tmp_path / "kept" / "markers.parquet").xyz).all()


@pytest.mark.slow
def test_a_surface_that_is_mostly_carried_is_marked_counted_and_said(mvboot, data, tmp_path):
    """Of fields that show a band of the body only, most vertices come from the template."""
    fields = tmp_path / "fields"
    for name in data.cameras:
        field = data.field(name, 0)
        keep = np.zeros(field.shape, bool)
        rows = np.flatnonzero((field.foreground > 0.5).any(axis=1))
        keep[rows[: len(rows) // 4]] = True
        band = replace(field, foreground=np.where(keep, field.foreground, 0.0))
        write_field(band, fields / name / "000000.npz")
    words = ["--data", data.folder, "--fields", fields, "--format", "ply,glb", "min_views=2"]
    result = mvboot("surface", *words, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    one = json.loads((tmp_path / "out" / "summary.json").read_text())["surfaces"]["subject"]
    assert one["mostly_carried"] == {"0": pytest.approx(one["seen_share"])}
    assert one["seen_share"] < 0.25
    assert "1 of 1 frames show less than half of it" in result.out
    assert "less than 25% of the surface; the rest is the template's" in result.err
    mesh = read_ply(tmp_path / "out" / "meshes" / "frame_000000.ply")
    assert mesh.visible.mean() == pytest.approx(one["seen_share"])


@pytest.mark.slow
def test_fields_that_show_nothing_are_nothing_usable(mvboot, data, tmp_path):
    fields = tmp_path / "fields"
    for name in data.cameras:
        shape = data.field(name, 0).shape
        part, uv = np.zeros(shape, np.uint8), np.zeros((*shape, 2))
        empty = DenseField.of_charts(part, uv, data.template.topology, name, 0)
        write_field(empty, fields / name / "000000.npz")
    result = mvboot("surface", "--data", data.folder, "--fields", fields, "--out", tmp_path / "o")
    assert result.code == 3 and not (tmp_path / "o").exists()


@pytest.mark.slow
def test_a_rig_far_from_its_origin_is_said_and_not_rounded(mvboot, data, tmp_path):
    shift = np.array([4.5e5, 5.6e6, 30.0])
    cameras = {}
    for name, camera in data.rig.cameras.items():
        pose = camera.cam_from_world
        cameras[name] = camera.with_pose(
            replace(pose, t=pose.t - pose.R @ pose.t.new_tensor(shift))
        )
    save_rig(replace(data.rig, cameras=cameras), tmp_path / "rig.yaml")
    data.template.save(tmp_path / "t.npz")
    words = ["--fields", data.folder, "--template", tmp_path / "t.npz", "min_views=2"]
    words += ["--rig", tmp_path / "rig.yaml", "--frames", "0", "--format", "ply,glb"]
    result = mvboot("surface", *words, "--out", tmp_path / "out")
    assert result.code == 0, result.err
    assert "lies far from its origin" in result.err
    origin = json.loads((tmp_path / "out" / "summary.json").read_text())["glb_origin"]
    np.testing.assert_allclose(origin, shift, atol=10)
    true = data.truth.poses.vertices(data.template, 0)[0] + shift
    off = SurfaceFile(tmp_path / "out" / "surface.npz").read("subject", 0).vertices - true
    assert np.linalg.norm(off, axis=1).mean() < 0.01
    (shown,) = trimesh.load(tmp_path / "out/meshes/frame_000000.glb", process=False).dump()
    ply = read_ply(tmp_path / "out" / "meshes" / "frame_000000.ply")
    y_up = ply.vertices[:, [0, 2, 1]] * [1, 1, -1]
    np.testing.assert_allclose(shown.vertices, y_up, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_an_animal_is_recovered(mvboot, tmp_path):
    settings = SynthSettings(
        cameras=5, frames=1, size=128, samples=1, occluders=0, seed=5, template="quadruped"
    )
    capture = synthesise(settings, tmp_path / "capture")
    words = ["--data", capture.folder, "--fields", capture.folder, "--out", tmp_path / "out"]
    assert mvboot("surface", *words, "min_views=2").code == 0
    words = ["--surface", tmp_path / "out", "--data", capture.folder, "--out", tmp_path / "e"]
    result = mvboot("evaluate", *words, "--json", "--fail-above", "vertices.mean_mm=12")
    assert result.code == 0, result.err
    assert json.loads(result.out)["truth"]["chamfer_mm"] < 8


@pytest.mark.slow
def test_what_was_fitted_can_be_evaluated(mvboot, data, made, tmp_path):
    words = ["--surface", made[1], "--data", data.folder, "--fields", data.folder]
    result = mvboot("evaluate", *words, "--out", tmp_path / "e", "--json")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert found["truth"]["vertices"]["mean_mm"] < 30
    assert found["held_out"]["cam_05"]["iou"] > 0.6
    assert found["held_out"]["cam_05"]["reprojection"]["median_px"] < 5
    assert "was made with cam_05 too" in result.err
    again = ("--config", tmp_path / "e" / "config.yaml", "--out", tmp_path / "again")
    result = mvboot("evaluate", *again, "--fail-above", "vertices.p90_mm=0.01")
    assert result.code == 1 and "vertices.p90_mm is" in result.err
    result = mvboot("evaluate", *words, "--out", tmp_path / "x", "--against", data.folder)
    assert result.code == 2 and "--against does not go with --surface" in result.err


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--template", "quadruped"], "was made with the template"),
        (["--without-template", "--marker", "a=vertex:1"], "--marker does not go with"),
        (["--without-template", "strain=0.2"], "strain does not go with --without-template"),
        (["min_views=6"], "there are 5 cameras"),
        (["keep_carried=true"], "keep_carried is of markers"),
        (["--frames", "99"], "no field of frame 99"),
        (["--marker", "a=vertex:999999"], "marker 'a'"),
        (["--export", "trc"], "--export is of markers"),
        (["--format", "stl"], "unknown form of a surface 'stl'"),
        (["--cameras", "cam_01"], "at least two cameras"),
        (["strain=-1"], "strain"),
        (["--frames", "²"], "frames are numbers"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(mvboot, data, tmp_path, words, message):
    out = tmp_path / "out"
    given = ["--data", data.folder, "--fields", data.folder, "--out", out, *words]
    result = mvboot("surface", *given)
    assert result.code == 2 and message in result.err and not out.exists()


@pytest.mark.slow
def test_a_camera_without_fields_is_named(mvboot, data, tmp_path):
    fields = tmp_path / "fields"
    shutil.copytree(data.folder / "fields", fields)
    shutil.rmtree(fields / "cam_03")
    given = ["--data", data.folder, "--fields", fields]
    result = mvboot("surface", *given, "--out", tmp_path / "out")
    assert result.code == 2 and "no fields of camera cam_03" in result.err
    result = mvboot("surface", "--fields", fields, "--out", tmp_path / "out")
    assert result.code == 2 and "--rig or --data is missing" in result.err


@pytest.mark.slow
def test_dry_run_writes_nothing(mvboot, data, tmp_path):
    given = ["--data", data.folder, "--fields", data.folder, "--out", tmp_path / "out"]
    result = mvboot("surface", *given, "--dry-run")
    assert result.code == 0 and "fit the template to 3 frames of 5 cameras" in result.out
    assert not (tmp_path / "out").exists()


def refused(mvboot, out, *words):
    """Run the command, which must refuse in one line and write nothing; returns code and line."""
    result = mvboot("surface", *words, "--out", out, "min_views=2", "--frames", "0")
    assert not out.exists() and len(result.err.splitlines()) == 1, result.err
    return result.code, result.err


def holed(template):
    """Return a template without the faces around a vertex."""
    faces = template.faces[~(template.faces == 200).any(1)]
    return Template("holed", "m", template.vertices, faces, embedding=template.embedding)


def fields_of(data, topology, folder):
    """Write the fields of frame 0 as an embedding of another template's mesh."""
    for camera in data.cameras:
        field = converted(data.field(camera, 0), data.template, "embedding")
        write_field(replace(field, topology=topology), folder / camera / "000000.npz")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("inverted", [False, True])
def test_open_templates_are_fitted_but_not_inverted_ones(mvboot, data, tmp_path, inverted):
    template = holed(data.template)
    faces = template.faces[:, ::-1] if inverted else template.faces
    template = replace(template, faces=faces)
    template.save(tmp_path / "t.npz")
    fields = fields_of(data, template.topology, tmp_path / "fields")
    words = ["--data", data.folder, "--fields", fields, "--template", tmp_path / "t.npz"]
    if inverted:
        code, line = refused(mvboot, tmp_path / "out", *words)
        assert code == 2 and "'holed' look inwards" in line
    else:
        assert mvboot("surface", *words, "--out", tmp_path / "out", "min_views=2").code == 0


@pytest.mark.slow
def test_templates_that_are_none_are_refused(mvboot, data, tmp_path):
    path, out = tmp_path / "t.npz", tmp_path / "out"
    words = ["--data", data.folder, "--fields", data.folder, "--template", path]
    arrays = dict(np.load(data.folder / "template.npz"))
    faces = arrays["faces"]
    for changed, said in (
        (np.concatenate([faces, faces[:2]]), "edges belong to more than two faces"),
        (faces[:, [1, 2, 0]], "was made with the template"),
    ):
        np.savez(path, **{**arrays, "faces": changed})
        code, line = refused(mvboot, out, *words)
        assert code == 2 and said in line and "t.npz" in line
    replace(data.template, embedding=None).save(path)
    code, line = refused(mvboot, out, *words)
    assert code == 2 and "has no embedding" in line
    replace(data.template, vertices=100 * data.template.vertices).save(path)
    code, line = refused(mvboot, out, *words)
    assert code == 3 and "0.0086 times the size of the template" in line


@pytest.mark.slow
def test_nobody_visible_and_fields_that_are_not_there(mvboot, data, made, tmp_path):
    out = tmp_path / "out"
    fields = tmp_path / "fields"
    shutil.copytree(made[2], fields)
    words = ["--data", data.folder, "--fields", fields]
    result = mvboot("surface", *words, "--frames", "1", "--out", out)
    assert result.code == 3 and "of 5 fields those of no camera do" in result.err
    assert len(result.err.splitlines()) == 1 and not out.exists()
    result = mvboot("surface", *words, "--frames", "1", "--without-template", "--out", out)
    assert result.code == 3 and "of 5 fields those of no camera do" in result.err
    shutil.copy(fields / "cam_02" / "000000.npz", fields / "cam_03" / "000000.npz")
    code, line = refused(mvboot, out, *words)
    assert code == 2 and "is the field of camera cam_02, frame 0, not of cam_03" in line
    (fields / "cam_03" / "000000.npz").write_bytes(b"PK cut off")
    code, line = refused(mvboot, out, *words)
    assert code == 2 and "cam_03/000000.npz: cannot be read as a field" in line


@pytest.mark.slow
def test_names_and_folders_that_would_mix_are_refused(mvboot, data, made, tmp_path):
    rig = ["--data", data.folder]
    for name in ("..", "a/b", "/tmp"):
        code, line = refused(mvboot, tmp_path / "out", *rig, "--fields", f"{name}={data.folder}")
        assert code == 2 and "cannot name a subject" in line
    two = [f"--fields={name}={data.folder}" for name in ("anna", "otto")]
    words = [*rig, *two, "--marker", "a=vertex:1", "--export", "anipose"]
    code, line = refused(mvboot, tmp_path / "out", *words)
    assert code == 2 and "anipose holds one subject" in line
    words = [*rig, "--fields", made[2], "--overwrite"]
    for out in (made[2], data.folder):
        before = sorted(path.name for path in out.iterdir())
        result = mvboot("surface", *words, "--out", out)
        assert result.code == 2 and "is read from" in result.err
        assert sorted(path.name for path in out.iterdir()) == before
    result = mvboot("surface", *words, "--out", data.folder / "rig.yaml" / "out")
    assert result.code == 2 and "rig.yaml: is a file" in result.err


@pytest.mark.slow
def test_results_say_where_they_come_from(mvboot, data, made):
    for path in ("surface.npz", "meshes/frame_000000.ply", "markers.parquet", "summary.json"):
        result = mvboot("inspect", made[1] / path)
        assert result.code == 0 and data.template.topology in result.out
    result = mvboot("inspect", data.folder / "template.npz")
    assert result.code == 0 and "kind: template" in result.out
    (data.folder / "other.npz").write_bytes((data.folder / "template.npz").read_bytes()[:200])
    result = mvboot("inspect", data.folder / "other.npz")
    (data.folder / "other.npz").unlink()
    assert result.code == 2 and "other.npz: " in result.err
