import numpy as np
import pytest

from mvboot.bootstrap.bones import (
    Bone,
    bone_lengths,
    distance_to_segment,
    limited,
    read_bones,
    template_bones,
)
from mvboot.errors import InputError
from mvboot.template import load_template

NAMES = ("hip", "knee", "foot")


def test_a_file_of_bones(tmp_path):
    path = tmp_path / "bones.yaml"
    path.write_text(
        "thigh: [hip, knee]\n"
        "shank: {between: [knee, foot], shortest: 0.3, longest: 0.6, radius: 0.05}\n"
    )
    thigh, shank = read_bones(path, NAMES)
    assert thigh == Bone("thigh", ("hip", "knee"))
    assert shank == Bone("shank", ("knee", "foot"), 0.3, 0.6, 0.05)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("thigh: [hip, wing]", "names the keypoint 'wing'"),
        ("thigh: [hip, hip]", "two different keypoints"),
        ("thigh: {between: [hip, knee], shortest: 2, longest: 1}", "less than its longest"),
        ("thigh: {between: [hip, knee], radius: -1}", "greater than 0"),
        ("thigh: [hip]", "thigh"),
        ("[1, 2]", "dictionary"),
        ("a: [", "broken YAML"),
    ],
)
def test_files_that_are_no_bones(tmp_path, text, words):
    path = tmp_path / "bones.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_bones(path, NAMES)


def test_limits_are_learned_from_labels_first():
    bones = (Bone("thigh", ("hip", "knee")), Bone("shank", ("knee", "foot"), longest=9.0))
    labels = {"thigh": np.array([1.0, 1, 1, np.nan]), "shank": np.array([np.nan, 2.0])}
    points = {"thigh": np.full(9, 5.0), "shank": np.array([2.0, 2, 2, 40])}
    thigh, shank = limited(bones, labels, points, 2.0)
    assert (thigh.shortest, thigh.longest) == (0.5, 2.0)
    assert (shank.shortest, shank.longest) == (1.0, 9.0), "what is stated stays"
    thigh, shank = limited(bones, labels, points, 2.0, slack=0.1)
    assert (thigh.shortest, thigh.longest) == (pytest.approx(0.4), pytest.approx(2.1))
    assert shank.longest == 9.0
    nothing = {"thigh": np.zeros(0), "shank": np.zeros(0)}
    assert limited(bones, nothing, nothing, 2.0) == bones


def test_lengths_and_distances():
    xyz = np.array([[[0.0, 0, 0], [0, 3, 4], [np.nan] * 3]])
    bones = (Bone("thigh", ("hip", "knee")), Bone("shank", ("knee", "foot")))
    found = bone_lengths(xyz, NAMES, bones)
    assert found["thigh"].tolist() == [5.0] and np.isnan(found["shank"]).all()
    a, b = np.zeros(3), np.array([2.0, 0, 0])
    points = np.array([[1.0, 1, 0], [3, 0, 0], [-3, 4, 0], [0.5, 0, 0]])
    assert distance_to_segment(points, a, b).tolist() == [1, 1, 5, 0]
    assert distance_to_segment(points[:1], a, a).tolist() == [pytest.approx(np.sqrt(2))]


def test_bones_of_a_template_are_as_thick_as_its_limbs():
    body = load_template("body")
    every = {bone.ends: bone for bone in template_bones(body, tuple(body.keypoints), "cm")}
    assert set(every) == set(body.edges)
    radii = {bone.radius for bone in every.values()}
    assert all(1 < radius < 25 for radius in radii), "in cm"
    some = next(iter(body.edges))
    (only,) = template_bones(body, some, "m")
    assert only.ends == some and only.radius > 0.01
    assert template_bones(body, ("nothing",), "m") == ()
