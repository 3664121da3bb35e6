"""Boards in pictures with exact truth: whole, in part, turned, inverted, mirrored, and none."""

from dataclasses import replace
from functools import cache
from itertools import product

import av
import cv2
import numpy as np
import pytest
import torch
from problems import BOARD, one_camera, shown_to

import mvboot.calib.boards as boards
from mvboot.calib.boards import AprilGrid, Charuco, Checkerboard
from mvboot.calib.detect import Look, detector_of, refined, saddles, without_strays
from mvboot.geometry import Pose
from mvboot.synthetic.boards import BoardRenderer

SIZE = (640, 480)
KINDS = {
    "checkerboard": Checkerboard(9, 6, "mm", 25.0),
    "charuco": Charuco(6, 8, "mm", 30.0, 22.0, "DICT_5X5_250", False),
    "legacy charuco": Charuco(6, 8, "mm", 30.0, 22.0, "DICT_5X5_250", True),
    "charuco of odd rows": Charuco(8, 5, "mm", 30.0, 22.0, "DICT_4X4_50"),
    "aprilgrid": AprilGrid(4, 5, "mm", 40.0, 12.0),
}
TAGS = Look(border=2)
LOOKS = {"legacy charuco": Look(legacy=True), "aprilgrid": TAGS}
MARKED = [name for name in KINDS if name != "checkerboard"]
ACCURATE_PX = 0.12


def turn(vector):
    return Pose.from_rotation(np.array(vector, float), np.zeros(3))


def shift(vector):
    return Pose.from_rotation(np.eye(3), np.array(vector, float))


def pose(board, roll_deg=20.0, tilt=(0.3, -0.2), distance=500.0, aside=(0.0, 0.0), back=False):
    """The board before the camera, its middle aside from the axis; or its back."""
    middle = shift([*(-np.array(board.size) / 2), 0.0])
    over = turn([0.0, np.pi if back else 0.0, 0.0])
    roll = turn([0.0, 0.0, np.radians(roll_deg)])
    return shift([*aside, distance]) @ turn([*tilt, 0.0]) @ roll @ over @ middle


@cache
def renderer(board, lens="brown1", focal=780.0, **how):
    return BoardRenderer(one_camera(lens, focal)["one"], board, "mm", **how)


def exact(board, where, camera=None):
    camera = camera or renderer(board).camera
    return camera.project(where.apply(torch.from_numpy(board.points)).numpy())


def picture(board, where, seed=0, blur_px=0.4, **how):
    return renderer(board, **how).picture(where, np.random.default_rng(seed), blur_px=blur_px)


@cache
def usual(kind):
    """A picture of the whole board, and where its points are."""
    where = pose(KINDS[kind])
    return picture(KINDS[kind], where), exact(KINDS[kind], where)


def found(kind, seen, look=None):
    return detector_of(KINDS[kind]).detect(seen, look or LOOKS.get(kind, Look()))


def best_look(board, seen):
    """What finds most of a board in a picture."""
    detector = detector_of(board)
    return max(
        detector.looks(), key=lambda look: (~np.isnan(detector.detect(seen, look)[:, 0])).sum()
    )


def rms_px(pixels, truth):
    """Root mean square length of the error of what was found."""
    seen = ~np.isnan(pixels[:, 0])
    assert seen.any()
    return np.sqrt(((pixels[seen] - truth[seen]) ** 2).sum(-1).mean())


def share(pixels):
    return (~np.isnan(pixels[:, 0])).mean()


def quarter_turned(seen, truth, quarters):
    """A picture turned against the clock, and the points in it."""
    for _ in range(quarters):
        truth = np.stack([truth[:, 1], seen.shape[1] - 1 - truth[:, 0]], -1)
        seen = np.ascontiguousarray(np.rot90(seen))
    return seen, truth


# --- whole boards -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_board_is_found_where_it_is(kind):
    board = KINDS[kind]
    where = pose(board, roll_deg=0.0, tilt=(0.4, 0.3))  # edges along the pixels are hardest
    pixels = found(kind, picture(board, where))
    assert share(pixels) > 0.94  # a tag may be missed
    assert rms_px(pixels, exact(board, where)) < ACCURATE_PX
    assert np.abs(np.nanmean(pixels - exact(board, where), axis=0)).max() < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("quarters", range(4))
