"""Where cameras stand to one another: pairs, the tree that joins them, and the board in the rig."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from problems import BOARD, directions, problem, same_pose

from mvboot.calib.extrinsics import Link, chained, find_links, groups, link_errors, placed
from mvboot.calib.intrinsics import calibrate_camera
from mvboot.geometry import Pose
from mvboot.synthetic.boards import board_poses, board_shots
from mvboot.synthetic.scene import ring_rig

NAMES = "abcd"


def posed(shots, rig):
    """Each camera with its true intrinsics, and the board's poses as it saw them."""
    return {n: calibrate_camera(shots.of([n]), fixed=rig[n]) for n in rig.names}


@pytest.fixture(scope="module")
def exact():
    given = problem("brown4", cameras=4, shots=30)
    return given.truth, given.shots, posed(given.shots, given.truth.rig)


@pytest.fixture(scope="module")
def noisy():
    given = problem("brown4", cameras=4, shots=30, noise_px=0.3)
    return given.truth, given.shots, posed(given.shots, given.truth.rig)


def wrong_poses(camera, share, seed=0):
    """A camera whose pose of the board is wrong at some instants, and at which."""
    rng = np.random.default_rng(seed)
    poses = camera.cam_from_board
    count = len(poses.t)
    wrong = np.isin(np.arange(count), rng.permutation(count)[: round(share * count)])
    turn = Pose.from_rotation(np.radians(40) * directions(rng, (count,)), np.zeros((count, 3)))
    rows = torch.from_numpy(wrong)
    R = torch.where(rows[:, None, None], turn.R @ poses.R, poses.R)
    t = torch.where(
        rows[:, None], poses.t + 60 * torch.from_numpy(directions(rng, (count,))), poses.t
    )
    return replace(camera, cam_from_board=Pose(R, t)), wrong


def relative(rig, a, b):
    return rig[b].cam_from_world @ rig[a].cam_from_world.inverse()


def link_of(links, a, b):
    return next(link for link in links if (link.a, link.b) == (a, b))


# --- pairs --------------------------------------------------------------------------------------


def test_links_of_exact_data_are_exact(exact):
    truth, shots, cameras = exact
    links = find_links(shots, cameras)
    assert [(k.a, k.b) for k in links] == [(a, b) for a in NAMES for b in NAMES if a < b]
    both = shots.without_poor(6).seen.any(-1)
    for link in links:
        assert link.error_px < 1e-3
        assert same_pose(link.b_from_a, relative(truth.rig, link.a, link.b), 1e-3, 0.01)
        pair = both[NAMES.index(link.a)] & both[NAMES.index(link.b)]
        assert link.shared == pair.sum()


def test_links_of_noisy_data_are_near(noisy):
    truth, shots, cameras = noisy
    for link in find_links(shots, cameras):
        assert 0.1 < link.error_px < 6.0
        assert same_pose(link.b_from_a, relative(truth.rig, link.a, link.b), 1.5, 20.0)


@pytest.mark.parametrize("which", [("b",), ("a",)])
def test_a_pair_survives_wrong_poses_at_four_of_ten_instants(exact, which):
    truth, shots, cameras = exact
    cameras = {n: wrong_poses(c, 0.4)[0] if n in which else c for n, c in cameras.items()}
    link = link_of(find_links(shots, cameras), "a", "b")
    assert same_pose(link.b_from_a, relative(truth.rig, "a", "b"), 1e-3, 0.01)
    assert link.error_px < 1e-3


def test_errors_of_a_link_name_the_wrong_instants(exact):
    _, shots, cameras = exact
    cameras = dict(cameras)
    cameras["a"], wrong = wrong_poses(cameras["a"], 0.3)
    link = link_of(find_links(shots, cameras), "a", "b")
    errors = link_errors(shots, cameras, link)
    blind = np.isnan(errors)
    seen = [~torch.isnan(cameras[n].cam_from_board.t[:, 0]).numpy() for n in "ab"]
    np.testing.assert_array_equal(~blind, seen[0] & seen[1])
    assert errors[~blind & wrong].min() > 10 > 1e-3 > errors[~blind & ~wrong].max()


