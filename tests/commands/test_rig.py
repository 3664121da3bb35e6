import json
import math
import re
import shlex
from dataclasses import replace

import pytest

from mvboot import Camera, load_rig, save_rig


def test_convert_prints_the_gap(mvboot, walker, tmp_path):
    target = tmp_path / "calibration.toml"
    result = mvboot("rig", "convert", walker.rig, target)
    assert result.code == 0, result.err
    gaps = json.loads(mvboot("rig", "convert", walker.rig, tmp_path / "j.toml", "--json").out)[
        "gap_px"
    ]
    assert set(gaps) == set(walker.scene.rig.names) and max(gaps.values()) < 1e-6
    assert load_rig(target).names == walker.scene.rig.names


def test_convert_changes_units_and_announces_new_names(mvboot, walker, tmp_path):
    rig = walker.scene.rig
    named = type(rig)(dict(zip("abcde", rig.cameras.values(), strict=True)), "m")
    save_rig(named, tmp_path / "named.yaml")
    result = mvboot(
        *("rig", "convert", tmp_path / "named.yaml", tmp_path / "array.toml"),
        *("--to", "caliscope"),
    )
    assert result.code == 0 and "a is now cam_0" in result.err
    result = mvboot(
        "rig", "convert", tmp_path / "named.yaml", tmp_path / "mm.yaml", "--to-units", "mm"
    )
    assert result.code == 0
    far = load_rig(tmp_path / "mm.yaml")["a"].center.norm() / named["a"].center.norm()
    assert math.isclose(float(far), 1000, rel_tol=1e-9)


def test_convert_keeps_what_is_there(mvboot, walker, tmp_path):
    target = tmp_path / "calibration.toml"
    target.write_text("precious")
    assert mvboot("rig", "convert", walker.rig, target).code == 2
    assert target.read_text() == "precious"
    assert mvboot("rig", "convert", walker.rig, target, "--overwrite").code == 0


def test_show_lists_the_cameras(mvboot, walker):
    result = mvboot("rig", "show", walker.rig)
    assert result.code == 0
    for name in walker.scene.rig.names:
        assert name in result.out
    assert "1280x960" in result.out and "brown 5" in result.out
    facts = json.loads(mvboot("rig", "show", walker.rig, "--json").out)
    assert facts["units"] == "m" and 2 < facts["distance"] < 3.5


def test_check_of_a_sound_rig(mvboot, walker):
    result = mvboot("rig", "check", walker.rig)
    assert result.code == 0 and "no fault found" in result.out


def test_check_finds_the_floor_where_up_is_stated(mvboot, walker, tmp_path):
    rig = walker.scene.rig
    save_rig(type(rig)(rig.cameras, "m"), tmp_path / "rig.yaml")
    assert mvboot("rig", "check", tmp_path / "rig.yaml").code == 0
    result = mvboot("rig", "check", tmp_path / "rig.yaml", "--up", "-z")
    assert result.code == 1 and "below-floor" in result.out


@pytest.mark.slow
def test_check_of_mouse4(mvboot, shared_data):
    path = shared_data / "mouse4" / "calibration.toml"
    result = mvboot("rig", "check", path, "--units", "mm")
    assert result.code == 1
    assert "identical-blocks" in result.out and "side" in result.out and "top" in result.out
    findings = json.loads(mvboot("rig", "check", path, "--units", "mm", "--json").out)["findings"]
    cameras = {finding["code"]: finding["cameras"] for finding in findings}
    assert cameras["identical-blocks"] == ["side", "top"]
    assert cameras["lens-folds"] == ["back", "mid", "side", "top"]


