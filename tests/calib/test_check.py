"""Every broken rig is named for what is wrong with it; sound rigs pass without a word."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gallery import BROKEN
from layouts import SOUND, random_rig, ring

from mvboot import Camera, InputError, Rig, load_rig
from mvboot.calib import check_rig
from mvboot.geometry import make_lens, rayless_share

REAL = {
    "fly3": ("fly3/calibration.toml", "mm"),
    "human4": ("human4/calibration/Calib.qca.txt", None),
    "mouse6": ("mouse6_dannce/mouse1_label3d_dannce.mat", None),
    "dino16": ("dino16/dinoSR_par.txt", "m"),
    "skull17": ("skull17/cameras_sphere_half.npz", "m"),
    "boards4": ("boards4/camera_array.toml", None),
    **{s: (f"formats/h36m_cameras.json#{s}", None) for s in ("S1", "S5", "S6", "S7", "S9", "S11")},
}

RIG_YAML = """\
schema: 1
units: m
cameras:
  front:
    size: [1280, 960]
    K: {K}
    rotation: {rotation}
    translation: [0, 0, 2]
"""
K = [[1000, 0, 640], [0, 1000, 480], [0, 0, 1]]


@pytest.mark.parametrize("fault", BROKEN)
def test_the_fault_is_named_and_nothing_else(fault):
    broken = BROKEN[fault]
    rig = broken.make()
    found = [(finding.code, finding.cameras) for finding in check_rig(rig)]
    assert found == [(broken.code, broken.cameras or rig.names)]


@pytest.mark.parametrize("layout", SOUND)
def test_a_sound_rig_has_no_findings(layout):
    assert check_rig(SOUND[layout]()) == ()


@pytest.mark.slow
def test_random_sound_rigs_have_no_findings():
    faulty = {seed: check_rig(random_rig(seed)) for seed in range(100)}
    assert {seed: found for seed, found in faulty.items() if found} == {}


def test_the_message_names_the_cameras_and_what_to_do():
    (finding,) = check_rig(BROKEN["ring, two cameras in mm"].make())
    assert str(finding).startswith("mixed-units: ")
    assert "cam2, cam7" in finding.message
    assert "1000" in finding.message


@pytest.mark.parametrize("seed", range(8))
def test_findings_do_not_depend_on_the_order_of_the_cameras(seed):
    fault = list(BROKEN.values())[7 * seed]
    rig = fault.make()
    order = np.random.default_rng(seed).permutation(rig.names)
    shuffled = check_rig(rig.subset(str(name) for name in order))
    assert [f.code for f in shuffled] == [fault.code]
    assert set(shuffled[0].cameras) == set(fault.cameras or rig.names)


# --- real rigs --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", REAL)
def test_real_rigs_are_sound(shared_data, name):
    file, units = REAL[name]
    assert check_rig(load_rig(shared_data / file, units=units)) == ()


def test_fly7_is_sound(shared_data):
    stored = np.load(shared_data / "fly7" / "reference.npz", allow_pickle=True)
    cameras = {
        f"cam{i}": Camera.from_opencv(
            stored[f"cam{i}_intr"],
            stored[f"cam{i}_distort"],
            stored[f"cam{i}_R"],
            stored[f"cam{i}_tvec"],
            (960, 480),
        )
        for i in range(7)
    }
    assert check_rig(Rig(cameras, "mm")) == ()


def test_mouse4_has_a_copied_block_and_lenses_that_fold(shared_data):
    block, lens = check_rig(load_rig(shared_data / "mouse4" / "calibration.toml", units="mm"))
    assert block.code == "identical-blocks" and block.cameras == ("side", "top")
    assert lens.code == "lens-folds" and lens.cameras == ("back", "mid", "side", "top")


# --- lenses -------------------------------------------------------------------------------------


def folded(rig, names, k1=-0.9):
    """The rig with strong barrel distortion in some cameras."""
    cameras = dict(rig.cameras)
    for name in names:
        lens = make_lens("brown", torch.tensor([k1, 0, 0, 0], dtype=torch.float64))
        cameras[name] = replace(cameras[name], lens=lens)
    return replace(rig, cameras=cameras)


def test_a_lens_that_folds_inside_the_picture_is_named_with_its_share():
    rig = folded(ring(), ["cam2", "cam5"])
    (finding,) = check_rig(rig)
    assert finding.code == "lens-folds" and finding.cameras == ("cam2", "cam5")
    share = 100 * rayless_share(rig["cam2"])
    assert share > 1 and f"cam2 ({share:.2g} %)" in finding.message


@pytest.mark.slow
def test_many_folding_lenses_make_a_short_message():
    rig = ring()
    (finding,) = check_rig(folded(rig, rig.names))
    assert finding.cameras == rig.names
    assert f"and {len(rig) - 6} more cameras" in finding.message and len(finding.message) < 400


def test_a_lens_that_folds_is_named_beside_another_fault():
    broken = BROKEN["ring, two cameras in mm"].make()
    codes = [finding.code for finding in check_rig(folded(broken, ["cam1"]))]
    assert codes == ["mixed-units", "lens-folds"]


@pytest.mark.slow
def test_a_rig_of_520_cameras_is_sound(shared_data):
    rig = load_rig(shared_data / "formats" / "panoptic_calibration.json")
    assert check_rig(rig) == ()


# --- faults that cannot be loaded ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("matrix", "rotation", "said"),
    [
        (np.transpose(K).tolist(), [0, 0, 0], "transposed K"),
        (K, [[-1, 0, 0], [0, 1, 0], [0, 0, 1]], "mirrored world"),
    ],
)
def test_files_with_such_faults_are_refused_by_name(tmp_path, matrix, rotation, said):
    path = tmp_path / "rig.yaml"
    path.write_text(RIG_YAML.format(K=matrix, rotation=rotation))
    with pytest.raises(InputError, match=said) as refusal:
        load_rig(path)
    assert "front" in str(refusal.value)
    assert "rig.yaml" in str(refusal.value)


def test_the_same_file_without_the_fault_loads(tmp_path):
    path = tmp_path / "rig.yaml"
    path.write_text(RIG_YAML.format(K=K, rotation=[0, 0, 0]))
    assert check_rig(load_rig(path)) == ()


def test_the_unit_does_not_change_the_findings():
    rig = BROKEN["ring, one pose inverted"].make()
    codes = {tuple(f.code for f in check_rig(rig.in_units(units))) for units in ("m", "cm", "mm")}
    assert codes == {("inverse-pose",)}
    assert check_rig(ring().in_units("cm")) == ()
