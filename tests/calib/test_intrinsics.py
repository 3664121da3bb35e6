"""One camera: the right lens, the right focal length from any start, and what cannot be used."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from problems import BOARD, found_in, one_camera, same_pose, same_view, shown_to

from mvboot import Camera, InputError
from mvboot.calib.boards import Charuco, Checkerboard
from mvboot.calib.bundle import Held
from mvboot.calib.intrinsics import (
    FOCAL_OVER_WIDTH,
    LENS_CHOICES,
    MIN_VIEWS,
    _best_lens,
    board_observations,
    board_poses,
    calibrate_camera,
)
from mvboot.calib.uncertainty import covariance
from mvboot.geometry import Pose

TRUTHS = {
    "pinhole": ("pinhole", 780.0, ()),
    "brown1": ("brown1", 780.0, (-0.2, 0.0, 0.0, 0.0)),
    "brown2": ("brown2", 600.0, (-0.3, 0.2, 0.0, 0.0)),
    "brown3": ("brown5", 450.0, (-0.3, 0.15, 0.0, 0.0, -0.05)),
    "brown4": ("brown4", 780.0, (-0.2, 0.06, 8e-3, -6e-3)),
    "fisheye": ("fisheye", 240.0, (-0.03, 0.01, -4e-3, 1e-3)),
    "brown5": ("brown5", 450.0, (-0.3, 0.15, 4e-3, -3e-3, -0.06)),
}


@pytest.fixture(scope="module")
def plain():
    """A camera with one distortion term, its shots and board poses."""
    rig = one_camera("brown1")
    return (rig["one"], *shown_to(rig))


@pytest.fixture(scope="module")
def fitted(plain):
    return calibrate_camera(plain[1], ("brown1",))


def focal(camera):
    return float(camera.K[0, 0])


def relative(camera, truth):
    return focal(camera) / focal(truth)


# --- exact data ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", TRUTHS)
def test_exact_data_are_recovered(name):
    kind, length, coefficients = TRUTHS[name]
    rig = one_camera(kind, length, coefficients=coefficients)
    shots, motion = shown_to(rig, shots=14, noise_px=0.0)
    found = calibrate_camera(shots, (name,))
    assert found.choice is LENS_CHOICES[name] and found.held_out_px == {}
    assert found.adjusted.rms_px < 1e-4 and found.adjusted.used.all()
    assert relative(found.camera, rig["one"]) == pytest.approx(1, abs=1e-5)
    assert same_view(found.camera, rig["one"], 0.01)
    seen = ~torch.isnan(found.cam_from_board.t[:, 0])
    assert seen.sum() >= 12
    assert same_pose(found.cam_from_board[seen], motion[seen], 1e-3, 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.4, 1.0, 4.0, 12.0, 30.0])
def test_the_focal_length_is_found_from_nothing(factor):
    """From wide angle to telescope, whose perspective is only just there."""
    rig = one_camera(focal=factor * 640)
    found = calibrate_camera(shown_to(rig, shots=20, noise_px=0.05)[0], ("pinhole",))
    assert relative(found.camera, rig["one"]) == pytest.approx(1, abs=0.005 + 0.005 * factor)
    assert found.adjusted.rms_px == pytest.approx(0.05, rel=0.1)
    assert found.adjusted.trouble is None


def test_the_start_covers_what_is_found():
    assert FOCAL_OVER_WIDTH[0] < 0.4 and FOCAL_OVER_WIDTH[-1] > 30
    assert (np.diff(np.log(FOCAL_OVER_WIDTH)) < np.log(1.5)).all()


def test_a_portrait_picture():
    rig = one_camera(size=(480, 640))
    found = calibrate_camera(shown_to(rig)[0], ("pinhole",))
    assert found.camera.size == (480, 640)
    assert relative(found.camera, rig["one"]) == pytest.approx(1, abs=0.02)


def test_a_centre_far_from_the_middle():
    """A picture that was cropped on one side."""
    K = [[780.0, 0, 420], [0, 782.0, 150], [0, 0, 1]]
    rig = replace(one_camera(), cameras={"one": Camera.from_opencv(K, size=(640, 480))})
    found = calibrate_camera(shown_to(rig, shots=30)[0], ("pinhole",))
    np.testing.assert_allclose(found.camera.K[:2, 2], [420, 150], atol=8)


def test_boards_in_metres():
    board = Charuco(7, 8, "m", 0.025, 0.018, "DICT_5X5_250")
    rig = one_camera("brown1").in_units("m")
    found = calibrate_camera(shown_to(rig, noise_px=0.0, board=board)[0], ("brown1",))
    assert found.adjusted.bundle.rig.units == "m"
    assert same_view(found.camera, rig["one"], 0.01)


# --- the lens -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("errors", "folding", "chosen"),
    [
        ({"brown2": 0.30, "brown5": 0.20, "rational": 0.199}, {"brown5"}, "rational"),
        ({"brown2": 0.218, "brown5": 0.20}, {"brown5"}, "brown2"),
        ({"brown2": 0.23, "brown5": 0.20}, {"brown5"}, "brown5"),
        ({"brown2": 0.21, "brown5": 0.20}, {"brown2", "brown5"}, "brown5"),
        ({"brown2": 0.205, "brown5": 0.20}, set(), "brown2"),
    ],
)
def test_a_lens_that_folds_is_taken_only_where_others_are_worse(errors, folding, chosen):
    K = [[500.0, 0, 319.5], [0, 500.0, 239.5], [0, 0, 1]]
    cameras = {
        name: Camera.from_opencv(K, [-0.9 if name in folding else 0.1, 0, 0, 0], size=(640, 480))
        for name in errors
    }
    assert _best_lens(errors, cameras) == chosen


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pinhole", "brown1", "brown4", "fisheye", "brown5"])
def test_the_lens_is_chosen_by_what_it_predicts(name):
    kind, length, coefficients = TRUTHS[name]
    rig = one_camera(kind, length, coefficients=coefficients)
    found = calibrate_camera(shown_to(rig)[0])
    assert found.choice.name == name
    assert set(found.held_out_px) == set(LENS_CHOICES)
    assert found.held_out_px[name] <= 1.03 * min(found.held_out_px.values())
    assert found.held_out_px[name] == pytest.approx(0.2, rel=0.1)
    assert relative(found.camera, rig["one"]) == pytest.approx(1, abs=0.03)


def test_only_the_lenses_asked_for_are_tried(plain):
    found = calibrate_camera(plain[1], ("pinhole", "brown5"))
    assert set(found.held_out_px) == {"pinhole", "brown5"}
    assert found.choice.name == "brown5"
    assert len(found.camera.lens.coefficients) == 5


def test_what_a_lens_holds_stays_zero(fitted):
    k1, k2, p1, p2 = fitted.camera.lens.coefficients.tolist()
    assert k1 == pytest.approx(-0.2, abs=0.03)
    assert (k2, p1, p2) == (0, 0, 0)


def test_choices_are_in_order_of_freedom():
    free = [c.terms - len(c.held) for c in LENS_CHOICES.values()]
    assert free == sorted(free) and next(iter(LENS_CHOICES)) == "pinhole"
    assert all(name == choice.name for name, choice in LENS_CHOICES.items())


# --- what was seen ------------------------------------------------------------------------------


def test_views_that_show_too_little_have_no_pose(plain):
    camera, shots, motion = plain
    pixels = shots.pixels.copy()
    pixels[0, 4, 5:] = np.nan  # five points
    pixels[0, 9, BOARD.grid[:, 1] > 0] = np.nan  # one row of six
    pixels[0, 11] = np.nan
    found = calibrate_camera(replace(shots, pixels=pixels), ("brown1",))
    blind = torch.isnan(found.cam_from_board.t[:, 0]).numpy()
    assert set(np.flatnonzero(blind)) == {4, 9, 11} | set(np.flatnonzero(shots.counts[0] < 6))
    assert torch.isnan(found.cam_from_board.R[4]).all()
    assert same_pose(found.cam_from_board[~blind], motion[~blind], 2.0, 60.0)
    assert relative(found.camera, camera) == pytest.approx(1, abs=0.02)


def test_numbers_of_instants_are_those_of_the_recording(plain, fitted):
    _, shots, _ = plain
    renumbered = replace(shots, numbers=7 * shots.numbers + 1000)
    again = calibrate_camera(renumbered, ("brown1",))
    torch.testing.assert_close(again.cam_from_board.t, fitted.cam_from_board.t, equal_nan=True)


@pytest.mark.slow
def test_pieces_of_a_board_are_enough():
    """Never more than two columns at once."""
    rig = one_camera("brown1")
    shots, _ = shown_to(rig, shots=60)
    rng = np.random.default_rng(3)
    first = rng.integers(0, BOARD.columns - 2, 60)[:, None]
    column = BOARD.grid[:, 0]
    shots = shots.where(((column >= first) & (column < first + 2))[None])
    assert shots.counts.max() == 14
    found = calibrate_camera(shots, ("brown1",))
    assert relative(found.camera, rig["one"]) == pytest.approx(1, abs=0.05)
    assert found.adjusted.rms_px == pytest.approx(0.2, rel=0.2)


@pytest.mark.parametrize("across", [True, False])
def test_a_view_from_the_wrong_end_or_from_behind_does_not_matter(plain, across):
    """Another pose of a flat board explains it as well as the true one."""
    camera, shots, _ = plain
    row = int(shots.counts[0].argmax())
    assert shots.counts[0, row] == len(BOARD.points)
    lattice = shots.pixels[0, row].reshape(BOARD.rows - 1, BOARD.columns - 1, 2)
    pixels = shots.pixels.copy()
    pixels[0, row] = (lattice[:, ::-1] if across else lattice[::-1, ::-1]).reshape(-1, 2)
    found = calibrate_camera(replace(shots, pixels=pixels), ("brown1",))
    assert found.adjusted.used.mean() > 0.99
    assert relative(found.camera, camera) == pytest.approx(1, abs=0.02)


def test_a_view_that_no_pose_explains_is_left_out(plain):
    camera, shots, _ = plain
    row = int(shots.counts[0].argmax())
    pixels = shots.pixels.copy()
    pixels[0, row, 14:] = pixels[0, row, 14:][::-1]
    found = calibrate_camera(replace(shots, pixels=pixels), ("brown1",))
    used = found.adjusted.used[board_observations(shots.without_poor(6)).instant == row]
    assert used.mean() < 0.1 and found.adjusted.used.mean() > 0.9
    assert found.adjusted.rms_px == pytest.approx(0.2, rel=0.1)
    assert relative(found.camera, camera) == pytest.approx(1, abs=0.02)


@pytest.mark.slow
def test_wrong_points_do_not_matter(plain):
    camera, shots, _ = plain
    rng = np.random.default_rng(0)
    wrong = rng.random(shots.seen.shape) < 0.05
    pixels = shots.pixels + wrong[..., None] * rng.uniform(10, 60, shots.pixels.shape)
    found = calibrate_camera(replace(shots, pixels=pixels), ("pinhole", "brown1", "brown5"))
    assert found.choice.name == "brown1"
    assert found.adjusted.rms_px == pytest.approx(0.2, rel=0.1)
    assert relative(found.camera, camera) == pytest.approx(1, abs=0.02)


# --- a camera that is known ---------------------------------------------------------------------


def test_a_fixed_camera_keeps_its_intrinsics(plain):
    camera, shots, motion = plain
    known = camera.with_pose(Pose.from_rotation(np.ones(3), np.ones(3)))  # as it stands in a rig
    found = calibrate_camera(shots, fixed=known)
    assert torch.equal(found.camera.K, camera.K)
    assert torch.equal(found.camera.lens.coefficients, camera.lens.coefficients)
    assert found.choice.name == "given" and found.held_out_px == {}
    assert found.adjusted.rms_px == pytest.approx(0.2, rel=0.05)
    seen = ~torch.isnan(found.cam_from_board.t[:, 0])
    assert same_pose(found.cam_from_board[seen], motion[seen], 2.0, 30.0)
    torch.testing.assert_close(found.camera.cam_from_world.R, torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("terms", [12, 14])
def test_a_fixed_camera_may_have_any_lens(terms):
    rig = one_camera(f"brown{terms}")
    shots, motion = shown_to(rig, shots=6, noise_px=0.0)
    found = calibrate_camera(shots, fixed=rig["one"])
    assert found.adjusted.rms_px < 1e-3
    assert same_pose(found.cam_from_board, motion, 1e-2, 0.1)


def test_two_views_are_enough_for_a_fixed_camera(plain):
    camera, shots, motion = plain
    found = calibrate_camera(shots.at(np.array([2, 5])), fixed=camera)
    assert same_pose(found.cam_from_board, motion[[2, 5]], 1.0, 5.0)


# --- what cannot be used ------------------------------------------------------------------------


def named(shots, name="top"):
    return replace(shots, cameras=(name,))


@pytest.mark.parametrize("views", range(MIN_VIEWS))
def test_too_few_views_are_told(plain, views):
    shots = plain[1].without_poor(20)
    with pytest.raises(InputError, match=rf"camera top: .*found in {views} pictures"):
        calibrate_camera(named(shots.at(np.arange(views))))


def test_views_that_show_too_little_are_not_counted(plain):
    pixels = plain[1].pixels.copy()
    pixels[:, 2:, 5:] = np.nan
    with pytest.raises(InputError, match=r"camera top: .*found in 2 pictures"):
        calibrate_camera(named(replace(plain[1], pixels=pixels)))


def test_a_known_camera_that_saw_nothing_is_told(plain):
    camera, shots, _ = plain
    with pytest.raises(InputError, match="camera top"):
        calibrate_camera(named(shots.where(np.zeros_like(shots.seen))), fixed=camera)


def test_a_known_camera_of_another_lens_is_told(plain):
    _, shots, _ = plain
    K = [[780.0, 0, 320], [0, 780, 240], [0, 0, 1]]
    folded = Camera.from_opencv(K, [-5.0, 0, 0, 0], size=(640, 480))  # ends at 130 px
    with pytest.raises(InputError, match="camera top"):
        calibrate_camera(named(shots), fixed=folded)


def test_the_fewest_views_that_work():
    """Three tilted views determine a pinhole."""
    rig = one_camera()
    shots, _ = shown_to(rig, shots=60, noise_px=0.0)
    shots = shots.without_poor(len(BOARD.points)).at(np.arange(3))
    found = calibrate_camera(shots, ("pinhole",))
    assert relative(found.camera, rig["one"]) == pytest.approx(1, abs=1e-4)


# --- poses of the board -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pinhole", "brown4", "fisheye"])
def test_the_first_pose_of_a_view_is_the_true_one(name):
    kind, length, coefficients = TRUTHS[name]
    rig = one_camera(kind, length, coefficients=coefficients)
    shots, motion = shown_to(rig, shots=20, noise_px=0.0)
    for s in np.flatnonzero(shots.without_poor(6).counts[0]):
        poses = board_poses(rig["one"], BOARD.points, shots.pixels[0, s])
        assert 1 <= len(poses) <= 2
        errors = [error for _, error in poses]
        assert errors == sorted(errors) and errors[0] < 1e-3
        assert same_pose(poses[0][0], motion[int(s)], 0.01, 0.1)


def test_from_far_away_both_poses_of_a_board_are_given():
    rig = one_camera(focal=20_000.0)
    shots, motion = shown_to(rig, shots=6, noise_px=0.0)
    for s in range(6):
        poses = board_poses(rig["one"], BOARD.points, shots.pixels[0, s])
        assert len(poses) == 2 and poses[1][1] < 1.5
        normal = [pose.R[:, 2] for pose, _ in poses]
        assert float(normal[0] @ motion.R[s, :, 2]) > 0.9999
        assert float(normal[0] @ normal[1]) < 0.9999


def test_five_points_have_no_pose():
    rig = one_camera()
    shots, _ = shown_to(rig, shots=1)
    pixels = shots.pixels[0, 0].copy()
    seen = np.flatnonzero(~np.isnan(pixels[:, 0]))
    pixels[seen[5:]] = np.nan
    assert board_poses(rig["one"], BOARD.points, pixels) == []
    assert board_poses(rig["one"], BOARD.points, np.full_like(pixels, np.nan)) == []


def test_observations_of_shots(plain):
    shots = plain[1]
    seen = board_observations(shots)
    assert len(seen) == shots.seen.sum() and (seen.weight == 1).all()
    np.testing.assert_array_equal(shots.pixels[seen.camera, seen.instant, seen.point], seen.pixels)


# --- real recordings ----------------------------------------------------------------------------


def numbered(folder, pattern):
    """Pictures by the last number in their name."""
    return {int(re.findall(r"\d+", p.stem)[-1]): p for p in sorted(folder.glob(pattern))}


def deviations(found, shots):
    views = board_observations(shots.without_poor(6)).where(found.adjusted.used)
    held = Held({shots.cameras[0]: found.choice.held})
    return covariance(found.adjusted.bundle, views, held)[shots.cameras[0]]


@pytest.mark.slow
def test_stereo_checkerboards(shared_data):
    board = Checkerboard(9, 6, "mm", 25.0)
    paths = {
        side: dict(list(numbered(shared_data / "stereo2", f"{side}*.jpg").items())[::3])
        for side in ("left", "right")
    }
    shots = found_in(board, paths)
    assert (shots.counts == 54).all()
    found = {name: calibrate_camera(shots.of([name])) for name in shots.cameras}
    for name, one in found.items():
        assert one.adjusted.rms_px < 0.12 and one.adjusted.used.mean() > 0.95
        assert one.adjusted.trouble is None
        assert focal(one.camera) == pytest.approx(462, rel=0.01)
        K, sure = one.camera.K, deviations(one, shots.of([name]))
        assert abs(K[0, 0] - K[1, 1]) < 4 * np.hypot(sure.deviation("fx"), sure.deviation("fy"))
    assert relative(found["left"].camera, found["right"].camera) == pytest.approx(1, abs=0.005)


@pytest.mark.slow
def test_charuco_stills(shared_data):
    board = Charuco(8, 11, "mm", 24.0, 18.75, "DICT_4X4_1000")
    folder = shared_data / "mouse4" / "top" / "calibration_images"
    paths = dict(list(numbered(folder, "*.jpg").items())[::2])
    shots = found_in(board, {"top": paths})
    assert (shots.counts[0] > 40).all()
    found = calibrate_camera(shots)
    assert found.adjusted.rms_px < 0.15 and found.adjusted.used.mean() > 0.95
    assert found.held_out_px["pinhole"] > 2 * found.held_out_px[found.choice.name]
    assert float(found.camera.K[1, 1] / found.camera.K[0, 0]) == pytest.approx(1, abs=0.005)
    assert focal(found.camera) == pytest.approx(952, rel=0.01)


@pytest.mark.slow
def test_four_cameras_of_one_kind_have_one_focal_length(shared_data):
    """Six or seven pictures each; the board was held by hand."""
    board = Checkerboard(4, 7, "mm", 60.0)
    folder = shared_data / "human4" / "calibration" / "intrinsics"
    names = [f"cam0{i}" for i in range(1, 5)]
    paths = {n: numbered(folder / f"int_{n}_img", "*.jpg") for n in names}
    lengths = []
    for name in names:
        pictures = dict(enumerate(paths[name].values()))
        found = calibrate_camera(found_in(board, {name: pictures}))
        assert found.adjusted.rms_px < 0.15
        assert float(found.camera.K[1, 1] / found.camera.K[0, 0]) == pytest.approx(1, abs=0.002)
        lengths.append(focal(found.camera))
    assert np.ptp(lengths) < 0.003 * np.mean(lengths)
