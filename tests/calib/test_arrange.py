"""A grown rig is adjusted to all it saw; a twin that fits alike is found and told."""

import numpy as np
import pytest
from landmarks_seen import marks, room, telephoto, walking

from mvboot.calib.arrange import ALIKE, arrangements
from mvboot.calib.compare import compare_rigs
from mvboot.errors import NothingUsable
from mvboot.triangulation.options import TriangulationOptions


def turns(rig, one):
    aligned = compare_rigs(rig, one.bundle.rig).aligned
    return max(e.rotation_deg for e in aligned.values())


def test_near_cameras_have_one_arrangement():
    rig, keypoints = walking(3, 1.0, 0.05, 0.05)
    (one,) = arrangements(rig, keypoints, TriangulationOptions())
    assert turns(rig, one) < 0.3
    assert one.noise_px == pytest.approx(1.0, rel=0.2)


@pytest.mark.parametrize("start", [False, True], ids=["from the truth", "from its twin"])
def test_far_cameras_have_two(start):
    """Whichever it starts from; one of the two is the truth."""
    rig = telephoto(3)
    keypoints = marks(rig, room(80), 0.5)
    if start:
        pair = arrangements(rig, keypoints, TriangulationOptions())
        rig_of_twin = max(pair, key=lambda one: turns(rig, one)).bundle.rig
    a, b = arrangements(rig_of_twin if start else rig, keypoints, TriangulationOptions())
    assert a.noise_px <= b.noise_px <= ALIKE * a.noise_px
    small, large = sorted(turns(rig, one) for one in (a, b))
    assert small < 1 and large > 20


def test_a_camera_that_is_not_linked_is_named():
    rig, keypoints = walking(4)
    hidden = keypoints.where(np.array([1, 1, 1, 0], bool)[:, None, None, None])
    with pytest.raises(NothingUsable, match=r"camera cam_04 sees only 0 landmarks that agree"):
        arrangements(rig, hidden, TriangulationOptions())
