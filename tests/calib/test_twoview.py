"""Two views: the relative pose, and pairs that cannot start a rig."""

import numpy as np
import pytest
from landmarks_seen import floor, marks, room, telephoto, walker

from mvboot.calib.twoview import Sight, find_pairs

RIG = walker(3).rig


def pairs_of(rig, points, noise_px=0.0, threshold_px=4.0):
    pixels = marks(rig, points, noise_px).xy.reshape(len(rig), -1, 2)
    sights = {n: Sight.of(c, p) for p, (n, c) in zip(pixels, rig.cameras.items(), strict=True)}
    return find_pairs(sights, threshold_px)


@pytest.mark.parametrize("noise_px", [0.0, 0.5])
def test_the_relative_pose_is_found_up_to_its_length(noise_px):
    for pair in pairs_of(RIG, room(), noise_px):
        true = RIG[pair.b].cam_from_world @ RIG[pair.a].cam_from_world.inverse()
        turn = (pair.b_from_a @ true.inverse()).rotvec.norm()
        assert float(turn) < 1e-9 + 0.01 * noise_px
        along = float(pair.b_from_a.t @ true.t / true.t.norm())
        assert along > 1 - 1e-9 - 1e-3 * noise_px and pair.starts
        assert 20 < pair.angle_deg < 130 and pair.shared == pair.agree == 60


@pytest.mark.parametrize("noise_px", [0.0, 1.0])
def test_a_plane_starts_no_rig(noise_px):
    assert all(pair.planar and not pair.starts for pair in pairs_of(RIG, floor(), noise_px))


def test_a_few_points_beside_the_plane_are_enough():
    points = np.concatenate([floor(40), room(20)])
    assert all(not pair.planar for pair in pairs_of(RIG, points, 0.5))


def test_too_few_points_have_no_pose():
    for pair in pairs_of(RIG, room(11)):
        assert (pair.shared, pair.agree, pair.b_from_a, pair.starts) == (11, 0, None, False)


def test_two_cameras_at_one_place_start_no_rig():
    twin = RIG["cam_01"]
    near = type(RIG)({"a": twin, "b": twin}, "m")
    assert not pairs_of(near, room(), 0.5)[0].starts


def test_the_best_start_comes_first():
    pairs = pairs_of(telephoto(4, 10.0), room(), 0.5)
    assert [p.worth for p in pairs] == sorted((p.worth for p in pairs), reverse=True)