def test_every_point_keeps_its_number_whichever_way_the_picture_is_turned(kind, quarters):
    seen, truth = quarter_turned(*usual(kind), quarters)
    pixels = found(kind, seen)
    assert share(pixels) > 0.94
    assert rms_px(pixels, truth) < ACCURATE_PX


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(6, 9), (4, 7), (5, 4)])
@pytest.mark.parametrize("roll_deg", [0.0, 90.0, 200.0])
def test_checkerboards_with_a_top_have_one(shape, roll_deg):
    board = Checkerboard(*shape, "mm", 25.0)
    assert not board.looks_alike_upside_down
    where = pose(board, roll_deg)
    pixels = detector_of(board).detect(picture(board, where), Look())
    assert rms_px(pixels, exact(board, where)) < ACCURATE_PX


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(7, 5), (4, 4)])
@pytest.mark.parametrize("roll_deg", [0.0, 90.0, 180.0])
def test_checkerboards_without_a_top_are_found_from_one_end_or_the_other(shape, roll_deg):
    board = Checkerboard(*shape, "mm", 30.0)
    assert board.looks_alike_upside_down
    where = pose(board, roll_deg)
    grid = exact(board, where).reshape(board.rows, board.columns, 2)
    readings = [np.rot90(grid, k) for k in (range(4) if shape[0] == shape[1] else (0, 2))]
    pixels = detector_of(board).detect(picture(board, where), Look())
    assert min(rms_px(pixels, r.reshape(-1, 2)) for r in readings) < ACCURATE_PX


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(7, 5), (8, 6), (4, 4)])
@pytest.mark.parametrize("roll_deg", [-30.0, 0.0, 30.0])
def test_checkerboards_without_a_top_are_read_upright(shape, roll_deg):
    board = Checkerboard(*shape, "mm", 25.0)
    where = pose(board, roll_deg)
    pixels = detector_of(board).detect(picture(board, where), Look())
    assert rms_px(pixels, exact(board, where)) < ACCURATE_PX


@pytest.mark.parametrize("kind", KINDS)
def test_blur_costs_little(kind):
    board = KINDS[kind]
    where = pose(board)
    pixels = found(kind, picture(board, where, blur_px=1.2))
    assert share(pixels) > 0.7
    assert rms_px(pixels, exact(board, where)) < 2 * ACCURATE_PX


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["charuco", "checkerboard", "aprilgrid"])
def test_a_fisheye_bends_the_board(kind):
    """The board fills the picture and half the room."""
    board = KINDS[kind]
    where = pose(board, 0.0, (0.2, -0.3), distance=130.0)
    view = renderer(board, "fisheye", 240.0)
    truth = exact(board, where, view.camera)
    assert np.nanmax(np.ptp(truth, axis=0)) > 280
    pixels = found(kind, view.picture(where, np.random.default_rng(0)))
    assert share(pixels) > 0.75
    assert rms_px(pixels, truth) < 2 * ACCURATE_PX


def test_tags_are_found_at_the_joints_near_and_far():
    """A tag's outline runs into the squares between tags: corners would be pixels off."""
    board = KINDS["aprilgrid"]
    for distance in (300.0, 900.0):
        where = pose(board, distance=distance, tilt=(0.5, 0.1))
        pixels = found("aprilgrid", picture(board, where))
        assert share(pixels) > 0.5
        assert rms_px(pixels, exact(board, where)) < ACCURATE_PX


@pytest.mark.slow
def test_tags_of_either_border(monkeypatch):
    """Kalibr prints two modules of black around the bits, others one."""
    monkeypatch.setattr(boards, "APRILTAG_BORDER", 1)
    narrow = AprilGrid(4, 5, "mm", 39.0, 12.0)  # no print of it with another border is kept
    where = pose(narrow)
    seen = picture(narrow, where)
    monkeypatch.undo()
    assert best_look(narrow, seen).border == 1
    pixels = detector_of(narrow).detect(seen, Look(border=1))
    assert rms_px(pixels, exact(narrow, where)) < ACCURATE_PX
    assert best_look(KINDS["aprilgrid"], usual("aprilgrid")[0]).border == 2


# --- parts of boards ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MARKED)
@pytest.mark.parametrize("aside", [(150.0, 0.0), (0.0, 120.0), (-120.0, -90.0)])
def test_a_part_of_a_board_is_found(kind, aside):
    board = KINDS[kind]
    where = pose(board, aside=aside, distance=400.0)
    truth = exact(board, where)
    inside = ((truth > 2) & (truth < np.array(SIZE) - 3)).all(-1)
    assert 0.15 < inside.mean() < 0.9
    pixels = found(kind, picture(board, where))
    seen = ~np.isnan(pixels[:, 0])
    assert seen[inside].mean() > 0.45  # a corner needs both markers beside it, a tag itself
    assert rms_px(pixels, truth) < ACCURATE_PX


