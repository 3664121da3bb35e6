"""The shape of a board, measured with the cameras: flat stays flat, bent and stretched is found."""

import numpy as np
import pytest
import spoiled
import torch
from problems import BOARD, disturbed, problem

from mvboot.calib.boards import AprilGrid, Checkerboard
from mvboot.calib.bundle import Bundle, Held
from mvboot.calib.flatness import BoardShape, laid_over, measured_shape, three_corners, with_shape
from mvboot.calib.intrinsics import board_observations
from mvboot.calib.rounds import adjust_in_rounds
from mvboot.geometry import Pose
from mvboot.synthetic.boards import board_poses

CAMERAS = ["a", "b", "d"]


def adjusted(**shape):
    """Shots of a board of a shape, and the rig adjusted to them as if it were flat."""
    shots, points = spoiled.of_shape(**shape)
    shots, rig = shots.of(CAMERAS), spoiled.rig().subset(CAMERAS)
    motion = board_poses(spoiled.rig(), BOARD, len(shots.numbers), np.random.default_rng(0))
    truth = Bundle(rig, motion, BOARD.points)
    start = disturbed(truth, np.random.default_rng(0), motion=False)
    held = Held(dict.fromkeys(CAMERAS, frozenset({"p1", "p2"})))
    seen = board_observations(shots)
    return adjust_in_rounds(start, seen, held), seen, held, points


def test_a_flat_board_stays_flat():
    start, seen, held, _ = adjusted()
    shape = measured_shape(BOARD, start, seen, held)
    assert not shape.is_better
    assert shape.bend < 0.3 and shape.stretch < 0.15, "mm, by noise alone"
    flat, measured = shape.held_out_px
    assert 0.95 * flat < measured < 1.1 * flat and flat == pytest.approx(0.2, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("bend", [1.5, 4.0])
def test_a_bent_board_is_recovered(bend):
    start, seen, held, points = adjusted(bend=bend)
    shape = measured_shape(BOARD, start, seen, held)
    true = laid_over(points, BOARD.points)
    assert shape.is_better and shape.held_out_px[1] == pytest.approx(0.2, rel=0.1)
    assert shape.bend == pytest.approx(np.abs(true[:, 2]).max(), rel=0.1)
    np.testing.assert_allclose(shape.points, true, atol=max(0.2, 0.1 * bend))
    again = with_shape(shape, start, seen, held)
    assert again.rms_px == pytest.approx(0.2, rel=0.05) and again.rms_px < 0.7 * start.rms_px
    for name in CAMERAS:
        got, was, want = (
            r[name].K[0, 0] for r in (again.bundle.rig, start.bundle.rig, spoiled.rig())
        )
        assert abs(float(got / want) - 1) < 0.003
        assert abs(float(got - want)) < max(1.5, abs(float(was - want)))


def test_a_stretched_print_is_recovered():
    """A printer that makes everything one percent wider; the mean size stays as printed."""
    start, seen, held, points = adjusted(stretch=1.01)
    shape = measured_shape(BOARD, start, seen, held)
    true = laid_over(points, BOARD.points)
    assert shape.is_better
    most = np.linalg.norm((true - BOARD.points)[:, :2], axis=1).max()
    assert shape.stretch == pytest.approx(most, abs=0.1)
    wide, high = np.ptp(shape.points[:, :2], axis=0) / np.ptp(BOARD.points[:, :2], axis=0)
    assert wide / high == pytest.approx(1.01, abs=1e-3)
    assert np.sqrt(wide * high) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("lost", ["point", "instants"])
def test_too_little_was_seen_to_tell(lost):
    case = problem("pinhole", shots=14)
    start = adjust_in_rounds(case.truth, case.observations, Held())
    seen = case.observations
    few = seen.point != 17 if lost == "point" else seen.instant < 7
    assert measured_shape(BOARD, start, seen.where(few), Held()) is None


def test_better_by_a_little_is_not_better():
    for measured, better in ((0.2, False), (0.196, False), (0.193, True), (0.25, False)):
        assert BoardShape(BOARD.points, 1.0, 1.0, (0.2, measured)).is_better == better


# --- parts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "board",
    [BOARD, Checkerboard(9, 6, "mm", 25.0), AprilGrid(3, 2, "mm", 40.0, 12.0)],
)
def test_three_outer_points_hold_a_board(board):
    held = board.points[list(three_corners(board))]
    low, high = board.points.min(0), board.points.max(0)
    corners = [low[:2], (high[0], low[1]), (low[0], high[1])]
    np.testing.assert_allclose(held[:, :2], corners)


def test_points_are_laid_over_others():
    rng = np.random.default_rng(0)
    onto = rng.uniform(-100, 100, (20, 3))
    pose = Pose.from_rotation(rng.normal(size=3), rng.normal(0, 50, 3))
    moved = 1.7 * pose.apply(torch.from_numpy(onto)).numpy()
    np.testing.assert_allclose(laid_over(moved, onto), onto, atol=1e-9)
    np.testing.assert_allclose(laid_over(onto, onto), onto, atol=1e-9)