@pytest.mark.slow
def test_a_lens_that_folds_is_a_fault_and_a_warning(mvboot, walker, tmp_path):
    rig = walker.scene.rig
    K = rig["cam_01"].K
    odd = Camera.from_opencv(K, [-0.9, 0, 0, 0], size=rig["cam_01"].size)
    odd = odd.with_pose(rig["cam_01"].cam_from_world)
    save_rig(replace(rig, cameras={**rig.cameras, "cam_01": odd}), tmp_path / "rig.yaml")
    checked = mvboot("rig", "check", tmp_path / "rig.yaml")
    assert checked.code == 1 and "lens-folds: " in checked.out and "cam_01 (" in checked.out
    shown = mvboot("rig", "show", tmp_path / "rig.yaml")
    assert shown.code == 0 and "no inverse in a part of the picture of cam_01" in shown.err
    facts = json.loads(mvboot("rig", "show", tmp_path / "rig.yaml", "--json").out)["cameras"]
    assert facts["cam_01"]["rayless"] > 0.01 and facts["cam_02"]["rayless"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        "fly3/calibration.toml",
        "human4/calibration/Calib.qca.txt",
        "mouse6_dannce/mouse1_label3d_dannce.mat",
        "dino16/dinoSR_par.txt",
        "skull17/cameras_sphere_half.npz",
        "boards4/camera_array.toml",
        "formats/panoptic_calibration.json",
        "formats/h36m_cameras.json#S1",
    ],
)
def test_check_of_sound_recordings(mvboot, shared_data, path):
    units = {"fly3": "mm", "dino16": "m", "skull17": "mm"}.get(path.split("/")[0])
    options = ("--units", units) if units else ()
    result = mvboot("rig", "check", f"{shared_data}/{path}", *options)
    assert result.code == 0, result.out


def test_compare(mvboot, walker, tmp_path):
    save_rig(walker.scene.rig.in_units("mm"), tmp_path / "mm.yaml")
    result = mvboot("rig", "compare", walker.rig, tmp_path / "mm.yaml", "--json")
    assert result.code == 0
    facts = json.loads(result.out)
    assert facts["as_given"]["cam_01"]["gap_px"] < 1e-6 and abs(facts["scale"] - 1) < 1e-9
    assert "worlds aligned" in mvboot("rig", "compare", walker.rig, tmp_path / "mm.yaml").out


@pytest.fixture
def foreign(walker, tmp_path):
    """A rig whose file states no unit."""
    save_rig(walker.scene.rig, tmp_path / "foreign", "opencv")
    return tmp_path / "foreign"


OF_A_RIG = {
    "show": ("rig", "show", "RIG"),
    "check": ("rig", "check", "RIG"),
    "compare": ("rig", "compare", "RIG", "OWN"),
    "compare the other": ("rig", "compare", "OWN", "RIG"),
    "convert": ("rig", "convert", "RIG", "OUT.yaml"),
    "world": ("rig", "world", "RIG", "--camera", "cam_01", "--out", "OUT.yaml"),
    "refine": ("rig", "refine", "RIG", "--keypoints", "KEYPOINTS", "--out", "OUT"),
    "triangulate": ("triangulate", "--rig", "RIG", "--keypoints", "KEYPOINTS", "--out", "OUT"),
    "synth": ("synth", "--rig", "RIG", "--out", "OUT"),
    "capture": ("capture", "--rig", "RIG", "--images", "{camera}/*.png", "--out", "OUT"),
}


@pytest.mark.slow
@pytest.mark.parametrize("words", OF_A_RIG.values(), ids=OF_A_RIG)
def test_a_missing_unit_can_be_stated_as_the_message_says(
    mvboot, walker, foreign, tmp_path, words, monkeypatch
):
    places = {"RIG": foreign, "OWN": walker.rig, "KEYPOINTS": walker.keypoints}
    places |= {"OUT": tmp_path / "out", "OUT.yaml": tmp_path / "out.yaml"}
    words = [places.get(word, word) for word in words]
    refused = mvboot(*words)
    assert refused.code == 2 and "OpenCV FileStorage stores no unit of length" in refused.err
    assert "=)" not in refused.err and "if this command" not in refused.err
    if words[0] in ("synth", "capture"):
        assert "--units," not in refused.err, "they have no such option"
        monkeypatch.chdir(tmp_path)
        assert mvboot(*shlex.split(re.search("`mvboot (.*?)`", refused.err)[1])).code == 0
        words[words.index(foreign)] = tmp_path / "rig.yaml"
    else:
        assert "state it with --units, one of m, cm, mm, um" in refused.err
        words += ["--units", "m"]
    assert "unit of length" not in mvboot(*words).err