@pytest.mark.parametrize("kind", MARKED)
def test_a_hand_before_the_board(kind):
    seen, truth = usual(kind)
    seen = seen.copy()
    cv2.circle(seen, (330, 240), 60, 150, -1)
    pixels = found(kind, seen)
    away = np.linalg.norm(truth - [330, 240], axis=1)
    assert (away < 50).sum() >= 3 and np.isnan(pixels[away < 50]).all()
    assert 0.35 < share(pixels) < 0.95
    assert rms_px(pixels[away > 75], truth[away > 75]) < 2 * ACCURATE_PX  # a tag may be cut


def test_a_checkerboard_is_found_whole_or_not_at_all():
    board = KINDS["checkerboard"]
    cut = picture(board, pose(board, aside=(150.0, 0.0), distance=400.0))
    assert share(found("checkerboard", cut)) == 0


# --- inverted, mirrored -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "inverted", "seen_as"),
    [
        *product(("charuco", "aprilgrid"), (False, True), ("printed", "flipped", "from behind")),
        ("legacy charuco", False, "printed"),
        ("legacy charuco", True, "from behind"),
        ("charuco of odd rows", False, "flipped"),
    ],
)
def test_how_a_board_looks_is_found(kind, inverted, seen_as):
    board = KINDS[kind]
    where = pose(board, back=seen_as == "from behind")
    seen, truth = picture(board, where, inverted=inverted, two_sided=True), exact(board, where)
    if seen_as == "flipped":
        seen, truth = np.ascontiguousarray(np.fliplr(seen)), truth * [-1, 1] + [SIZE[0] - 1, 0]
    look = replace(LOOKS.get(kind, Look()), inverted=inverted, mirrored=seen_as != "printed")
    either = replace(board, legacy=None) if isinstance(board, Charuco) else board
    assert best_look(either, seen) == look
    pixels = found(kind, seen, look)
    assert share(pixels) > 0.94
    assert rms_px(pixels, truth) < ACCURATE_PX
    assert share(found(kind, seen, replace(look, inverted=not inverted))) == 0
    assert share(found(kind, seen, replace(look, mirrored=not look.mirrored))) == 0


def test_looks_that_a_board_can_have():
    assert detector_of(KINDS["checkerboard"]).looks() == [Look()]
    looks = {kind: detector_of(KINDS[kind]).looks() for kind in MARKED}
    assert all(len(some) == len(set(some)) for some in looks.values())
    assert {k.legacy for k in looks["charuco"]} == {False}
    assert {k.legacy for k in looks["legacy charuco"]} == {True}
    assert {k.legacy for k in looks["charuco of odd rows"]} == {False}
    unknown = detector_of(replace(KINDS["charuco"], legacy=None)).looks()
    assert unknown[:2] == [Look(), Look(legacy=True)] and len(unknown) == 8
    assert {k.border for k in looks["aprilgrid"]} == {1, 2} and len(looks["aprilgrid"]) == 8


def test_a_mirrored_checkerboard_reads_as_one_that_is_not():
    """Nothing on it tells; its corners run from left to right as the print's do."""
    board = KINDS["checkerboard"]
    seen = np.ascontiguousarray(np.fliplr(usual("checkerboard")[0]))
    grid = found("checkerboard", seen).reshape(board.rows, board.columns, 2)
    across, down = grid[0, -1] - grid[0, 0], grid[-1, 0] - grid[0, 0]
    assert across[0] * down[1] - across[1] * down[0] > 0


# --- none, and false ones -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_where_there_is_no_board_none_is_found(kind):
    board = KINDS[kind]
    empty = picture(board, pose(board, distance=-500.0))
    black = np.zeros(SIZE[::-1], np.uint8)
    for seen in (empty, black):
        for look in detector_of(board).looks():
            pixels = found(kind, seen, look)
            assert pixels.shape == (len(board.points), 2) and np.isnan(pixels).all()


@pytest.mark.slow
def test_another_board_is_not_this_one():
    other = Charuco(6, 8, "mm", 30.0, 22.0, "DICT_6X6_250")
    seen = picture(other, pose(other))
    assert share(found("charuco", seen)) == 0 and share(found("aprilgrid", seen, TAGS)) == 0


def test_tags_beyond_the_grid_are_ignored():
    small = AprilGrid(2, 3, "mm", 40.0, 12.0)
    pixels = detector_of(small).detect(usual("aprilgrid")[0], TAGS)
    assert pixels.shape == (24, 2)


def test_the_same_picture_gives_the_same_corners():
    """OpenCV's search draws at random, from where the last one ended."""
    seen, _ = usual("checkerboard")
    first = found("checkerboard", seen)
    for seed in (1, 77):
        cv2.setRNGSeed(seed)
        np.testing.assert_array_equal(found("checkerboard", seen), first)


