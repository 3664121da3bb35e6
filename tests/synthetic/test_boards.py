from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from mvboot import Camera, InputError, Rig
from mvboot.calib.boards import AprilGrid, Charuco, Checkerboard
from mvboot.geometry import Pose
from mvboot.synthetic.boards import GRAZING_DEG, BoardRenderer, board_poses, board_shots
from mvboot.synthetic.scene import BROWN, FISHEYE, looking_at, ring_rig

BOARD = Charuco(6, 8, "mm", 30.0, 22.0, "DICT_5X5_250")
LARGE = Charuco(6, 8, "cm", 6.0, 4.4, "DICT_5X5_250")
SIZE = (640, 480)
K = [[800.0, 0, 322], [0, 801, 237], [0, 0, 1]]
LENSES = {"pinhole": None, "brown": BROWN, "fisheye": FISHEYE}


def camera_at(degrees, radius=0.7, lens="brown", height=0.4):
    angle = np.radians(degrees)
    center = np.array([radius * np.sin(angle), -radius * np.cos(angle), height])
    R = looking_at(center, np.array([0.0, 0.0, 0.3]))
    return Camera.from_opencv(K, LENSES[lens], R, -R @ center, SIZE, lens)


def front(lens="brown"):
    return Rig({"left": camera_at(-25, lens=lens), "right": camera_at(25, lens=lens)}, "m", "z")


def ring(cameras=6):
    return ring_rig(cameras, radius=2.0, height=1.0, rng=np.random.default_rng(0))


def wide_fisheye():
    """A camera that looks past the board: it stands 80 degrees off the axis, and more."""
    R = looking_at(np.zeros(3), np.array([1.0, 0.15, 0.0]))
    center = np.array([0.0, -0.2, 0.3])
    matrix = [[190.0, 0, 400], [0, 190, 240], [0, 0, 1]]
    return Camera.from_opencv(matrix, FISHEYE, R, -R @ center, SIZE, "fisheye")


def upright(x=0.0, back=False):
    """The pose of a board at the middle that faces -y, or +y."""
    facing = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    if back:
        facing = facing @ np.diag([-1.0, 1.0, -1.0])
    middle = np.array([x, 0.0, 0.3])
    return Pose.from_rotation(facing, middle - facing @ [0.09, 0.12, 0.0])


def points_in_world(board, pose, units="m"):
    scale = {"mm": 1e-3, "cm": 1e-2, "m": 1.0}[board.units] / {"mm": 1e-3, "m": 1.0}[units]
    points = torch.from_numpy(board.points * scale)
    return pose.apply(points.expand(*pose.batch_shape, -1, 3)).numpy()


def found(picture, board=BOARD):
    """OpenCV's corners as (P, 2), NaN where not found."""
    pixels = np.full((len(board.points), 2), np.nan)
    corners, ids, _, _ = cv2.aruco.CharucoDetector(board.opencv(False)).detectBoard(picture)
    if ids is not None:
        pixels[ids.ravel()] = corners.reshape(-1, 2)
    return pixels


def found_share(picture, board=BOARD):
    return (~np.isnan(found(picture, board)[:, 0])).mean()


# --- poses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rig", "board"),
    [(ring(), LARGE), (ring(3), LARGE), (front(), BOARD), (front("fisheye"), BOARD)],
)
def test_every_camera_is_shown_the_board_and_never_alone(rig, board):
    poses = board_poses(rig, board, 24, np.random.default_rng(0))
    assert poses.batch_shape == (24,)
    shots = board_shots(rig, board, poses, np.random.default_rng(0))
    seeing = shots.counts >= len(board.points) / 2
    assert seeing.sum(0).min() >= 2
    assert seeing[np.arange(24) % len(rig), np.arange(24)].all()
    assert len(rig) == 2 or not seeing.all(0).any()


def test_all_cameras_of_a_ring_are_linked():
    rig = ring(8)
    poses = board_poses(rig, LARGE, 40, np.random.default_rng(0))
    seeing = board_shots(rig, LARGE, poses, np.random.default_rng(0)).counts >= 12
    together = (seeing[:, None] & seeing[None]).sum(-1)
    assert (np.linalg.matrix_power(together, 8) > 0).all()


