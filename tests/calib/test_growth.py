"""A rig grows camera by camera, from a pair or from known positions."""

import numpy as np
import pytest
from landmarks_seen import marks, room, walker

from mvboot.calib.compare import compare_rigs
from mvboot.calib.growth import Growth
from mvboot.calib.twoview import Sight, find_pairs
from mvboot.triangulation.options import TriangulationOptions

RIG = walker(4).rig


def empty(hidden=(), noise_px=0.0):
    """Sixty landmarks before four cameras, some hidden from some of them."""
    keypoints = marks(RIG, room(), noise_px)
    for camera, first in hidden:
        keypoints.xy[camera, :, :, first:] = np.nan
        keypoints.confidence[camera, :, :, first:] = np.nan
    pixels = keypoints.xy.reshape(len(RIG), -1, 2)
    sights = {n: Sight.of(c, p) for p, (n, c) in zip(pixels, RIG.cameras.items(), strict=True)}
    nowhere = np.full((60, 3), np.nan)
    return Growth(sights, keypoints, TriangulationOptions(), None, nowhere)


def turns(rig):
    return max(e.rotation_deg for e in compare_rigs(RIG, rig).aligned.values())


def test_a_pair_grows_to_all():
    start = empty()
    grown = start.from_pair(find_pairs(start.sights, 4.0)[0]).grown()
    assert set(grown.names) == set(RIG.names) and turns(grown.rig) < 1e-5
    assert not np.isnan(grown.points).any()


@pytest.mark.parametrize(("seen", "posed"), [(8, True), (5, False)])
def test_a_camera_needs_six_landmarks(seen, posed):
    start = empty(hidden=[(3, seen)])
    grown = start.from_pair(find_pairs(start.sights, 4.0)[0]).grown()
    assert ("cam_04" in grown.names) == posed and len(grown.names) == 3 + posed
    assert grown.common("cam_04") == seen


def test_known_positions_pose_the_cameras_where_they_are():
    known = np.full((60, 3), np.nan)
    known[:10] = room()[:10]
    grown = empty().from_points(known).grown()
    assert set(grown.names) == set(RIG.names)
    for name, camera in RIG.cameras.items():
        np.testing.assert_allclose(grown.rig[name].center, camera.center, atol=1e-3)
    few = np.where(np.arange(60)[:, None] < 5, room(), np.nan)
    assert empty().from_points(few).rig is None


def test_a_camera_that_fits_nothing_fails():
    start = empty()
    start.keypoints.xy[3] = np.random.default_rng(0).uniform(0, 900, start.keypoints.xy[3].shape)
    pixels = start.keypoints.xy[3].reshape(-1, 2)
    sights = {**start.sights, "cam_04": Sight.of(RIG["cam_04"], pixels)}
    lost = Growth(sights, start.keypoints, start.options, None, start.points)
    pair = next(p for p in find_pairs(sights, 4.0) if "cam_04" not in (p.a, p.b))
    grown = lost.from_pair(pair).grown()
    assert set(grown.names) == {"cam_01", "cam_02", "cam_03"} and "cam_04" in grown.failed
