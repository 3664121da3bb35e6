"""Boards with other counts than stated are told from a few pictures."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import spoiled

from mvboot.calib.boards import AprilGrid, Charuco, Checkerboard
from mvboot.calib.detect import Look, detector_of
from mvboot.calib.other_boards import TRIALS, other_counts
from mvboot.formats.footage import Footage
from mvboot.synthetic.boards import BoardRenderer, board_poses

pytestmark = pytest.mark.slow

CHARUCO = Charuco(5, 7, "mm", 30.0, 22.0, "DICT_5X5_250")
CHECKERS = Checkerboard(8, 5, "mm", 30.0)
TAGS = AprilGrid(4, 3, "mm", 50.0, 15.0)


@dataclass(frozen=True)
class Album(Footage):
    """Pictures in memory that count how often they are looked at."""

    camera: str
    numbers: np.ndarray
    size: tuple
    shown: tuple
    looked: list

    def pictures(self, numbers=None):
        for number in sorted(set(map(int, numbers))):
            self.looked.append(number)
            yield number, self.shown[number]

    def _of(self, numbers, places):
        raise NotImplementedError  # nobody is late here

    @property
    def files(self):
        return ()


@pytest.fixture(scope="module")
def albums():
    rig = spoiled.rig().subset(["a"])
    found = {}
    for board in (CHARUCO, CHECKERS, TAGS):
        rng = np.random.default_rng(3)
        poses = board_poses(rig, board, TRIALS, rng, tilt_deg=15.0)
        renderer = BoardRenderer(rig["a"], board, "mm")
        shown = [renderer.picture(poses[s], rng) for s in range(TRIALS)]
        shown += [np.full_like(shown[0], 128)] * 20
        numbers = np.r_[0, len(shown) - 1]
        found[board] = [shown[0], *shown[TRIALS:], shown[1]], numbers
    return found


def album(albums, board):
    shown, _ = albums[board]
    return {"a": Album("a", np.arange(len(shown)), (640, 480), tuple(shown), [])}


@pytest.mark.parametrize(
    ("board", "stated"),
    [
        (CHARUCO, (7, 5)),
        (CHARUCO, (4, 6)),
        (CHECKERS, (9, 6)),
        (CHECKERS, (7, 4)),
        (TAGS, (3, 4)),
    ],
    ids=lambda value: value.spec if not isinstance(value, tuple) else "x".join(map(str, value)),
)
def test_other_counts_are_named(board, stated, albums):
    wrong = replace(board, columns=stated[0], rows=stated[1])
    footages = album(albums, board)
    (found,) = other_counts(wrong, footages)
    assert found.code == "other-counts"
    assert f"has {board.columns}x{board.rows} " in found.message
    assert f"not {stated[0]}x{stated[1]}: state --board {board.spec}" in found.message
    assert set(footages["a"].looked) == {0, 21}, "a few pictures only"


@pytest.mark.parametrize("board", [CHARUCO, CHECKERS, TAGS], ids=lambda board: board.spec)
def test_the_right_counts_are_not_denied(board, albums):
    assert other_counts(board, album(albums, board)) == []


def test_pictures_without_a_board_say_nothing(albums):
    shown, _ = albums[CHECKERS]
    empty = Album("a", np.arange(4), (640, 480), tuple(shown[1:5]), [])
    assert other_counts(CHECKERS, {"a": empty}) == []
    assert other_counts(CHARUCO, {"a": empty}) == []


@pytest.mark.parametrize("stated", [TAGS.gap / TAGS.tag, TAGS.gap, 0.5])
def test_the_gap_of_tags_is_measured_whatever_was_stated(stated, albums):
    detector = detector_of(replace(TAGS, gap=stated))
    gaps = detector.proportions(albums[TAGS][0][0], Look(border=2))
    assert len(gaps) > 10
    assert np.median(gaps) == pytest.approx(TAGS.gap / TAGS.tag, rel=0.05)
