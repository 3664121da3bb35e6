"""Bundle adjustment against exact truth: recovery, what is held, weights, free points, failures."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from problems import LENSES, cloud, disturbed, problem, same_pose, same_view

from mvboot import InputError
from mvboot.calib.bundle import (
    GROUPS,
    INTRINSICS,
    TERMS,
    Held,
    adjust,
    free_parameters,
)
from mvboot.geometry import Pose, make_lens

REFINED = ["pinhole", "brown4", "brown5", "brown8", "fisheye"]
PLACE = {"fx": (0, 0), "fy": (1, 1), "cx": (0, 2), "cy": (1, 2)}


@pytest.fixture(scope="module", params=REFINED)
def solved(request):
    """A problem without noise, and what is found from a start that is off everywhere."""
    given = problem(request.param)
    return given, adjusted(given)


@pytest.fixture(scope="module")
def given():
    return problem("brown5")


@pytest.fixture(scope="module")
def noisy():
    return problem("brown5", noise_px=0.4)


def adjusted(given, held=None, **options):
    held = held or Held()
    start = disturbed(given.truth, np.random.default_rng(1), **options)
    return adjust(start, given.observations, held)


def for_all(bundle, *names):
    return Held({camera: frozenset(names) for camera in bundle.rig.names})


def gap_px(bundle, observations):
    return np.abs(bundle.residuals(observations)).max()


def parameters(camera):
    """Every intrinsic number of a camera by name."""
    values = {name: float(camera.K[place]) for name, place in PLACE.items()}
    terms = zip(TERMS[camera.lens.name], camera.lens.coefficients.tolist(), strict=False)
    return values | dict(terms)


def same_bundle(a, b, degrees=1e-4, distance=1e-3):
    poses = [(a.rig[n].cam_from_world, b.rig[n].cam_from_world) for n in a.rig.names]
    poses.append((a.rig_from_points, b.rig_from_points))
    return all(same_pose(*pair, degrees, distance) for pair in poses)


# --- exact data ---------------------------------------------------------------------------------


def test_the_start_is_far_off(given):
    start = disturbed(given.truth, np.random.default_rng(1))
    assert np.sqrt((start.residuals(given.observations) ** 2).mean()) > 5


def test_residuals_of_the_truth_are_zero(solved):
    given, _ = solved
    assert gap_px(given.truth, given.observations) < 1e-9


def test_exact_data_are_explained(solved):
    given, found = solved
    assert gap_px(found, given.observations) < 1e-4
    assert same_bundle(found, given.truth)
    for name in found.rig.names:
        assert same_view(found.rig[name], given.truth.rig[name], 1e-3)


def test_every_parameter_is_recovered(solved):
    given, found = solved
    for name, camera in given.truth.rig.cameras.items():
        wanted, is_like = parameters(camera), parameters(found.rig[name])
        if len(camera.lens.coefficients) == 8:  # numerator and denominator trade with one another
            wanted, is_like = ({k: p[k] for k in PLACE} for p in (wanted, is_like))
        assert is_like == pytest.approx(wanted, abs=1e-4)


def test_what_a_camera_is_stays(solved):
    given, found = solved
    assert found.rig.names == given.truth.rig.names and found.rig.units == "mm"
    for name, camera in given.truth.rig.cameras.items():
        again = found.rig[name]
        assert again.size == camera.size and again.lens.name == camera.lens.name
        assert len(again.lens.coefficients) == len(camera.lens.coefficients)
    np.testing.assert_array_equal(found.points, given.truth.points)


@pytest.mark.parametrize(
    ("lens", "skew"), [("brown12", 0.0), ("brown14", 0.0), ("brown5", 1.5), ("fisheye", 1.5)]
)
def test_lenses_that_the_solver_lacks_are_used_as_they_are(lens, skew):
    given = problem(lens, skew=skew)
    held = for_all(given.truth, *INTRINSICS)
    found = adjusted(given, held, intrinsics=False)
    assert gap_px(found, given.observations) < 1e-4
    assert same_bundle(found, given.truth)
    for name, camera in given.truth.rig.cameras.items():
        assert torch.equal(found.rig[name].K, camera.K)
        assert torch.equal(found.rig[name].lens.coefficients, camera.lens.coefficients)


@pytest.mark.parametrize("zeros", [4, 6])
def test_a_lens_of_more_terms_that_are_zero_is_refined(zeros):
    """OpenCV writes 14 terms where it estimated 8."""
    given = problem("brown8")
    names = given.truth.rig.names
    longer = {
        n: replace(c, lens=make_lens("brown", torch.cat([c.lens.coefficients, torch.zeros(zeros)])))
        for n, c in given.truth.rig.cameras.items()
    }
    start = replace(given.truth, rig=replace(given.truth.rig, cameras=longer))
    plain, found = (adjust(b, given.observations, Held()) for b in (given.truth, start))
    for name in names:
        values = found.rig[name].lens.coefficients
        assert len(values) == 8 + zeros and bool((values[8:] == 0).all())
        assert torch.equal(values[:8], plain.rig[name].lens.coefficients)


@pytest.mark.parametrize(("lens", "skew"), [("brown12", 0.0), ("pinhole", 1.5)])
def test_lenses_that_the_solver_lacks_are_not_refined(lens, skew):
    given = problem(lens, skew=skew)
    with pytest.raises(InputError, match=r"camera a has (a skewed K|12 distortion terms)"):
        adjusted(given, intrinsics=False)
    others = {n: INTRINSICS for n in ("a", "c")}
    with pytest.raises(InputError, match="camera b"):
        adjust(given.truth, given.observations, Held(others))
    partly = {**others, "b": INTRINSICS - {"principal_point"}}
    with pytest.raises(InputError, match="camera b"):
        adjust(given.truth, given.observations, Held(partly))


def test_one_camera_alone():
    given = problem("brown5", cameras=1)
    found = adjusted(given)
    assert gap_px(found, given.observations) < 1e-4
    assert same_bundle(found, given.truth)


def test_a_rig_of_different_lenses():
    given = problem(("pinhole", "fisheye", "brown5"))
    assert gap_px(adjusted(given), given.observations) < 1e-4


def test_noise_stays_noise(noisy):
    found = adjusted(noisy)
    residuals, truth = (b.residuals(noisy.observations) for b in (found, noisy.truth))
    assert np.sqrt((residuals**2).mean()) == pytest.approx(0.4, rel=0.04)
    assert (residuals**2).sum() < (truth**2).sum()
    for name in found.rig.names:
        assert same_view(found.rig[name], noisy.truth.rig[name], 8.0)
    assert same_bundle(found, noisy.truth, 1.5, 15.0)


# --- what is held -------------------------------------------------------------------------------


def test_the_first_camera_stays_wherever_it_stands(solved):
    _, found = solved
    first = problem().truth.rig["a"].cam_from_world
    assert torch.equal(found.rig["a"].cam_from_world.R, first.R)
    assert torch.equal(found.rig["a"].cam_from_world.t, first.t)


@pytest.mark.parametrize("held", [*sorted(INTRINSICS), "k1", "k2", "p1", "k3", "k4"])
def test_held_intrinsics_stay_and_others_move(held):
    given = problem("fisheye" if held == "k4" else "brown5", noise_px=0.4)
    start = disturbed(given.truth, np.random.default_rng(1))
    found = adjust(start, given.observations, for_all(start, held))
    for name, camera in start.rig.cameras.items():
        free = free_parameters(camera, frozenset({held}))
        before, after = parameters(camera), parameters(found.rig[name])
        stays = {n for n in before if before[n] == after[n]}
        assert stays == set(before) - set(free)


def test_names_of_free_parameters(given):
    camera = given.truth.rig["a"]
    free = free_parameters
    assert free(camera, frozenset()) == ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3")
    assert free(camera, frozenset({"focal", "p1", "p2"})) == ("cx", "cy", "k1", "k2", "k3")
    assert free(camera, INTRINSICS | {"pose"}) == ()
    assert free(problem("pinhole").truth.rig["a"], frozenset({"focal"})) == ("cx", "cy")
    assert free(problem("fisheye").truth.rig["a"], INTRINSICS - {"distortion"}) == (
        "k1",
        "k2",
        "k3",
        "k4",
    )


def test_one_camera_can_be_held_whole(noisy):
    start = disturbed(noisy.truth, np.random.default_rng(1))
    found = adjust(start, noisy.observations, Held({"b": frozenset(GROUPS)}))
    assert torch.equal(found.rig["b"].K, start.rig["b"].K)
    assert torch.equal(found.rig["b"].cam_from_world.R, start.rig["b"].cam_from_world.R)
    assert torch.equal(found.rig["b"].cam_from_world.t, start.rig["b"].cam_from_world.t)
    for name in ("a", "c"):
        assert not torch.equal(found.rig[name].K, start.rig[name].K)
    assert not torch.equal(found.rig["c"].cam_from_world.t, start.rig["c"].cam_from_world.t)


def test_held_motion_stays(noisy):
    start = disturbed(noisy.truth, np.random.default_rng(1), motion=False)
    found = adjust(start, noisy.observations, Held(motion=True))
    assert torch.equal(found.rig_from_points.R, start.rig_from_points.R)
    assert torch.equal(found.rig_from_points.t, start.rig_from_points.t)
    assert not torch.equal(found.rig["b"].K, start.rig["b"].K)


def test_where_nothing_is_free_nothing_moves(noisy):
    start = disturbed(noisy.truth, np.random.default_rng(1))
    held = replace(for_all(start, *GROUPS), motion=True)
    found = adjust(start, noisy.observations, held)
    assert torch.equal(found.rig_from_points.t, start.rig_from_points.t)
    for name in start.rig.names:
        assert torch.equal(found.rig[name].K, start.rig[name].K)
        assert torch.equal(found.rig[name].cam_from_world.t, start.rig[name].cam_from_world.t)


# --- weights ------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss_px", [None, 0.5])
def test_a_weight_is_a_row_repeated(noisy, loss_px):
    seen = noisy.observations
    weight = np.random.default_rng(3).integers(1, 4, len(seen))
    weighted = replace(seen, weight=weight)
    repeated = seen.where(np.repeat(np.arange(len(seen)), weight))
    a, b, plain = (adjust(noisy.truth, o, Held(), loss_px) for o in (weighted, repeated, seen))
    for name in a.rig.names:
        assert parameters(a.rig[name]) == pytest.approx(parameters(b.rig[name]), abs=1e-6)
    assert parameters(a.rig["b"]) != pytest.approx(parameters(plain.rig["b"]), abs=1e-3)


def test_weights_of_all_rows_alike_change_nothing(noisy):
    seen = noisy.observations
    one, three = (
        adjust(noisy.truth, replace(seen, weight=w * seen.weight), Held()) for w in (1, 3)
    )
    for name in one.rig.names:
        assert parameters(one.rig[name]) == pytest.approx(parameters(three.rig[name]), abs=1e-6)


def test_points_seen_once_count(noisy):
    """Each point of a board in one camera's one picture, and only there."""
    seen = noisy.observations
    once = seen.where((seen.camera == 1) & (seen.instant == 0))
    assert (np.bincount(once.point) <= 1).all() and len(once) >= 20
    held = for_all(noisy.truth, *GROUPS)
    start = disturbed(noisy.truth, np.random.default_rng(1), intrinsics=False, poses=False)
    found = adjust(start, once, held)
    assert np.sqrt((found.residuals(once) ** 2).mean()) < 0.5
    assert np.sqrt((start.residuals(once) ** 2).mean()) > 3


