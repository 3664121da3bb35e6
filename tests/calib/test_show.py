"""The facts of a rig, against what they were built from."""

import json

import layouts
import numpy as np
import pytest

from mvboot import Camera, Rig
from mvboot.calib.show import camera_facts, rig_facts


def test_facts_of_a_camera():
    camera = layouts.camera_at((3, 0, 1), (0, 0, 1), focal=1000.0, lens="brown")
    facts = camera_facts(camera)
    assert facts["size"] == (1280, 960)
    assert facts["lens"] == "brown 5"
    assert facts["focal_px"] == pytest.approx(1000.0 * np.sqrt(1.001))
    np.testing.assert_allclose(facts["center"], (3, 0, 1), atol=1e-12)
    np.testing.assert_allclose(facts["forward"], (-1, 0, 0), atol=1e-12)


def test_the_view_is_the_widest_angle_in_the_picture():
    K = [[800.0, 0, 799.5], [0, 800.0, 599.5], [0, 0, 1]]
    facts = camera_facts(Camera.from_opencv(K, size=(1600, 1200)))
    assert facts["lens"] == "pinhole"
    assert facts["view_deg"] == pytest.approx(2 * np.degrees(np.arctan(1000 / 800)))


def test_a_fisheye_sees_more_than_half_of_the_world():
    camera = layouts.wide_fisheyes()["cam1"]
    assert camera_facts(camera)["view_deg"] > 180


def test_the_focus_is_what_the_cameras_look_at():
    facts = rig_facts(layouts.one_side())
    np.testing.assert_allclose(facts["focus"], (0, 0, 1), atol=1e-9)
    assert facts["distance"] == pytest.approx(np.hypot(4, 0.4))
    assert (facts["units"], facts["up"]) == ("m", "z")
    assert list(facts["cameras"]) == ["cam1", "cam2", "cam3", "cam4"]


def test_one_wrong_camera_does_not_move_the_focus():
    rig = layouts.one_side(6)
    wrong = {**rig.cameras, "cam2": layouts.camera_at((1, -4, 1.4), (6, 3, 3))}
    np.testing.assert_allclose(rig_facts(Rig(wrong, "m"))["focus"], (0, 0, 1), atol=0.1)


@pytest.mark.parametrize("layout", ["row", "outward", "stereo pair", "one camera"])
def test_cameras_that_look_at_no_common_place_have_no_focus(layout):
    facts = rig_facts(layouts.SOUND[layout]())
    assert facts["focus"] is None
    assert facts["distance"] is None


@pytest.mark.parametrize("layout", layouts.SOUND)
def test_every_layout_can_be_shown_as_json(layout):
    rig = layouts.SOUND[layout]()
    facts = json.loads(json.dumps(rig_facts(rig)))
    assert list(facts["cameras"]) == list(rig.names)
    assert facts["hash"]