def test_a_camera_that_never_saw_the_board_has_no_link(exact):
    truth, shots, _ = exact
    pixels = shots.pixels.copy()
    pixels[2] = np.nan
    pixels[1, :10] = np.nan
    pixels[3, 10:] = np.nan  # b and d never at once
    some = replace(shots, pixels=pixels)
    cameras = posed(some.of(["a", "b", "d"]), truth.rig.subset("abd"))
    links = find_links(some.of(["a", "b", "d"]), cameras)
    assert [(k.a, k.b) for k in links] == [("a", "b"), ("a", "d")]
    apart = Link("b", "d", 0, Pose.identity(), 0.0)
    assert np.isnan(link_errors(some.of(["a", "b", "d"]), cameras, apart)).all()


def test_a_board_behind_the_other_camera_is_as_wrong_as_can_be(exact):
    _, shots, cameras = exact
    back = Pose.from_rotation(np.array([0.0, np.pi, 0.0]), np.zeros(3))
    turned = {
        **cameras,
        "b": replace(cameras["b"], cam_from_board=back @ cameras["b"].cam_from_board),
    }
    assert link_of(find_links(shots, turned), "a", "b").error_px == np.inf


# --- groups -------------------------------------------------------------------------------------


def linked(*pairs, shared=5, error_px=1.0):
    return [Link(a, b, shared, Pose.identity(), error_px) for a, b in pairs]


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        ((), [["a"], ["b"], ["c"], ["d"], ["e"]]),
        (("ab", "bc", "cd", "de"), [["a", "b", "c", "d", "e"]]),
        (("de", "ce", "ab"), [["c", "d", "e"], ["a", "b"]]),
        (("be",), [["b", "e"], ["a"], ["c"], ["d"]]),
    ],
)
def test_groups_of_cameras(pairs, wanted):
    assert groups("abcde", linked(*pairs)) == wanted


# --- the tree -----------------------------------------------------------------------------------


def test_the_rig_of_exact_data_is_exact(exact):
    truth, shots, cameras = exact
    rig, tree = chained(shots, cameras, find_links(shots, cameras))
    assert rig.names == tuple(NAMES) and rig.units == "mm"
    assert len(tree) == 3 and len(groups(NAMES, tree)) == 1
    for a in NAMES:
        assert torch.equal(rig[a].K, truth.rig[a].K) and rig[a].size == truth.rig[a].size
        for b in NAMES:
            assert same_pose(relative(rig, a, b), relative(truth.rig, a, b), 1e-3, 0.01)


def test_the_world_is_the_camera_that_shared_most(exact):
    truth, shots, cameras = exact
    links = find_links(shots, cameras)
    for root in NAMES:
        biased = [replace(k, shared=100 if root in (k.a, k.b) else 5) for k in links]
        rig, _ = chained(shots, cameras, biased)
        assert same_pose(rig[root].cam_from_world, Pose.identity(), 1e-9, 1e-9)
        others = [n for n in NAMES if n != root]
        assert all(float(rig[n].center.norm()) > 50 for n in others)
        assert same_pose(relative(rig, "a", "d"), relative(truth.rig, "a", "d"), 1e-3, 0.01)


def test_the_tree_takes_the_links_that_agree_best(exact):
    truth, shots, cameras = exact
    good = {("a", "c"), ("b", "c"), ("b", "d")}
    links = []
    for link in find_links(shots, cameras):
        off = Pose.from_rotation(np.array([0.0, 0.1, 0.0]), np.zeros(3))
        bad = replace(link, b_from_a=off @ link.b_from_a, error_px=40.0)
        links.append(link if (link.a, link.b) in good else bad)
    rig, tree = chained(shots, cameras, links)
    assert {(k.a, k.b) for k in tree} == good
    assert same_pose(relative(rig, "a", "d"), relative(truth.rig, "a", "d"), 1e-3, 0.01)


