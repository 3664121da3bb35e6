"""Boards with other counts than stated, told from a few pictures before all are searched.

Columns and rows get exchanged, squares are counted where inner corners are meant, and the other
way round. Searching every picture for a board that is not there is slow and ends in no reason.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np

from mvboot.calib.boards import AprilGrid, Board, Charuco, Checkerboard, marker_dictionary
from mvboot.calib.detect import detector_of
from mvboot.calib.find import usual_look
from mvboot.calib.finding import Finding
from mvboot.formats.footage import Footage
from mvboot.formats.pictures import Gray

TRIALS = 2
"""Pictures of a camera that are looked at."""

CLEARLY = 1.3
"""How many times more points another board must show than the one that was stated."""

SEVERAL = 4
"""Markers of a picture that are no accident."""

MISCOUNTED = 2
"""How many rows or columns a count is off at most."""

SMALLEST = (3, 3)
"""Inner corners of a checkerboard from which larger ones are grown."""


def other_counts(board: Board, footages: Mapping[str, Footage]) -> list[Finding]:
    """Return one finding where a few pictures show the board with other columns and rows.

    Nothing is found where the stated board is seen in them, or no such board at all.
    """
    some = {name: _few(footage) for name, footage in footages.items()}
    stated = _points(board, footages, some)
    if stated and not isinstance(board, AprilGrid):  # tags are read whatever their number means
        return []
    if isinstance(board, Checkerboard):
        counts = _grown(board, (p for name in some for p in _shown(footages[name], some[name])))
    else:
        counts = _other(board, footages, some, stated)
    if counts is None:
        return []
    what = "inner corners" if isinstance(board, Checkerboard) else "squares or tags"
    columns, rows = counts
    other = replace(board, columns=columns, rows=rows)
    message = (
        f"the board in the pictures has {columns}x{rows} {what}, not {board.columns}x{board.rows}: "
        f"state --board {other.spec}"
    )
    return [Finding("other-counts", tuple(footages), message)]


def _few(footage: Footage) -> Sequence[int]:
    numbers = footage.numbers
    places = np.linspace(0, len(numbers) - 1, min(TRIALS, len(numbers))).astype(int)
    return [int(number) for number in np.unique(numbers[places])]


def _shown(footage: Footage, numbers: Sequence[int]) -> Iterator[Gray]:
    return (picture for _, picture in footage.pictures(numbers))


def _points(
    board: Board, footages: Mapping[str, Footage], some: Mapping[str, Sequence[int]]
) -> int:
    """Return how many points of a board these pictures show; the first camera's end the search."""
    found, detector = 0, detector_of(board)
    for name, footage in footages.items():
        look = usual_look(footage, detector, np.array(some[name]))
        for picture in _shown(footage, some[name]):
            found += int((~np.isnan(detector.detect(picture, look)[:, 0])).sum())
        if found:
            break
    return found


def _other(
    board: Board,
    footages: Mapping[str, Footage],
    some: Mapping[str, Sequence[int]],
    stated: int,
) -> tuple[int, int] | None:
    """Return the counts with which clearly most points are found: exchanged, or one off both."""
    if isinstance(board, Charuco) and not _marked(board, footages, some):
        return None
    c, r = board.columns, board.rows
    best, most = None, CLEARLY * stated
    for columns, rows in dict.fromkeys([(r, c), (c + 1, r + 1), (c - 1, r - 1)]):
        if (columns, rows) == (c, r) or min(columns, rows) < 2:
            continue
        found = _points(replace(board, columns=columns, rows=rows), footages, some)
        if found > most:
            best, most = (columns, rows), found
        if best == (r, c):
            break
    return best


def _marked(
    board: Charuco, footages: Mapping[str, Footage], some: Mapping[str, Sequence[int]]
) -> bool:
    """Whether a picture shows several markers of the board's dictionary: without, why go on."""
    detector = cv2.aruco.ArucoDetector(marker_dictionary(board.dictionary))
    return any(
        len(detector.detectMarkers(seen)[0]) >= SEVERAL
        for name in some
        for picture in _shown(footages[name], some[name])
        for seen in (picture, 255 - picture)
    )


def _grown(board: Checkerboard, pictures: Iterator[Gray]) -> tuple[int, int] | None:
    """Return columns and rows of a checkerboard in two pictures that is nearly the stated one.

    Tiles of a floor are checkerboards, too: they are not taken for a miscounted board.
    """
    flags = cv2.CALIB_CB_NORMALIZE_IMAGE + cv2.CALIB_CB_EXHAUSTIVE + cv2.CALIB_CB_LARGER
    stated, seen = sorted((board.columns, board.rows)), Counter[tuple[int, int]]()
    for picture in pictures:
        cv2.setRNGSeed(0)
        found, _, meta = cv2.findChessboardCornersSBWithMeta(picture, SMALLEST, flags)
        short, long = sorted(meta.shape[:2]) if found else (0, 0)
        off = max(abs(short - stated[0]), abs(long - stated[1]))
        if 0 < off <= MISCOUNTED:
            seen[short, long] += 1
    if not seen or max(seen.values()) < 2:
        return None
    short, long = seen.most_common(1)[0][0]
    return (long, short) if board.columns >= board.rows else (short, long)
