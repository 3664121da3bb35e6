"""Which instants are calibrated with, and what of the picture they cover."""

from dataclasses import replace

import numpy as np
import pytest

from mvboot.calib.boards import Charuco
from mvboot.calib.select import CELLS, FINE_CELLS, chosen_shots, coverage, foreshortening
from mvboot.calib.shots import Shots

BOARD = Charuco(5, 4, "mm", 30.0, 20.0, "DICT_4X4_50")  # 4 x 3 points
SIZE = (640, 480)
POINTS = BOARD.points[:, :2] - BOARD.points[:, :2].mean(0)
EVERYWHERE = [(x, y) for y in np.linspace(60, 420, 5) for x in np.linspace(70, 570, 6)]


def view(middle=(320, 240), scale=0.9, tilt=1.0):
    """The board around a place in px, foreshortened along x."""
    return np.asarray(middle) + scale * POINTS * [tilt, 1]


def shots_of(*rows):
    """What each camera saw: for each instant a view, or None."""
    nothing = np.full_like(POINTS, np.nan)
    pixels = np.array([[nothing if v is None else v for v in row] for row in rows])
    names = tuple("abcdef"[: len(rows)])
    return Shots(BOARD, names, (SIZE,) * len(rows), np.arange(len(rows[0])), pixels)


def cells_of(shots):
    """The cells in which some point was seen, by camera."""
    place = np.floor((shots.pixels + 0.5) / SIZE * CELLS)
    return [{(x, y) for x, y in row.reshape(-1, 2) if x == x} for row in place]


def long_recording(seed=0, instants=300):
    """The board lies in the middle nearly all the time, and once at each place of a grid."""
    rng = np.random.default_rng(seed)
    row = [view((320, 240) + rng.uniform(-20, 20, 2)) for _ in range(instants)]
    for instant, place in zip(rng.permutation(instants), EVERYWHERE, strict=False):
        row[instant] = view(place)
    return row


# --- choice -------------------------------------------------------------------------------------


def test_few_pictures_are_all_kept():
    shots = shots_of([view(place) for place in EVERYWHERE], [view() for _ in EVERYWHERE])
    chosen = chosen_shots(shots, len(EVERYWHERE))
    np.testing.assert_array_equal(chosen.pixels, shots.pixels)
    np.testing.assert_array_equal(chosen.numbers, shots.numbers)


def test_the_whole_picture_is_covered():
    shots = shots_of(long_recording(0), long_recording(1))
    chosen = chosen_shots(shots, 60)
    assert len(chosen.numbers) == 60
    assert cells_of(chosen) == cells_of(shots)
    first = cells_of(shots.at(np.arange(60)))
    assert len(first[0]) < len(cells_of(shots)[0]), "the first 60 would not do"


def test_the_choice_is_in_order_and_always_the_same():
    shots = shots_of(long_recording(0), long_recording(1))
    first, again = chosen_shots(shots, 40), chosen_shots(shots, 40)
    np.testing.assert_array_equal(first.numbers, again.numbers)
    assert (np.diff(first.numbers) > 0).all()
    np.testing.assert_array_equal(first.pixels, shots.pixels[:, first.numbers])


def test_a_rare_link_is_kept():
    """b and c see the board together at two instants of 300 only."""
    a, b, c = long_recording(0), long_recording(1), long_recording(2)
    rare = (57, 211)
    b = [None if s >= 150 and s not in rare else v for s, v in enumerate(b)]
    c = [None if s < 150 and s not in rare else v for s, v in enumerate(c)]
    chosen = chosen_shots(shots_of(a, b, c), 20)
    together = (chosen.counts[1] > 0) & (chosen.counts[2] > 0)
    assert chosen.numbers[together].tolist() == [57, 211]
    assert ((chosen.counts[0] > 0) & (chosen.counts[1] > 0)).sum() >= 5


@pytest.mark.parametrize("other", [{"tilt": 0.5}, {"tilt": 0.75}, {"scale": 0.4}, {"scale": 1.8}])
def test_a_rare_tilt_or_size_is_kept(other):
    row = [view() for _ in range(100)]
    row[63] = view(**other)
    assert 63 in chosen_shots(shots_of(row), 4).numbers