def test_poses_are_as_varied_as_asked():
    rig = front()
    poses = board_poses(rig, BOARD, 200, np.random.default_rng(0), tilt_deg=40.0)
    middle = points_in_world(BOARD, poses).mean(1)
    tilts, aways = [], []
    for shot in range(200):
        camera = rig.cameras[rig.names[shot % 2]]
        ray = middle[shot] - camera.center.numpy()
        aways.append(np.linalg.norm(ray))
        tilts.append(np.degrees(np.arccos(poses.R[shot, :, 2].numpy() @ ray / aways[-1])))
    assert np.max(tilts) < 40.01 and np.ptp(tilts) > 35
    assert np.min(aways) > 0.45 and np.max(aways) < 1.0 and np.ptp(aways) > 0.3
    assert np.ptp(middle, axis=0).min() > 0.2


def test_the_distance_can_be_chosen():
    rig = front()
    poses = board_poses(rig, BOARD, 10, np.random.default_rng(0), distance=(0.8, 0.9))
    middle = points_in_world(BOARD, poses).mean(1)
    for shot in range(10):
        away = middle[shot] - rig.cameras[rig.names[shot % 2]].center.numpy()
        assert 0.8 <= np.linalg.norm(away) <= 0.9


def test_parallel_cameras_have_the_board_fill_a_good_part_of_the_picture():
    shift = Pose.from_rotation(np.eye(3), (0.06, 0.0, 0.0))
    left = camera_at(0)
    rig = Rig({"left": left, "right": left.with_pose(shift @ left.cam_from_world)}, "m")
    poses = board_poses(rig, BOARD, 20, np.random.default_rng(0))
    shots = board_shots(rig, BOARD, poses, np.random.default_rng(0), noise_px=0.0)
    whole = shots.seen.all(-1)
    spans = np.nanmax(np.ptp(shots.pixels[whole], axis=1), axis=-1)
    assert whole.sum() > 5 and spans.min() > 70 and spans.max() > 200


def test_the_same_in_other_units():
    rig = front()
    metres = board_poses(rig, BOARD, 6, np.random.default_rng(5))
    millimetres = board_poses(rig.in_units("mm"), BOARD, 6, np.random.default_rng(5))
    torch.testing.assert_close(metres.scaled(1000.0).t, millimetres.t)
    torch.testing.assert_close(metres.R, millimetres.R)


def test_the_generator_decides_the_poses():
    one, same, other = (board_poses(front(), BOARD, 5, np.random.default_rng(s)) for s in (0, 0, 1))
    torch.testing.assert_close(one.t, same.t, rtol=0, atol=0)
    torch.testing.assert_close(one.R, same.R, rtol=0, atol=0)
    assert not torch.equal(one.t, other.t)


@pytest.mark.slow
def test_a_camera_that_shares_nothing_is_named():
    rig = Rig({"a": camera_at(0), "b": camera_at(20), "away": camera_at(0, radius=-5.0)}, "m")
    with pytest.raises(InputError, match="away"):
        board_poses(rig, BOARD, 6, np.random.default_rng(0), distance=(0.5, 0.7))


def test_moving_rigs_are_refused():
    still = camera_at(0)
    poses = Pose(still.cam_from_world.R[None], still.cam_from_world.t[None])
    rig = Rig({"pan": replace(still, cam_from_world=poses, frames=torch.tensor([4]))}, "m")
    with pytest.raises(InputError, match="stand still"):
        board_poses(rig, BOARD, 1, np.random.default_rng(0))
    with pytest.raises(InputError, match="stand still"):
        board_shots(rig, BOARD, poses, np.random.default_rng(0))
    with pytest.raises(InputError, match="stand still"):
        BoardRenderer(rig["pan"], BOARD, "m")


# --- shots --------------------------------------------------------------------------------------


def test_shots_without_noise_are_projections():
    rig = front()
    poses = board_poses(rig, BOARD, 12, np.random.default_rng(1))
    shots = board_shots(rig, BOARD, poses, np.random.default_rng(0), noise_px=0.0)
    assert shots.cameras == ("left", "right") and shots.sizes == (SIZE, SIZE)
    assert shots.board is BOARD and shots.pixels.shape == (2, 12, 35, 2)
    np.testing.assert_array_equal(shots.numbers, np.arange(12))
    for c, camera in enumerate(rig.cameras.values()):
        exact = camera.project(points_in_world(BOARD, poses))
        inside = ((exact > -0.5) & (exact < np.array(SIZE) - 0.5)).all(-1)
        np.testing.assert_array_equal(shots.seen[c], inside)
        np.testing.assert_array_equal(shots.pixels[c][inside], exact[inside])
    assert (shots.seen.any(-1) & ~shots.seen.all(-1)).any(), "no board is cut by the picture"