def test_of_links_that_agree_alike_the_ones_seen_more_often_count(exact):
    _, shots, cameras = exact
    often = {("a", "b"), ("a", "d"), ("c", "d")}
    links = [
        replace(k, error_px=1.0, shared=40 if (k.a, k.b) in often else 10)
        for k in find_links(shots, cameras)
    ]
    _, tree = chained(shots, cameras, links)
    assert {(k.a, k.b) for k in tree} == often


def ring(two_sided):
    """Eight cameras around a large board: the rig, its shots and where the board was."""
    rig = ring_rig(8, radius=2.0, height=1.0, rng=np.random.default_rng(0)).in_units("mm")
    board = replace(BOARD, square=70.0, marker=50.0)
    motion = board_poses(rig, board, 40, np.random.default_rng(0))
    return rig, board_shots(rig, board, motion, np.random.default_rng(0), 0.0, two_sided), motion


@pytest.mark.slow
def test_a_chain_around_a_ring():
    """Only neighbours see the board at once, two at a time."""
    rig, shots, motion = ring(two_sided=False)
    near = (np.arange(8)[:, None] - np.arange(40)) % 8 < 2
    shots = shots.where(shots.seen & near[..., None]).without_poor(6)
    cameras = posed(shots, rig)
    links = find_links(shots, cameras)
    assert len(links) == 8 and len(groups(rig.names, links)) == 1
    found, tree = chained(shots, cameras, links)
    assert len(tree) == 7
    first = rig.names[0]
    for name in rig.names:
        assert same_pose(relative(found, first, name), relative(rig, first, name), 0.01, 0.1)
    bundle = placed(shots, cameras, found)
    world = rig[first].cam_from_world.inverse() @ found[first].cam_from_world
    moved = motion[torch.from_numpy(shots.numbers)]
    assert same_pose(world @ bundle.rig_from_points, moved, 0.01, 0.2)


@pytest.mark.slow
def test_a_transparent_board_is_seen_from_both_sides():
    """A print on glass, its points where they are from either side."""
    rig, shots, _ = ring(two_sided=True)
    assert (shots.counts >= 6).sum(0).max() >= 6
    cameras = posed(shots, rig)
    found, _ = chained(shots, cameras, find_links(shots, cameras))
    first = rig.names[0]
    for name in rig.names:
        assert same_pose(relative(found, first, name), relative(rig, first, name), 0.05, 1.0)


# --- the board ----------------------------------------------------------------------------------


def test_the_board_is_where_it_was(exact):
    truth, shots, cameras = exact
    bundle = placed(shots, cameras, truth.rig)
    assert same_pose(bundle.rig_from_points, truth.rig_from_points, 1e-3, 0.01)
    np.testing.assert_array_equal(bundle.points, shots.board.points)
    assert bundle.rig is truth.rig


def test_the_camera_whose_pose_the_others_confirm_places_the_board(exact):
    truth, shots, cameras = exact
    cameras = dict(cameras)
    cameras["b"], wrong = wrong_poses(cameras["b"], 0.5)
    seeing = (shots.counts >= 6).sum(0) >= 2
    assert (wrong & seeing).sum() > 5
    bundle = placed(shots.at(seeing), at(cameras, seeing), truth.rig)
    assert same_pose(
        bundle.rig_from_points, truth.rig_from_points[torch.from_numpy(seeing)], 1e-3, 0.01
    )


def at(cameras, instants):
    rows = torch.from_numpy(instants)
    return {n: replace(c, cam_from_board=c.cam_from_board[rows]) for n, c in cameras.items()}


def test_a_wrong_pose_of_the_rig_does_not_hide_the_board(exact):
    """One camera was knocked: the board's place is still that of some camera."""
    truth, shots, cameras = exact
    off = Pose.from_rotation(np.array([0.0, 0.3, 0.0]), np.zeros(3))
    knocked = truth.rig["d"].with_pose(off @ truth.rig["d"].cam_from_world)
    rig = replace(truth.rig, cameras={**truth.rig.cameras, "d": knocked})
    bundle = placed(shots, cameras, rig)
    seen = (shots.counts[:3] >= 6).sum(0) >= 2
    rows = torch.from_numpy(seen)
    assert same_pose(bundle.rig_from_points[rows], truth.rig_from_points[rows], 1e-3, 0.01)