@pytest.mark.parametrize("always", [False, True])
def test_a_false_grid_is_searched_again_or_given_up(monkeypatch, always):
    """OpenCV may miss a row and make one up from what lies beside the board."""
    board = KINDS["checkerboard"]
    seen, truth = usual("checkerboard")
    search, calls = cv2.findChessboardCornersSB, []

    def confused(*arguments, **options):
        calls.append(1)
        success, corners = search(*arguments, **options)
        if always or len(calls) == 1:
            corners = corners.copy()
            corners[: board.columns] += [60.0, 90.0]
        return success, corners

    monkeypatch.setattr(cv2, "findChessboardCornersSB", confused)
    pixels = found("checkerboard", seen)
    if always:
        assert share(pixels) == 0
    else:
        assert rms_px(pixels, truth) < ACCURATE_PX and len(calls) == 2


# --- strays -------------------------------------------------------------------------------------


def test_misread_markers_are_dropped():
    truth = exact(BOARD, pose(BOARD))
    wrong = [3, 4, 17, 30]
    pixels = truth.copy()
    pixels[wrong] += [[90, -40], [60, 80], [-100, 30], [-50, -90]]
    kept = without_strays(BOARD.points, pixels, SIZE)
    assert np.isnan(kept[wrong]).all()
    others = np.setdiff1d(np.arange(len(truth)), wrong)
    np.testing.assert_array_equal(kept[others], truth[others])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lens", "focal", "near"), [("brown5", 450.0, 60.0), ("fisheye", 240.0, 90.0)]
)
def test_points_that_a_lens_bends_are_no_strays(lens, focal, near):
    shots, _ = shown_to(one_camera(lens, focal), noise_px=0.2, distance=(near, 1.5 * near))
    kept = [without_strays(BOARD.points, pixels, SIZE) for pixels in shots.pixels[0]]
    lost = shots.seen[0] & np.isnan(np.stack(kept)[..., 0])
    assert lost.sum() < 0.01 * shots.seen.sum()


def test_misread_markers_are_dropped_through_a_fisheye():
    shots, _ = shown_to(one_camera("fisheye", 240.0), noise_px=0.2, distance=(100.0, 160.0))
    whole = np.flatnonzero(shots.counts[0] == len(BOARD.points))
    assert len(whole) >= 5
    for s in whole:
        pixels = shots.pixels[0, s].copy()
        reach = np.linalg.norm(np.ptp(pixels, axis=0))
        pixels[[5, 20]] += 0.3 * reach * np.array([[0.8, 0.6], [-0.6, 0.8]])
        kept = without_strays(BOARD.points, pixels, SIZE)
        assert np.isnan(kept[[5, 20]]).all() and share(kept) > 0.85


@pytest.mark.parametrize("points", [[], [0, 1, 7], [0, 1, 2, 3, 4, 5], [0, 6, 12, 18]])
def test_too_few_points_or_a_line_of_them_are_nothing(points):
    pixels = np.full((len(BOARD.points), 2), np.nan)
    pixels[points] = exact(BOARD, pose(BOARD))[points]
    assert np.isnan(without_strays(BOARD.points, pixels, SIZE)).all()


def test_four_points_are_enough():
    pixels = np.full((len(BOARD.points), 2), np.nan)
    pixels[[0, 1, 6, 7]] = exact(BOARD, pose(BOARD))[[0, 1, 6, 7]]
    np.testing.assert_array_equal(without_strays(BOARD.points, pixels, SIZE), pixels)


# --- corners ------------------------------------------------------------------------------------


def test_corners_move_to_the_saddle_points():
    board = KINDS["checkerboard"]
    seen, truth = usual("checkerboard")
    near = truth + np.random.default_rng(0).uniform(-1.5, 1.5, truth.shape)
    grid = refined(seen, near.reshape(board.rows, board.columns, 2))
    assert grid.shape == (6, 9, 2)
    assert rms_px(grid.reshape(-1, 2), truth) < ACCURATE_PX
    assert rms_px(saddles(seen, near, 5.0), truth) < ACCURATE_PX


# --- real recordings ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("camera", "mirrored"), [(0, False), (1, True)])
def test_an_inverted_print_on_both_sides_of_the_paper(shared_data, camera, mirrored):
    board = Charuco(4, 5, "mm", 54.0, 40.5, "DICT_4X4_1000")
    with av.open(str(shared_data / "boards4" / f"cam_{camera}.mp4")) as video:
        frames = [f.to_ndarray(format="gray") for f in video.decode(video=0)][::8][:6]
    votes = [best_look(board, frame) for frame in frames]
    look = max(set(votes), key=votes.count)
    assert look == Look(inverted=True, mirrored=mirrored)
    assert sum(share(detector_of(board).detect(f, look)) for f in frames) > 2