def test_noise_is_as_large_as_asked():
    poses = board_poses(front(), BOARD, 60, np.random.default_rng(1))
    exact = board_shots(front(), BOARD, poses, np.random.default_rng(0), noise_px=0.0)
    noisy = board_shots(front(), BOARD, poses, np.random.default_rng(0), noise_px=0.4)
    gap = (noisy.pixels - exact.pixels)[exact.seen]
    np.testing.assert_array_equal(noisy.seen, exact.seen)
    assert gap.std() == pytest.approx(0.4, rel=0.05) and np.abs(gap.mean(0)).max() < 0.03


def test_the_generator_decides_the_noise():
    poses = board_poses(front(), BOARD, 2, np.random.default_rng(1))
    one, same, other = (
        board_shots(front(), BOARD, poses, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one.pixels, same.pixels)
    assert not np.array_equal(one.pixels, other.pixels, equal_nan=True)


@pytest.mark.parametrize(("degrees", "seen"), [(0, True), (GRAZING_DEG - 15, True), (90, False)])
def test_a_board_seen_at_a_grazing_angle_is_not_found(degrees, seen):
    rig = Rig({"one": camera_at(degrees)}, "m")
    shots = board_shots(rig, BOARD, upright()[None], np.random.default_rng(0))
    assert shots.seen.any() == seen


def test_the_back_shows_the_mirror_image_or_nothing():
    rig = Rig({"front": camera_at(0), "behind": camera_at(180)}, "m")
    one, two = (
        board_shots(rig, BOARD, upright()[None], np.random.default_rng(0), 0.0, two_sided=both)
        for both in (False, True)
    )
    np.testing.assert_array_equal(one.seen[:, 0].all(-1), [True, False])
    assert not one.seen[1].any() and two.seen.all()
    np.testing.assert_array_equal(one.pixels[0], two.pixels[0])
    first, right, below = two.pixels[:, 0][:, [0, 1, 5]].transpose(1, 0, 2)
    u, v = right - first, below - first
    turn = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    assert turn[0] > 0 > turn[1]


# --- pictures -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def renderer():
    return BoardRenderer(camera_at(0), BOARD, "m")


def picture(renderer, pose=None, **options):
    return renderer.picture(
        upright() if pose is None else pose, np.random.default_rng(0), **options
    )


@pytest.mark.slow
@pytest.mark.parametrize("lens", ["brown", "fisheye"])
def test_opencv_finds_the_corners_where_they_are(lens):
    rig = front(lens)
    poses = board_poses(rig, BOARD, 20, np.random.default_rng(2), 35.0, distance=(0.5, 0.65))
    poses = poses[::2]  # those that face the left camera: oblique views are hard on the detector
    exact = board_shots(rig, BOARD, poses, np.random.default_rng(0), noise_px=0.0).pixels[0]
    left = BoardRenderer(rig["left"], BOARD, "m")
    gap = np.stack([found(picture(left, poses[s])) for s in range(10)]) - exact
    gap = gap[~np.isnan(gap[..., 0])]
    assert len(gap) > 0.8 * (~np.isnan(exact[..., 0])).sum()
    assert np.sqrt((gap**2).sum(-1).mean()) < 0.15
    assert np.abs(gap.mean(0)).max() < 0.02


@pytest.mark.slow
def test_a_checkerboard_is_where_its_points_are():
    board = Checkerboard(5, 7, "mm", 30.0)
    camera = camera_at(20, radius=0.5)
    drawn = picture(BoardRenderer(camera, board, "m"), noise=0.0)
    exact = camera.project(points_in_world(board, upright()))
    near = (exact + [0.4, -0.4]).astype(np.float32).reshape(-1, 1, 2)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 50, 1e-3)
    corners = cv2.cornerSubPix(drawn, near, (5, 5), (-1, -1), stop)[:, 0]
    gap = np.linalg.norm(corners - exact, axis=-1)
    assert np.sqrt((gap**2).mean()) < 0.1 and gap.max() < 0.15


