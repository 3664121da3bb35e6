from dataclasses import replace

import cv2
import numpy as np
import pytest

from mvboot.calib.boards import APRILTAG_BORDER, AprilGrid, Charuco, Checkerboard, marker_dictionary
from mvboot.errors import InputError

CHECKERS = Checkerboard(9, 6, "mm", 25.0)
TAGS = AprilGrid(3, 2, "cm", 5.0, 1.5)
CODES = (0xD5D628584, 0xD97F18B49, 0xDD280910E)
"""The bits of AprilTag's first 36h11 tags, row by row from the upper left; 1 is white."""


def printed(board, scale):
    """Return the print at ``scale`` px a unit, where every edge falls between two pixels."""
    width, height = (round(side * scale) for side in board.size)
    image = np.full((height, width), 255, np.uint8)
    for left, top, w, h in board.ink * scale:
        edges = np.array([left, top, left + w, top + h])
        x0, y0, x1, y1 = edges.round().astype(int)
        np.testing.assert_allclose(edges, edges.round(), atol=1e-4)
        image[y0:y1, x0:x1] = 0
    return image


def charuco(columns, rows, legacy=False):
    return Charuco(columns, rows, "mm", 24.0, 14.0, "DICT_5X5_100", legacy)


@pytest.mark.parametrize("legacy", [False, True, None])
@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (5, 7), (8, 11), (6, 6)])
def test_charuco_is_what_opencv_prints(shape, legacy):
    board = charuco(*shape, legacy)
    reference = board.opencv(bool(legacy))
    width, height = (round(side) for side in board.size)
    expected = reference.generateImage((width, height), marginSize=0, borderBits=1)
    np.testing.assert_array_equal(printed(board, 1), expected)
    np.testing.assert_allclose(board.points, reference.getChessboardCorners())
    assert len(board.points) == (shape[0] - 1) * (shape[1] - 1)


def test_legacy_moves_the_markers_of_even_rows_only():
    for rows in (4, 5):
        same = np.array_equal(
            printed(charuco(5, rows), 1), printed(charuco(5, rows, legacy=True), 1)
        )
        assert same == (rows == 5)


def test_checkerboard():
    image = printed(CHECKERS, 1)
    assert image.shape == (175, 250) and CHECKERS.size == (250, 175)
    assert image[0, 0] == 0 and (image == 0).mean() == 0.5
    assert CHECKERS.points.shape == (54, 3)
    assert CHECKERS.points[0].tolist() == [25, 25, 0]
    assert CHECKERS.points[10].tolist() == [50, 50, 0], "row by row, nine a row"
    for x, y, _ in CHECKERS.points.astype(int):
        around = image[y - 1 : y + 1, x - 1 : x + 1]
        assert around[0, 0] == around[1, 1] != around[0, 1] == around[1, 0]


@pytest.mark.parametrize("shape", [(9, 6), (8, 6), (7, 5), (5, 4)])
def test_a_checkerboard_knows_whether_it_has_a_top(shape):
    board = Checkerboard(*shape, "mm", 10.0)
    image = printed(board, 1)
    assert board.looks_alike_upside_down == np.array_equal(image, image[::-1, ::-1])


def test_aprilgrid_is_what_kalibr_prints():
    modules = 6 + 2 * APRILTAG_BORDER
    scale = modules / TAGS.tag
    image = printed(TAGS, scale)
    pitch, gap = round((TAGS.tag + TAGS.gap) * scale), round(TAGS.gap * scale)
    assert image.shape == (2 * pitch + gap, 3 * pitch + gap)
    for number, code in enumerate(CODES):
        tag = image[pitch + gap :, number * pitch + gap :][:modules, :modules]
        bits = np.array([int(bit) for bit in f"{code:036b}"]).reshape(6, 6)
        expected = np.pad(255 * bits, APRILTAG_BORDER)
        np.testing.assert_array_equal(tag, expected, err_msg=f"tag {number}, lower row")
    rest = image.copy()
    for x, y, _ in TAGS.points[2::4] * scale:  # upper left corners
        rest[round(y) :, round(x) :][:modules, :modules] = 255
    for y in range(0, image.shape[0], pitch):
        for x in range(0, image.shape[1], pitch):
            assert not rest[y : y + gap, x : x + gap].any(), "corners are joined"
            rest[y : y + gap, x : x + gap] = 255
    assert rest.all(), "and nothing else is black"


def test_aprilgrid_points_are_the_corners_opencv_finds_in_its_order():
    image = np.kron(printed(TAGS, 2), np.ones((8, 8), np.uint8))
    image = np.pad(image, 30, constant_values=255)
    wanted = cv2.aruco.DetectorParameters()
    wanted.markerBorderBits = APRILTAG_BORDER
    wanted.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    tags = marker_dictionary("DICT_APRILTAG_36h11")
    corners, ids, _ = cv2.aruco.ArucoDetector(tags, wanted).detectMarkers(image)
    assert sorted(ids.ravel()) == list(range(6))
    for number, found in zip(ids.ravel(), corners, strict=True):
        expected = TAGS.points[4 * number : 4 * number + 4, :2] * 16 + 30 - 0.5
        np.testing.assert_allclose(found[0], expected, atol=0.1)


@pytest.mark.parametrize(
    ("board", "shape"), [(CHECKERS, (9, 6)), (charuco(8, 11), (7, 10)), (TAGS, (6, 4))]
)
def test_the_grid_numbers_the_points(board, shape):
    grid = board.grid
    assert len({tuple(place) for place in grid}) == len(board.points)
    assert grid.min(0).tolist() == [0, 0] and (grid.max(0) + 1).tolist() == list(shape)
    for axis in (0, 1):
        order = np.lexsort((board.points[:, axis], grid[:, axis]))
        assert (np.diff(board.points[order, axis]) > -1e-9).all()
    inside = (board.points[:, :2] >= 0) & (board.points[:, :2] <= board.size)
    assert inside.all() and not board.points[:, 2].any()


@pytest.mark.parametrize("board", [CHECKERS, charuco(8, 11), TAGS], ids=lambda b: type(b).__name__)
def test_ink_lies_within_the_print_without_overlap(board):
    left, top, width, height = board.ink.T
    assert left.min() > -1e-6 and top.min() > -1e-6 and min(width.min(), height.min()) > 0
    assert (left + width).max() < board.size[0] + 1e-5
    assert (top + height).max() < board.size[1] + 1e-5
    middles = np.stack([left + width / 2, top + height / 2], -1)
    for x, y in middles:
        covering = (left < x) & (x < left + width) & (top < y) & (y < top + height)
        assert covering.sum() == 1


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: replace(CHECKERS, units="inch"), "m, cm, mm or um"),
        (lambda: replace(CHECKERS, columns=2), "3x3"),
        (lambda: replace(CHECKERS, square=0.0), "positive"),
        (lambda: replace(CHECKERS, square=float("nan")), "positive"),
        (lambda: charuco(1, 9), "2x2"),
        (lambda: charuco(2, 2), "6 squares"),
        (lambda: replace(charuco(5, 7), marker=24.0), "smaller than its square"),
        (lambda: replace(charuco(5, 7), dictionary="DICT_9X9"), "DICT_4X4_50"),
        (lambda: charuco(20, 20), "200 markers but DICT_5X5_100 only 100"),
        (lambda: replace(TAGS, gap=0.0), "tag and gap"),
        (lambda: replace(TAGS, rows=0), "at least one tag"),
        (lambda: replace(TAGS, rows=200), "600 markers"),
    ],
)
def test_boards_that_cannot_be(build, expected):
    with pytest.raises(InputError, match=expected):
        build()
