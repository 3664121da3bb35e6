"""Left and right by name."""

import pytest

from mvboot.datasets.mirror import Mirror
from mvboot.sides import left_right_pairs, without_partner
from mvboot.template import load_template


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("hip_left", "hip_right"),
        ("left_hip", "right_hip"),
        ("Left Hip", "Right Hip"),
        ("leftHip", "rightHip"),
        ("HIP_LEFT", "HIP_RIGHT"),
        ("paw-front-left-tip", "paw-front-right-tip"),
        ("l_hip", "r_hip"),
        ("hip.L", "hip.R"),
        ("base-inner-l", "base-inner-r"),
        ("L1A", "R1A"),
        ("LShoulder", "RShoulder"),
        ("lShoulder", "rShoulder"),
        ("KneeL", "KneeR"),
        ("toe2L", "toe2R"),
        ("Lhip", "Rhip"),
        ("lhip", "rhip"),
        ("L", "R"),
    ],
)
def test_pairs_of_every_style(left, right):
    assert left_right_pairs(["nose", right, left, "tail"]) == {left: right}


def test_names_without_partner_have_none():
    names = ["leg", "lump", "left_eye", "RightEar", "leftear", "l_knee", "R_knee", "cleft", "shell"]
    assert left_right_pairs(names) == {}


@pytest.mark.parametrize("name", ["body", "quadruped"])
def test_names_agree_with_the_symmetry_of_the_templates(name):
    template = load_template(name)
    names = tuple(template.keypoints)
    by_name = Mirror(left_right_pairs(names)).order(names)
    assert (by_name == Mirror.of_template(template).order(names)).all()


def test_sided_names_without_the_other_side():
    names = ("ear_left", "ear_right", "LeftPaw", "right_eye", "nose", "leg")
    assert without_partner(names) == ("LeftPaw", "right_eye")
    assert without_partner(("hip_l", "hip_r", "nose")) == ()
