"""What the measured shape of a board says of its print."""

import re

import numpy as np
import pytest

from mvboot.calib.boards import Charuco, Checkerboard
from mvboot.calib.flatness import BoardShape, laid_over
from mvboot.calib.stretch import of_shape

BOARD = Checkerboard(9, 6, "mm", 25.0)
LARGE = Charuco(8, 11, "cm", 9.0, 7.0, "DICT_4X4_1000")


def shape(across, down, held_out_px=(0.5, 0.2), board=BOARD):
    points = laid_over(board.points * [across, down, 1.0], board.points)
    turn = np.array([[0.6, -0.8, 0], [0.8, 0.6, 0], [0, 0, 1.0]]) if across == down else np.eye(3)
    return BoardShape(points @ turn.T, 0.1, 3.0, held_out_px)


@pytest.mark.parametrize(
    ("across", "down", "words"),
    [
        (24.0, 25.5, "it is 6.2 % longer down than across, .* checkerboard:9x6:25x26.56mm if 25 "),
        (1.01, 1.0, "it is 1 % longer across than down, .* checkerboard:9x6:25x24.75mm if 25 "),
    ],
)
def test_a_stretched_print_is_said(across, down, words):
    (said,) = of_shape(BOARD, shape(across, down))
    assert said.code == "board-stretched"
    assert re.search(words, said.message), said.message


def test_other_boards_have_no_word_for_two_lengths():
    (said,) = of_shape(LARGE, shape(1.0, 1.02, board=LARGE))
    assert "2 % longer down" in said.message and "--board" not in said.message


@pytest.mark.parametrize(
    ("across", "down", "held_out_px"),
    [(1.0, 1.002, (0.5, 0.2)), (1.0, 1.05, (0.2, 0.2)), (1.1, 1.1, (0.5, 0.2))],
    ids=["hardly", "not believed", "larger"],
)
def test_what_is_no_stretch(across, down, held_out_px):
    assert of_shape(BOARD, shape(across, down, held_out_px)) == []


def test_a_large_board_that_was_not_measured():
    (said,) = of_shape(LARGE, None)
    assert said.code == "board-not-measured" and "taken to be flat" in said.message
    assert of_shape(BOARD, None) == []