def test_a_single_point_seen_once_changes_no_other_weight(noisy):
    """Where one point occurs once, all rows are doubled, and the answer must not change."""
    seen = noisy.observations
    rows = np.flatnonzero(seen.point == 0)
    alone = seen.where(np.setdiff1d(np.arange(len(seen)), rows[1:]))
    weightless = seen.where(seen.point != 0)
    a, b = adjust(noisy.truth, alone, Held()), adjust(noisy.truth, weightless, Held())
    assert parameters(a.rig["a"]) == pytest.approx(parameters(b.rig["a"]), rel=0.01, abs=0.5)
    doubled = adjust(noisy.truth, replace(alone, weight=2 * alone.weight), Held())
    assert parameters(a.rig["b"]) == pytest.approx(parameters(doubled.rig["b"]), abs=1e-6)


# --- points that move ---------------------------------------------------------------------------


def test_free_points_and_poses_of_one_instant():
    """A subject's keypoints: two poses are held, which keeps the world's size."""
    truth, seen = cloud()
    start = disturbed(truth, np.random.default_rng(2), intrinsics=False, motion=False)
    cameras = {**start.rig.cameras, "b": truth.rig["b"]}
    points = truth.points + np.random.default_rng(3).normal(0, 5, truth.points.shape)
    start = replace(start, rig=replace(start.rig, cameras=cameras), points=points)
    held = Held(
        {"a": INTRINSICS, "b": frozenset(GROUPS), "c": INTRINSICS, "d": INTRINSICS},
        points=np.zeros(len(points), np.bool_),
        motion=True,
    )
    found = adjust(start, seen, held)
    assert gap_px(found, seen) < 1e-4
    assert same_bundle(found, truth)
    np.testing.assert_allclose(found.points, truth.points, atol=1e-3)