def inked(board, xy):
    """Whether there is ink at places (n, 2) of the print."""
    low, size = board.ink[:, :2], board.ink[:, 2:]
    return ((xy[:, None] > low) & (xy[:, None] < low + size)).all(-1).any(-1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "board",
    [BOARD, Checkerboard(5, 7, "mm", 30.0), AprilGrid(4, 5, "cm", 4.0, 1.2)],
    ids=lambda board: type(board).__name__,
)
@pytest.mark.parametrize("lens", ["brown", "more than half a turn"])
def test_ink_and_paper_are_where_they_are_printed(board, lens):
    camera = camera_at(-15) if lens == "brown" else wide_fisheye()
    drawn = picture(BoardRenderer(camera, board, "m"), noise=0.0).astype(float)
    unit = 1000 if board.units == "mm" else 100
    rng = np.random.default_rng(0)
    xy = rng.uniform((0, 0), board.size, (1500, 2))
    steps = 0.003 * unit * np.array([[x, y] for x in (-1, 0, 1) for y in (-1, 0, 1)])
    around = np.stack([inked(board, xy + step) for step in steps])
    clear = around.all(0) | ~around.any(0)  # no edge within 3 mm
    assert clear.sum() > 100
    place = np.concatenate([xy[clear] / unit, np.zeros((clear.sum(), 1))], 1)
    pixel = np.rint(camera.project(upright().apply(torch.from_numpy(place)).numpy())).astype(int)
    value = drawn[pixel[:, 1], pixel[:, 0]]
    ink = around[4, clear]
    assert value[ink].max() < 100 < 150 < value[~ink].min()


@pytest.mark.slow
def test_units_of_the_world_do_not_show(renderer):
    rig = Rig({"one": renderer.camera}, "m").in_units("mm")
    other = picture(BoardRenderer(rig["one"], BOARD, "mm"), upright().scaled(1000.0))
    changed = np.abs(other.astype(int) - picture(renderer))
    assert changed.mean() < 0.01


@pytest.mark.slow
def test_the_generator_decides_the_picture(renderer):
    one, same = picture(renderer), picture(BoardRenderer(camera_at(0), BOARD, "m"))
    assert one.dtype == np.uint8 and one.shape == (480, 640)
    np.testing.assert_array_equal(one, same)
    other = renderer.picture(upright(), np.random.default_rng(1))
    assert (other.astype(int) - one).std() == pytest.approx(2.0 * np.sqrt(2), rel=0.1)


@pytest.mark.slow
def test_the_back_is_blank_unless_it_is_two_sided(renderer):
    turned = upright(back=True)
    blank, through = picture(renderer, turned), picture(replace(renderer, two_sided=True), turned)
    assert blank.min() > 50 and found_share(blank) == 0
    assert found_share(through) == 0 and found_share(np.fliplr(through)) > 0.9


def test_an_inverted_print_is_found_in_the_negative(renderer):
    drawn = picture(replace(renderer, inverted=True))
    assert found_share(drawn) == 0 and found_share(255 - drawn) > 0.9


def test_blur(renderer):
    sharp, soft, useless = (picture(renderer, blur_px=sigma) for sigma in (0.0, 1.0, 9.0))
    assert np.ptp(np.diff(soft.astype(int))) < np.ptp(np.diff(sharp.astype(int)))
    assert found_share(soft) > 0.9 and found_share(useless) == 0


def test_a_board_behind_the_camera_beside_the_picture_or_edge_on_is_not_drawn(renderer):
    behind = Pose.from_rotation(upright().R, np.array([0.0, -3.0, 0.3]))
    empty = picture(renderer, behind)
    np.testing.assert_array_equal(empty, picture(renderer, upright(x=5.0)))
    edge_on = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    sideways = Pose.from_rotation(edge_on, np.array([0.0, 0.1, 0.4]))
    np.testing.assert_array_equal(empty, picture(renderer, sideways))
    assert empty.min() > 40 and empty.max() < 180 and 5 < empty.std() < 25


def test_each_room_has_its_own_texture(renderer):
    far = upright(x=5.0)
    here, there = picture(renderer, far), picture(replace(renderer, room=1), far)
    assert abs(np.corrcoef(here.ravel(), there.ravel())[0, 1]) < 0.2


def test_a_partial_board_is_found_in_part(renderer):
    share = found_share(picture(renderer, upright(x=0.25)))
    assert 0.1 < share < 0.8
