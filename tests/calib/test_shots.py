"""What cameras saw of a board: choosing cameras, instants and points."""

import numpy as np
import pytest

from mvboot.calib.boards import AprilGrid, Charuco
from mvboot.calib.shots import Shots

BOARD = Charuco(5, 4, "mm", 30.0, 20.0, "DICT_4X4_50")  # 4 x 3 points
CAMERAS, SIZES = ("a", "b", "c"), ((640, 480), (320, 240), (480, 640))
NUMBERS = np.array([3, 10, 11, 40])


@pytest.fixture
def shots():
    """Every point at a place of its own; some not found."""
    pixels = np.random.default_rng(0).uniform(0, 200, (3, 4, 12, 2))
    pixels[0, 1] = np.nan
    pixels[1, :, 5:] = np.nan
    pixels[2, 2, 0] = np.nan
    return Shots(BOARD, CAMERAS, SIZES, NUMBERS, pixels)


def seen_where(points, board=BOARD):
    """One view in which only these points were found."""
    pixels = np.full((1, 1, len(board.points), 2), np.nan)
    pixels[:, :, points] = np.random.default_rng(1).uniform(0, 200, (len(points), 2))
    return Shots(board, ("a",), ((640, 480),), np.array([7]), pixels)


def test_seen_and_counts(shots):
    assert shots.seen.shape == (3, 4, 12)
    np.testing.assert_array_equal(shots.counts, [[12, 0, 12, 12], [5, 5, 5, 5], [12, 12, 11, 12]])


def test_of_takes_cameras_in_the_order_asked_for(shots):
    some = shots.of(["c", "a"])
    assert some.cameras == ("c", "a") and some.sizes == (SIZES[2], SIZES[0])
    np.testing.assert_array_equal(some.pixels, shots.pixels[[2, 0]])
    np.testing.assert_array_equal(some.numbers, NUMBERS)
    assert shots.of(("b",)).pixels.shape == (1, 4, 12, 2)


@pytest.mark.parametrize("instants", [np.array([0, 3]), np.array([True, False, False, True])])
def test_at_takes_instants_by_position_or_mask(shots, instants):
    some = shots.at(instants)
    np.testing.assert_array_equal(some.numbers, [3, 40])
    np.testing.assert_array_equal(some.pixels, shots.pixels[:, [0, 3]])
    assert some.cameras == CAMERAS


def test_where_hides_points_and_nothing_else(shots):
    kept = np.random.default_rng(2).random(shots.seen.shape) < 0.5
    some = shots.where(kept)
    np.testing.assert_array_equal(some.seen, shots.seen & kept)
    np.testing.assert_array_equal(some.pixels[some.seen], shots.pixels[some.seen])
    np.testing.assert_array_equal(some.numbers, NUMBERS)


def test_the_original_stays_as_it_is(shots):
    before = shots.pixels.copy()
    shots.where(np.zeros_like(shots.seen)).without_poor(3)
    np.testing.assert_array_equal(shots.pixels, before)


def test_poor_views_go_and_with_them_empty_instants(shots):
    rich = shots.without_poor(6)
    np.testing.assert_array_equal(rich.counts, [[12, 0, 12, 12], [0, 0, 0, 0], [12, 12, 11, 12]])
    np.testing.assert_array_equal(rich.numbers, NUMBERS)
    alone = shots.of(["a"]).without_poor(6)
    np.testing.assert_array_equal(alone.numbers, [3, 11, 40])
    np.testing.assert_array_equal(alone.pixels, shots.pixels[:1, [0, 2, 3]])
    assert shots.of(["b"]).without_poor(6).pixels.shape == (1, 0, 12, 2)
    np.testing.assert_array_equal(shots.without_poor(5).counts, shots.counts)


@pytest.mark.parametrize(
    ("points", "usable"),
    [
        ([0, 1, 2, 3], False),  # a row
        ([1, 5, 9], False),  # a column
        ([0, 5, 10], False),  # a diagonal
        ([3, 6, 9], False),  # the other
        ([0, 1, 2, 7], True),
        ([0, 5, 11], True),
    ],
)
def test_points_on_a_line_tell_no_pose(points, usable):
    assert len(seen_where(points).without_poor(3).numbers) == usable


def test_one_tag_is_not_a_line():
    board = AprilGrid(3, 2, "m", 0.04, 0.012)
    assert len(seen_where([4, 5, 6, 7], board).without_poor(4).numbers) == 1
    assert len(seen_where([2, 3, 6, 7, 10, 11], board).without_poor(4).numbers) == 0  # one edge