def test_without_a_second_pose_the_world_may_only_grow():
    truth, seen = cloud()
    start = disturbed(truth, np.random.default_rng(2), intrinsics=False, motion=False)
    held = replace(
        for_all(truth, *INTRINSICS), points=np.zeros(len(truth.points), np.bool_), motion=True
    )
    found = adjust(start, seen, held)
    assert gap_px(found, seen) < 1e-4
    center = truth.rig["a"].center.numpy()
    from_center = found.points - center, truth.points - center
    scale = (from_center[0] * from_center[1]).sum() / (from_center[1] ** 2).sum()
    assert scale == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(from_center[0], scale * from_center[1], atol=1e-3)


def test_points_no_camera_saw_stay():
    truth, seen = cloud()
    seen = seen.where(seen.point != 7)
    points = truth.points + 3.0
    held = replace(for_all(truth, *GROUPS), points=np.zeros(len(points), np.bool_), motion=True)
    found = adjust(replace(truth, points=points), seen, held)
    np.testing.assert_array_equal(found.points[7], points[7])
    others = np.arange(len(points)) != 7
    np.testing.assert_allclose(found.points[others], truth.points[others], atol=1e-4)


def test_the_shape_of_a_board_with_three_points_held():
    """A bent print: its points are found beside everything else."""
    given = problem("brown5", shots=25)
    board = given.truth.points
    x, y = board[:, 0] - board[:, 0].mean(), board[:, 1] - board[:, 1].mean()
    grid = given.shots.board.grid
    corners = [(0, 0), (grid[:, 0].max(), 0), (0, grid[:, 1].max())]
    held_points = np.any([(grid == corner).all(1) for corner in corners], axis=0)
    bent = board + np.stack([2e-3 * x, -1e-3 * y, 4e-4 * x**2], -1) * ~held_points[:, None]
    truth = replace(given.truth, points=bent)
    exact = given.observations
    exact = replace(exact, pixels=exact.pixels + truth.residuals(exact))
    start = replace(disturbed(truth, np.random.default_rng(1)), points=board)
    assert gap_px(adjust(start, exact, Held()), exact) > 0.1, "flat points explain a bent board"
    found = adjust(start, exact, Held(points=held_points))
    assert gap_px(found, exact) < 1e-4
    np.testing.assert_array_equal(found.points[held_points], board[held_points])
    np.testing.assert_allclose(found.points, bent, atol=1e-3)
    assert same_bundle(found, truth)


