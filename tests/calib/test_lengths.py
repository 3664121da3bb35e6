"""The size of a rig from measured lengths: forms, names, agreement."""

import numpy as np
import pytest
from landmarks_seen import between, walker

from mvboot.calib.lengths import Distance, length_in, scale_by
from mvboot.errors import InputError

RIG = walker(3).rig
PLACES = {
    "a": np.array([[0.0, 0, 0], [0, 0, 0], [np.nan] * 3]),
    "b": np.array([[2.0, 0, 0], [0, 2, 0], [0, 0, 9]]),
    "lost": np.full((3, 3), np.nan),
}


@pytest.mark.parametrize(
    ("length", "metres"),
    [("0.5m", 0.5), ("50 cm", 0.5), ("500mm", 0.5), (".5m", 0.5), ("250um", 25e-5)],
)
def test_lengths_have_units(length, metres):
    assert Distance.parsed("a:b", length) == Distance("a", "b", pytest.approx(metres))


@pytest.mark.parametrize(
    ("pair", "length"), [("a", "1m"), ("a:b:c", "1m"), ("a:a", "1m"), (":b", "1m"), ("a:b", "1")]
)
def test_other_forms_are_refused(pair, length):
    with pytest.raises(InputError, match=r"is not of the form A:B=0\.5m"):
        Distance.parsed(pair, length)


def test_names_are_of_cameras_or_of_landmarks():
    Distance("cam_01", "cam_02", 1.0).require(RIG.names, ("a", "b"))
    Distance("a", "b", 1.0).require(RIG.names, ("a", "b"))
    with pytest.raises(InputError, match=r"a:cam_01: names neither two cameras .* nor two"):
        Distance("a", "cam_01", 1.0).require(RIG.names, ("a", "b"))
    with pytest.raises(InputError, match="cameras and landmarks have these names"):
        Distance("a", "b", 1.0).require(("a", "b"), ("a", "b"))


def test_the_length_of_a_bone_is_its_median():
    assert length_in(RIG, PLACES, Distance("a", "b", 1.0)) == 2.0
    assert np.isnan(length_in(RIG, PLACES, Distance("a", "lost", 1.0)))
    cameras = between(RIG)
    assert length_in(RIG, {}, cameras) == pytest.approx(cameras.metres)


def test_several_distances_are_averaged_and_told():
    rig = RIG.in_units("mm")
    both = [Distance("a", "b", 0.004), Distance("b", "a", 0.00408)]
    scale, found = scale_by(rig, PLACES, both)  # 2 mm now
    assert scale == pytest.approx(2 * np.sqrt(1.02))
    assert found["a:b"] == {"measured": pytest.approx(4), "located": pytest.approx(2 * scale)}


def test_what_contradicts_or_was_not_located_is_refused():
    with pytest.raises(InputError, match=r"contradict each other \(a:b is 4, not"):
        scale_by(RIG, PLACES, [Distance("a", "b", 4.0), Distance("b", "a", 5.0)])
    with pytest.raises(InputError, match="a:lost: too few cameras see both landmarks"):
        scale_by(RIG, PLACES, [Distance("a", "lost", 4.0)])
