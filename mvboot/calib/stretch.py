"""What the measured shape of a board says of its print, and that none was measured."""

from dataclasses import replace

import numpy as np

from mvboot.calib.boards import Board, Checkerboard
from mvboot.calib.finding import Finding
from mvboot.calib.flatness import MIN_INSTANTS, MIN_SIGHTINGS, BoardShape
from mvboot.rig import UNITS_IN_M

STRETCHED = 0.005
"""How much longer, over itself, a print must be in one direction to be called stretched."""

LARGE_M = 0.6
"""Diagonal of a board from which on it is said that its shape was not measured."""


def of_shape(board: Board, shape: BoardShape | None) -> list[Finding]:
    """Return that a print is stretched, or that a large board's shape could not be measured."""
    if shape is None:
        return _unmeasured(board)
    if not shape.is_better:
        return []
    ratio = shape.longer_down(board)
    if abs(ratio - 1) <= STRETCHED:
        return []
    more, way, other = (ratio, "down", "across") if ratio > 1 else (1 / ratio, "across", "down")
    advice = "measure the print both ways"
    if isinstance(board, Checkerboard):
        across = board.square
        down = float(f"{ratio * (board.down or across):.4g}")
        example = replace(board, square=across, down=down).spec
        advice += f", and state both lengths, as --board {example} if {across:g} across is right"
    message = (
        f"the print is stretched: it is {100 * (more - 1):.2g} % longer {way} than {other}, "
        f"against {board.spec}; its measured shape was used, but which of the lengths is right no "
        f"picture tells, so all lengths may be off by as much: {advice}"
    )
    return [Finding("board-stretched", (), message)]


def _unmeasured(board: Board) -> list[Finding]:
    diagonal = float(np.hypot(*board.size)) * UNITS_IN_M[board.units]
    if diagonal < LARGE_M:
        return []
    message = (
        "the shape of the board was not measured, it is taken to be flat and as "
        f"{board.spec} says: that takes {MIN_INSTANTS} pictures or more in which each of its "
        f"points is seen {MIN_SIGHTINGS} times; show all its parts, or check that it is flat"
    )
    return [Finding("board-not-measured", (), message)]