# --- robustness and failures --------------------------------------------------------------------


def test_a_robust_loss_yields_less_to_a_wrong_point(given):
    seen = given.observations
    pixels = seen.pixels.copy()
    pixels[::20] += np.random.default_rng(4).uniform(20, 60, pixels[::20].shape)
    wrong = replace(seen, pixels=pixels)
    start = disturbed(given.truth, np.random.default_rng(1))
    squares, robust = (adjust(start, wrong, Held(), loss_px) for loss_px in (None, 1.0))
    assert gap_px(robust, seen) < 0.2 < 2 < gap_px(squares, seen)


def test_a_point_behind_the_camera_has_no_residual(given):
    motion = given.truth.rig_from_points
    away = Pose(motion.R, motion.t - 3000 * given.truth.rig["a"].forward)
    hidden = replace(given.truth, rig_from_points=away)
    assert np.isnan(hidden.residuals(given.observations)).all()
    assert hidden.is_finite


def broken(bundle, seen, what):
    """An adjustment that cannot work."""
    pixels = seen.pixels.copy()
    motion = bundle.rig_from_points
    if what == "a pixel is missing":
        pixels[7] = np.nan
    if what == "a pixel is infinite":
        pixels[7, 0] = np.inf
    if what == "a pose is missing":
        bundle = replace(bundle, rig_from_points=Pose(motion.R, motion.t * torch.nan))
    if what == "points are missing":
        bundle = replace(bundle, points=np.full_like(bundle.points, np.nan))
    rows = np.arange(0 if what == "nothing was seen" else len(seen))
    return bundle, replace(seen, pixels=pixels).where(rows)


