"""Human3.6M: metadata.xml with all cameras in one list, joints in CDF files, millimetres."""

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mvboot.errors import InputError
from mvboot.formats.rigs import load_rig

NAMES = ("54138969", "55011271", "58860488", "60457274")
FRAMES = 12
USED = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


def write_metadata(path, cameras, subject):
    """Write w0: angles and centre of 4 x 11 cameras and subjects, then f, c, k1-3, p1-2 of each."""
    outer = np.zeros((4, 11, 6))
    inner = []
    for c, camera in enumerate(cameras):
        outer[c, subject - 1] = [*Rotation.from_matrix(camera.R).as_euler("XYZ"), *camera.C]
        k1, k2, p1, p2, k3 = camera.dist
        K = camera.K
        inner += [K[0, 0], K[1, 1], K[0, 2], K[1, 2], k1, k2, k3, p1, p2]
    words = " ".join(f"{number:.17g}" for number in [*outer.ravel(), *inner])
    path.write_text(f"<metadata><w0>[{words}]</w0></metadata>")


def write_poses(path, values):
    cdflib = pytest.importorskip("cdflib", reason="CDF files need cdflib")
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = values.reshape(len(values), -1)
    with cdflib.cdfwrite.CDF(str(path), cdf_spec={"Majority": "row_major"}) as file:
        spec = {"Variable": "Pose", "Data_Type": 45, "Num_Elements": 1, "Rec_Vary": True}
        spec |= {"Var_Type": "zVariable", "Dim_Sizes": list(flat.shape), "Compress": 0}
        file.write_var(spec, var_data=flat[None])


@pytest.fixture
def download(tmp_path, exact, tools):
    folder = tmp_path / "h36m"
    person = folder / "S5"
    cameras = exact["true_cameras"](4, unit=1000)
    xyz = exact["moving"](range(FRAMES), 32, unit=1000)
    folder.mkdir()
    write_metadata(folder / "metadata.xml", cameras, 5)
    write_poses(person / "MyPoseFeatures" / "D3_Positions" / "Walking 1.cdf", xyz)
    for name, camera in zip(NAMES, cameras, strict=True):
        video = person / "Videos" / f"Walking 1.{name}.mp4"
        tools["write_video"](video, count=FRAMES + 1, times=20 * np.arange(FRAMES + 1))
        poses = person / "MyPoseFeatures" / "D2_Positions" / f"Walking 1.{name}.cdf"
        write_poses(poses, camera.pixels(xyz))
    return folder


def convert(prepare, download, out, *more):
    result = prepare(
        "human36m", download, "--subject", "S5", "--action", "Walking 1", "--out", out, *more
    )
    assert result.code == 0, result.err
    return result.out


def test_whole_action(download, prepare, opened, tools, exact, tmp_path):
    out = tmp_path / "walk"
    said = convert(prepare, download, out)
    capture, known = opened(out)
    assert (capture.rig.units, capture.rig.up, capture.model.fps) == ("mm", "z", 50)
    assert capture.rig["54138969"].size == exact["SIZE"]
    video = download / "S5" / "Videos" / "Walking 1.54138969.mp4"
    assert os.path.samefile(out / "videos" / "54138969.mp4", video)
    xyz = exact["moving"](range(FRAMES), 32, unit=1000)[:, USED]
    np.testing.assert_allclose(known.xyz[:, 0], xyz, atol=1e-6)
    seen = capture.keypoints
    assert seen.keypoints == known.keypoints
    for c, name in enumerate(seen.cameras):
        gap = capture.rig[name].project(known.xyz[:, 0]) - seen.xy[c, :, 0]
        assert np.abs(gap).max() < 1e-3
    assert "3D truth projects" in said and "17" not in capture.cameras
    assert tools["number_of"](capture.picture("60457274", 7)) == 7


def test_chosen_frames_become_pictures(download, prepare, opened, tools, tmp_path):
    out = tmp_path / "some"
    convert(prepare, download, out, "--frames", "2..9:3", "--cameras", "55011271,60457274")
    capture, known = opened(out)
    assert capture.cameras == ("55011271", "60457274")
    assert capture.frames.tolist() == known.frames.tolist() == [2, 5, 8]
    assert [tools["number_of"](capture.picture("55011271", f)) for f in (2, 5, 8)] == [2, 5, 8]


def test_names_of_tables_without_my_pose_features(download, prepare, opened, tmp_path):
    features = download / "S5" / "MyPoseFeatures"
    for kind in ("D2_Positions", "D3_Positions"):
        (features / kind).rename(download / "S5" / f"Poses_{kind}")
    convert(prepare, download, tmp_path / "walk")
    opened(tmp_path / "walk")


def test_bad_input(download, refused, tmp_path):
    out, usual = tmp_path / "out", ("--subject", "S5", "--action", "Walking 1")
    refused("human36m", out, tmp_path / "none", *usual, says=["no such folder", "card.md"])
    wrong = ("--subject", "S5", "--action", "Flying")
    refused("human36m", out, download, *wrong, says=["S5/Videos/Flying.CAMERA.mp4", "card.md"])
    refused("human36m", out, download, *usual, "--cameras", "1", says=["no camera 1", "54138969"])
    refused("human36m", out, download, *usual, "--frames", "99..", says=["--frames"])
    pose = download / "S5" / "MyPoseFeatures" / "D3_Positions" / "Walking 1.cdf"
    pose.write_bytes(pose.read_bytes()[:200])
    refused("human36m", out, download, *usual, says=["Walking 1.cdf", "CDF"])
    (download / "metadata.xml").write_text("<metadata><w0>[1 2 3]</w0></metadata>")
    refused("human36m", out, download, *usual, says=["metadata.xml", "w0"])
    (download / "metadata.xml").unlink()
    refused("human36m", out, download, *usual, says=["metadata.xml", "the cameras", "card.md"])


def test_cameras_of_the_real_release(shared_data, tmp_path, script):
    """The numbers of metadata.xml mean the cameras that are published as json elsewhere."""
    rig = load_rig(f"{shared_data}/formats/h36m_cameras.json#S9")
    cameras = [SimpleNamespace(
        K=rig[name].K.numpy(),
        dist=rig[name].lens.coefficients.numpy()[:5],
        R=rig[name].cam_from_world.R.numpy(),
        C=rig[name].center.numpy(),
    ) for name in NAMES]  # fmt: skip
    write_metadata(tmp_path / "metadata.xml", cameras, 9)
    found = script("human36m")["read_cameras"](tmp_path / "metadata.xml", "S9")
    subject = np.random.default_rng(0).uniform([-500, -500, 0], [500, 500, 1800], (50, 3))
    for name in NAMES:
        pixels = rig[name].project(subject)
        assert ((pixels > 0) & (pixels < 1002)).all(-1).mean() > 0.9
        np.testing.assert_allclose(found[name].project(subject), pixels, atol=1e-6)


def test_without_cdflib_it_says_what_to_install(script, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cdflib", None)
    with pytest.raises(InputError, match="pip install cdflib"):
        script("human36m")["read_poses"](tmp_path / "x.cdf")
