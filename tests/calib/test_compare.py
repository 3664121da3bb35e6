"""Two calibrations of the same cameras, alike but for one known difference at a time."""

import json
from dataclasses import replace

import layouts
import numpy as np
import pytest
import torch
from gallery import changed, shifted, turned

from mvboot import InputError, Rig
from mvboot.calib import compare_rigs
from mvboot.geometry import Pose

WORLD = Pose.from_rotation((0.4, -0.3, 1.1), (0.5, -0.2, 3.0))


def each(differences, field):
    return np.array([getattr(difference, field) for difference in differences.values()])


def scaled(rig, factor):
    cameras = {n: c.with_pose(c.cam_from_world.scaled(factor)) for n, c in rig.cameras.items()}
    return replace(rig, cameras=cameras)


@pytest.mark.parametrize("layout", ["ring", "stereo pair", "row", "telephoto", "moving"])
def test_a_rig_does_not_differ_from_itself(layout):
    rig = layouts.SOUND[layout]()
    comparison = compare_rigs(rig, rig)
    for differences in (comparison.as_given, comparison.aligned):
        assert tuple(differences) == rig.names
        np.testing.assert_allclose(each(differences, "rotation_deg"), 0, atol=1e-5)
        np.testing.assert_allclose(each(differences, "center"), 0, atol=1e-9)
        np.testing.assert_allclose(each(differences, "focal_ratio"), 1)
        np.testing.assert_allclose(each(differences, "principal_point_px"), 0)
        assert each(differences, "gap_px").max() < 1e-5
    assert comparison.scale == pytest.approx(1)


def test_units_do_not_count_as_a_difference():
    comparison = compare_rigs(layouts.ring(), layouts.ring(units="mm"))
    assert comparison.units == "m"
    assert comparison.scale == pytest.approx(1)
    assert each(comparison.as_given, "gap_px").max() < 1e-6


@pytest.mark.parametrize("layout", ["ring", "ring of 3", "stereo pair", "row", "one camera"])
def test_another_world_is_aligned_away(layout):
    rig = layouts.SOUND[layout]()
    comparison = compare_rigs(rig, layouts.moved(rig, WORLD))
    assert each(comparison.as_given, "rotation_deg").min() > 30
    np.testing.assert_allclose(each(comparison.aligned, "rotation_deg"), 0, atol=1e-5)
    np.testing.assert_allclose(each(comparison.aligned, "center"), 0, atol=1e-9)
    assert each(comparison.aligned, "gap_px").max() < 1e-5
    assert comparison.scale == pytest.approx(1)


@pytest.mark.parametrize("factor", [0.5, 1.02, 1000.0])
def test_another_scale_is_found_and_aligned_away(factor):
    rig = layouts.ring()
    comparison = compare_rigs(rig, layouts.moved(scaled(rig, factor), WORLD))
    assert comparison.scale == pytest.approx(factor)
    assert each(comparison.aligned, "gap_px").max() < 1e-5


def test_the_order_of_the_cameras_does_not_matter():
    rig = layouts.ring()
    comparison = compare_rigs(rig, rig.subset(reversed(rig.names)))
    assert tuple(comparison.as_given) == rig.names
    assert each(comparison.as_given, "gap_px").max() < 1e-6


def test_one_moved_camera_stands_out():
    rig = layouts.ring()
    comparison = compare_rigs(rig, shifted(turned(rig, 2.0, "cam3"), (0.0, 0.0, 0.05), "cam3"))
    assert comparison.as_given["cam3"].rotation_deg == pytest.approx(2.0)
    assert comparison.as_given["cam3"].center == pytest.approx(0.05)
    assert comparison.as_given["cam4"].gap_px < 1e-6
    gaps = {name: difference.gap_px for name, difference in comparison.aligned.items()}
    assert max(gaps, key=gaps.get) == "cam3"


def test_intrinsics_are_compared():
    rig = layouts.ring()
    change = torch.tensor([[1.1, 1.0, 1.0], [1.0, 1.1, 1.0], [1.0, 1.0, 1.0]])
    shift = torch.tensor([[0.0, 0.0, 3.0], [0.0, 0.0, 4.0], [0.0, 0.0, 0.0]])
    other = changed(rig, lambda camera: replace(camera, K=camera.K * change + shift), "cam2")
    difference = compare_rigs(rig, other).as_given["cam2"]
    assert difference.focal_ratio == pytest.approx(1.1)
    assert difference.principal_point_px == pytest.approx(5.0)
    assert difference.rotation_deg == pytest.approx(0, abs=1e-5)
    assert difference.gap_px > 50


def test_the_gap_is_that_of_the_farthest_picture_corner():
    rig = layouts.row(2)
    camera = rig["cam1"]
    wider = replace(camera, K=camera.K * torch.tensor([[1.01, 1, 1], [1, 1.01, 1], [1, 1, 1.0]]))
    other = Rig({**rig.cameras, "cam1": wider}, "m")
    cx, cy = camera.K[:2, 2].tolist()
    corner = max(np.hypot(x - cx, y - cy) for x in (0, 1279) for y in (0, 959))
    assert compare_rigs(rig, other).as_given["cam1"].gap_px == pytest.approx(0.01 * corner)


def test_other_names_are_refused_with_both_lists():
    rig = layouts.ring(3)
    with pytest.raises(InputError, match=r"cam1, cam2, cam3 and cam1, cam2"):
        compare_rigs(rig, rig.without("cam3"))


def test_json():
    rig = layouts.ring(3)
    plain = json.loads(json.dumps(compare_rigs(rig, turned(rig, 1.0, "cam2")).as_dict()))
    assert plain["units"] == "m"
    assert plain["as_given"]["cam2"]["rotation_deg"] == pytest.approx(1.0)
    assert set(plain["aligned"]) == set(rig.names)