def test_a_unit_that_both_files_contradict(mvboot, walker):
    refused = mvboot("rig", "compare", walker.rig, walker.rig, "--units", "mm")
    assert refused.code == 2 and "states its lengths in m, but mm was asked for" in refused.err


def test_compare_pairs_names_that_differ_by_spelling(mvboot, walker, tmp_path):
    respelt = {name: f"Cam {name[-2:]}" for name in walker.scene.rig.names}
    save_rig(walker.scene.rig.renamed(respelt), tmp_path / "other.yaml")
    result = mvboot("rig", "compare", walker.rig, tmp_path / "other.yaml")
    assert result.code == 0 and "cameras paired: Cam 01 is cam_01, " in result.out, result.err
    save_rig(walker.scene.rig.renamed({"cam_01": "left"}), tmp_path / "left.yaml")
    refused = mvboot("rig", "compare", walker.rig, tmp_path / "left.yaml")
    assert refused.code == 2 and "different cameras" in refused.err and "left" in refused.err


def test_a_rig_without_units_is_made_one_with_units_everywhere(mvboot, walker, tmp_path):
    """The advice works in commands that have no --units, too."""
    foreign = tmp_path / "their rig_par.txt"
    cameras = {name: replace(c, lens=pinhole()) for name, c in walker.scene.rig.cameras.items()}
    save_rig(replace(walker.scene.rig, cameras=cameras), foreign, "middlebury")
    result = mvboot("synth", "--rig", foreign, "--frames", 1, "--out", tmp_path / "out")
    assert result.code == 2 and not (tmp_path / "out").exists()
    advice = re.search("`mvboot (.*?)`", result.err)[1]
    words = shlex.split(advice)
    assert words[:2] == ["rig", "convert"] and words[-2:] == ["--units", "mm"]
    words[words.index("rig.yaml")] = str(tmp_path / "rig.yaml")
    assert mvboot(*words).code == 0
    assert load_rig(tmp_path / "rig.yaml").units == "mm"


def pinhole():
    return Camera.from_opencv([[900, 0, 640], [0, 900, 480], [0, 0, 1]], lens="pinhole").lens


def test_convert_and_show_say_how_large_the_volume_is(mvboot, walker, tmp_path):
    for command in (["show", walker.rig], ["convert", walker.rig, tmp_path / "rig.yaml"]):
        result = mvboot("rig", *command)
        assert result.code == 0 and "from what they see" in result.out
        assert "the unit of the rig" not in result.err
    save_rig(replace(walker.scene.rig, units="um"), tmp_path / "um.yaml")
    for command in (["show"], ["convert", tmp_path / "again.yaml"]):
        result = mvboot("rig", command[0], tmp_path / "um.yaml", *command[1:])
        assert result.code == 0 and "the unit of the rig is probably not um" in result.err


def test_a_camera_without_a_pose_is_named_by_every_command(mvboot, walker, tmp_path):
    path = tmp_path / "a.toml"
    save_rig(walker.scene.rig, path)
    text = path.read_text()
    start = text.index("rotation =")
    path.write_text(text[:start] + text[text.index("fisheye =") :])
    said = f"camera {walker.scene.rig.names[0]} has no pose in a.toml and is left out"
    for command in (["show"], ["check"], ["convert", tmp_path / "b.yaml"]):
        result = mvboot("rig", command[0], path, *command[1:])
        assert result.code == 0 and said in result.err