@pytest.mark.parametrize(
    "what",
    [
        "a pixel is missing",
        "a pixel is infinite",
        "a pose is missing",
        "points are missing",
        "nothing was seen",
    ],
)
def test_what_cannot_work_is_none(given, what, capfd):
    assert adjust(*broken(given.truth, given.observations, what), Held()) is None
    assert capfd.readouterr() == ("", "")


def test_what_is_not_finite_is_told(given):
    assert given.truth.is_finite
    for what in ("a pose is missing", "points are missing"):
        assert not broken(given.truth, given.observations, what)[0].is_finite


def test_nothing_is_printed(given, capfd):
    """A far start makes the solver take steps back, of which it would speak."""
    motion = given.truth.rig_from_points
    for degrees in (2.0, 60.0):
        turn = np.radians(degrees) * np.random.default_rng(0).standard_normal((14, 3))
        far = motion @ Pose.from_rotation(turn, np.zeros((14, 3)))
        adjust(replace(given.truth, rig_from_points=far), given.observations, Held())
    assert capfd.readouterr() == ("", "")


def test_a_camera_that_saw_nothing_is_left_alone(given):
    seen = given.observations
    start = disturbed(given.truth, np.random.default_rng(1))
    found = adjust(start, seen.where(seen.camera != 2), Held())
    assert parameters(found.rig["c"]) == pytest.approx(parameters(start.rig["c"]), abs=1e-9)
    assert same_pose(found.rig["c"].cam_from_world, start.rig["c"].cam_from_world, 1e-6, 1e-6)
    assert gap_px(found, seen.where(seen.camera != 2)) < 1e-4


def test_rows_of_observations(given):
    seen = given.observations
    some = seen.where(seen.camera == 1)
    assert len(some) == (seen.camera == 1).sum() and (some.camera == 1).all()
    np.testing.assert_array_equal(some.pixels, seen.pixels[seen.camera == 1])
    np.testing.assert_array_equal(seen.where(np.array([5, 2])).point, seen.point[[5, 2]])


@pytest.mark.parametrize("lens", LENSES)
def test_every_lens_is_at_rest_at_the_truth(lens):
    """Pixels, half pixels and coefficients are those of the solver: nothing moves at the truth."""
    given = problem(lens, shots=5)
    held = for_all(given.truth, *(INTRINSICS if lens in ("brown12", "brown14") else ()))
    found = adjust(given.truth, given.observations, held)
    assert gap_px(found, given.observations) < 1e-8
    assert same_bundle(found, given.truth, 1e-6, 1e-6)