def test_poor_views_are_never_chosen():
    row = long_recording()
    for s in range(0, 300, 2):
        row[s] = np.where(np.arange(12)[:, None] < 5, row[s], np.nan)
    chosen = chosen_shots(shots_of(row), 50)
    assert (chosen.numbers % 2 == 1).all() and (chosen.counts == 12).all()


def test_blurred_views_are_dropped_camera_by_camera():
    shots = shots_of([view(place) for place in EVERYWHERE], [view() for _ in EVERYWHERE])
    edges = np.full((2, 30), 3.0)
    edges[0, 4], edges[1, 4], edges[1, 7], edges[1, 9] = 7.0, 8.0, 7.0, 5.5
    chosen = chosen_shots(shots, 30, edges)
    assert 4 not in chosen.numbers, "blurred for both"
    counts = dict(zip(chosen.numbers.tolist(), chosen.counts.T.tolist(), strict=True))
    assert counts[7] == [12, 0] and counts[9] == [12, 12]


def test_what_is_blurred_is_judged_by_pictures_of_the_board():
    """Pictures of an empty, smooth room have no edges; their width says nothing."""
    row = [view(place) for place in EVERYWHERE[:10]]
    shots = shots_of([*row, *[None] * 20])
    edges = np.array([[3.0] * 10 + [40.0] * 20])
    edges[0, 2] = 9.0
    assert 2 not in chosen_shots(shots, 30, edges).numbers
    unknown = np.where(np.arange(30) == 2, np.nan, edges)
    assert 2 in chosen_shots(shots, 30, unknown).numbers, "a width nobody knows is no blur"


# --- coverage -----------------------------------------------------------------------------------


def test_coverage_counts_pictures_per_place():
    left = POINTS / np.ptp(POINTS, axis=0) * [300, 440] + [160, 240]
    counts = coverage(shots_of([left, left, None], [None, None, view()]))
    assert counts.shape == (2, FINE_CELLS[1], FINE_CELLS[0])
    half = FINE_CELLS[0] // 2
    assert (counts[0, 2:-2, 2 : half - 2] == 2).all() and (counts[0, :, half + 1 :] == 0).all()
    assert counts[1].max() == 1 and counts[1, 12, 16] == 1 and counts[1, 0, 0] == 0


def test_coverage_leaves_out_views_of_too_little():
    few = np.where(np.arange(12)[:, None] < 5, view(), np.nan)
    assert coverage(shots_of([few])).sum() == 0


def test_coverage_bears_points_outside_the_picture():
    counts = coverage(shots_of([view((639, 479), scale=3)]))
    assert counts[0, -1, -1] == 1 and counts[0, 0, 0] == 0


# --- foreshortening -----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_a_board_that_is_faced_is_not_foreshortened(scale):
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    ratio, size = foreshortening(BOARD.points[:, :2], scale * POINTS @ turn.T + [300, 200])
    assert ratio == pytest.approx(1) and size == pytest.approx(2 * np.log(scale))


def test_a_tilted_board_is_foreshortened_by_the_cosine():
    tilt = np.radians(40)
    x = np.stack([POINTS[:, 0] * np.cos(tilt), POINTS[:, 1], POINTS[:, 0] * np.sin(tilt)], -1)
    x[:, 2] += 1e5
    pixels = 1e6 * x[:, :2] / x[:, 2:] + [320, 240]
    ratio, size = foreshortening(BOARD.points[:, :2], pixels)
    assert ratio == pytest.approx(np.cos(tilt), rel=1e-3)
    assert size == pytest.approx(np.log(100 * np.cos(tilt)), abs=1e-2)


def test_points_that_tell_no_tilt():
    line = np.repeat(POINTS[:1], len(POINTS), axis=0)
    ratio, size = foreshortening(line, line)
    assert np.isfinite([ratio, size]).all()


def test_the_original_stays_as_it_is():
    shots = shots_of(long_recording())
    before = replace(shots, pixels=shots.pixels.copy())
    chosen_shots(shots, 10, np.full((1, 300), 3.0))
    np.testing.assert_array_equal(shots.pixels, before.pixels)
