"""Covariances against brute force, what cannot be known, gauges, and how often they hold."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from problems import BOARD, cloud, disturbed, problem

from mvboot.calib.bundle import GROUPS, INTRINSICS, TERMS, Held, adjust, free_parameters
from mvboot.calib.intrinsics import board_observations
from mvboot.calib.uncertainty import POSE, covariance, noise_of
from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig
from mvboot.synthetic.boards import board_shots

PLACE = {"fx": (0, 0), "fy": (1, 1), "cx": (0, 2), "cy": (1, 2)}
STEPS = {
    **dict.fromkeys(PLACE, 1e-2),
    **dict.fromkeys(POSE[:3], 1e-5),
    **dict.fromkeys(POSE[3:], 1e-3),
}
TINY = 1.0


# --- brute force --------------------------------------------------------------------------------


class BruteForce:
    """Every free number of a bundle in one vector; derivatives by finite differences."""

    def __init__(self, bundle, observations, held):
        self.bundle, self.observations, self.held = bundle, observations, held
        self.names = []
        for number, (name, camera) in enumerate(bundle.rig.cameras.items()):
            free = free_parameters(camera, held.of(name))
            posed = number > 0 and "pose" not in held.of(name)
            self.names += [(name, part) for part in free + (POSE if posed else ())]
        inner, parts = ("point", "xyz") if held.motion else ("instant", POSE)
        for k in np.unique(getattr(observations, inner)):
            self.names += [(int(k), part) for part in parts]

    def moved(self, change):
        """The bundle with small changes (n,) of its numbers."""
        cameras, motion, points = (
            dict(self.bundle.rig.cameras),
            self.bundle.rig_from_points,
            self.bundle.points.copy(),
        )
        R, t = motion.R.clone(), motion.t.clone()
        for (owner, part), step in zip(self.names, change, strict=True):
            if step == 0:
                continue
            if isinstance(owner, str):
                cameras[owner] = changed(cameras[owner], part, step)
            elif part in POSE:
                pose = stepped(Pose(R[owner], t[owner]), part, step)
                R[owner], t[owner] = pose.R, pose.t
            else:
                points[owner, "xyz".index(part)] += step
        return replace(
            self.bundle, rig=Rig(cameras, "mm"), rig_from_points=Pose(R, t), points=points
        )

    def derivatives(self, function):
        """The derivatives (..., n) of a function of the bundle."""
        columns = []
        for i, (_, part) in enumerate(self.names):
            step = np.zeros(len(self.names))
            step[i] = STEPS.get(part, 1e-4)
            ahead, behind = function(self.moved(step)), function(self.moved(-step))
            columns.append((ahead - behind) / (2 * step[i]))
        return np.stack(columns, -1)

    def covariance(self, constraint=None):
        """Invert the whole normal matrix, bordered by a constraint on a function of the bundle."""
        J = self.derivatives(lambda b: b.residuals(self.observations))
        normal = np.einsum("nki,n,nkj->ij", J, self.observations.weight, J)
        count = len(self.names)
        if constraint is not None:
            border = self.derivatives(constraint)[None]
            normal = np.block([[normal, border.T], [border, np.zeros((1, 1))]])
        scale = np.sqrt(np.maximum(np.abs(np.diag(normal)), TINY))
        inverse = np.linalg.inv(normal / np.outer(scale, scale)) / np.outer(scale, scale)
        residuals = self.bundle.residuals(self.observations)
        noise = noise_of(residuals, self.observations.weight, count - (constraint is not None))
        return noise**2 * inverse[:count, :count]

    def of(self, name, values):
        rows = [i for i, (owner, _) in enumerate(self.names) if owner == name]
        return values[np.ix_(rows, rows)]

    def center(self, name, values):
        J = self.derivatives(lambda b: b.rig[name].center.numpy())
        return J @ values @ J.T


def stepped(pose, part, step):
    """A pose turned after itself, or moved."""
    vector = step * np.eye(3)[POSE.index(part) % 3]
    if part in POSE[:3]:
        return Pose(Pose.from_rotation(vector, np.zeros(3)).R @ pose.R, pose.t)
    return Pose(pose.R, pose.t + torch.from_numpy(vector))


def changed(camera, part, step):
    if part in POSE:
        return camera.with_pose(stepped(camera.cam_from_world, part, step))
    K, coefficients = camera.K.clone(), camera.lens.coefficients.clone()
    if part in PLACE:
        K[PLACE[part]] += step
    else:
        coefficients[TERMS[camera.lens.name].index(part)] += step
    pose = camera.cam_from_world
    return Camera.from_opencv(K, coefficients, pose.R, pose.t, camera.size, camera.lens.name)


def agree(found, wanted):
    """Whether covariances agree relative to the deviations."""
    unit = np.sqrt(np.maximum(wanted.diagonal(), 1e-300))
    np.testing.assert_allclose(
        found / np.outer(unit, unit), wanted / np.outer(unit, unit), atol=2e-3
    )


# --- boards: the instants are eliminated --------------------------------------------------------


def weighted(observations):
    weight = np.random.default_rng(5).integers(1, 4, len(observations))
    return replace(observations, weight=weight)


@pytest.mark.parametrize(
    ("lens", "held"),
    [
        ("pinhole", {}),
        ("brown5", {"b": frozenset({"p1", "p2", "k3"}), "a": frozenset({"principal_point"})}),
        ("fisheye", {"b": frozenset({"pose"}), "a": frozenset({"distortion"})}),
        ("brown12", {n: INTRINSICS for n in "abc"}),
    ],
)
def test_boards_against_brute_force(lens, held):
    given = problem(lens, shots=5, noise_px=0.3)
    held = Held(held)
    bundle = adjust(given.truth, given.observations, held)
    seen = weighted(given.observations)
    brute = BruteForce(bundle, seen, held)
    values = brute.covariance()
    found = covariance(bundle, seen, held)
    assert list(found) == list(bundle.rig.names)
    for name, one in found.items():
        assert one.names == tuple(part for owner, part in brute.names if owner == name)
        agree(one.matrix, brute.of(name, values))
        np.testing.assert_allclose(one.center, brute.center(name, values), rtol=5e-3, atol=1e-9)


def test_many_instants_are_eliminated_in_blocks(monkeypatch):
    given = problem("brown4", shots=12, noise_px=0.3)
    whole = covariance(given.truth, given.observations, Held())
    monkeypatch.setattr("mvboot.calib.uncertainty.BLOCKS_AT_ONCE", 5)
    blocks = covariance(given.truth, given.observations, Held())
    for name in whole:
        agree(blocks[name].matrix, whole[name].matrix)


def test_an_instant_or_point_nobody_saw_is_no_unknown():
    given = problem("pinhole", shots=6, noise_px=0.3)
    seen = given.observations
    some = seen.where(seen.instant != 2)
    renumbered = replace(some, instant=some.instant - (some.instant > 2))
    motion = given.truth.rig_from_points[torch.tensor([0, 1, 3, 4, 5])]
    a = covariance(given.truth, some, Held())
    b = covariance(replace(given.truth, rig_from_points=motion), renumbered, Held())
    for name in a:
        np.testing.assert_allclose(a[name].matrix, b[name].matrix)


# --- keypoints: the points are eliminated -------------------------------------------------------


def points_held(truth, held):
    return Held(held, points=np.zeros(len(truth.points), np.bool_), motion=True)


def test_points_against_brute_force_with_two_poses_held():
    truth, seen = cloud(25, noise_px=0.5)
    held = points_held(
        truth, {"b": frozenset({"pose", "distortion"}), **{n: INTRINSICS for n in "acd"}}
    )
    seen = weighted(seen)
    brute = BruteForce(truth, seen, held)
    values = brute.covariance()
    found = covariance(truth, seen, held)
    for name, one in found.items():
        agree(one.matrix, brute.of(name, values))
        np.testing.assert_allclose(one.center, brute.center(name, values), rtol=5e-3, atol=1e-9)
    assert found["a"].center_deviation == found["b"].center_deviation == 0
    assert found["c"].center_deviation > 0.01


def spread(bundle):
    """Root mean square of the distances between the first camera and the others."""
    centers = np.stack([c.center.numpy() for c in bundle.rig.cameras.values()])
    return np.sqrt(((centers[1:] - centers[0]) ** 2).sum(1).mean())


def carried(bundle, world_from_new):
    """The same bundle in another world frame."""
    cameras = {
        n: c.with_pose(c.cam_from_world @ world_from_new) for n, c in bundle.rig.cameras.items()
    }
    motion = world_from_new.inverse() @ bundle.rig_from_points
    return replace(bundle, rig=Rig(cameras, bundle.rig.units), rig_from_points=motion)


def test_points_against_brute_force_with_the_size_of_the_world_fixed():
    truth, seen = cloud(25, noise_px=0.5)
    held = points_held(truth, {n: INTRINSICS for n in "abcd"})
    brute = BruteForce(truth, seen, held)
    values = brute.covariance(spread)
    found = covariance(truth, seen, held)
    for name, one in found.items():
        agree(one.matrix, brute.of(name, values))
        np.testing.assert_allclose(one.center, brute.center(name, values), rtol=5e-3, atol=1e-9)


def test_the_spread_of_the_cameras_is_certain():
    """The gauge: no camera's distance from the first is certain, but their mean square is."""
    truth, seen = cloud(25, noise_px=0.5)
    held = points_held(truth, {n: INTRINSICS for n in "abcd"})
    for camera_pair in ("ab", "abcd"):
        some = truth.rig.subset(camera_pair)
        rows = seen.where(seen.camera < len(camera_pair))
        found = covariance(replace(truth, rig=some), rows, held)
        base = (some["b"].center - some["a"].center).numpy()
        along = base @ found["b"].center @ base / (base @ base)
        share = along / np.trace(found["b"].center)
        assert (share < 1e-6) if camera_pair == "ab" else (share > 1e-3)


@pytest.mark.parametrize("free_points", [False, True])
def test_the_world_frame_does_not_matter(free_points):
    world = Pose.from_rotation(np.array([0.4, -1.1, 0.7]), np.array([500.0, -2000.0, 900.0]))
    if free_points:
        truth, seen = cloud(25, noise_px=0.5)
        held = points_held(truth, {n: INTRINSICS for n in "abcd"})
    else:
        given = problem("brown5", shots=6, noise_px=0.3)
        truth, seen, held = given.truth, given.observations, Held()
    here, there = covariance(truth, seen, held), covariance(carried(truth, world), seen, held)
    R = world.R.numpy()
    for name in here:
        assert there[name].rotation_deg == pytest.approx(here[name].rotation_deg, rel=1e-3)
        turned = R @ there[name].center @ R.T
        np.testing.assert_allclose(turned, here[name].center, rtol=0.02, atol=1e-6)


# --- what cannot be known -----------------------------------------------------------------------


def test_parallel_boards_leave_the_focal_length_open():
    """A board that is only shifted, square to one camera: focal length and distance are one."""
    given = problem("pinhole", cameras=1, shots=12)
    camera = given.truth.rig["a"]
    shifts = np.random.default_rng(0).uniform(-60, 60, (12, 3)) * [1, 1, 0]
    upright = Pose.from_rotation(np.zeros((12, 3)), shifts + [-90.0, -110.0, 700.0])
    truth = replace(given.truth, rig_from_points=camera.cam_from_world.inverse() @ upright)
    shots = board_shots(truth.rig, BOARD, truth.rig_from_points, np.random.default_rng(1), 0.3)
    seen = board_observations(shots)
    assert (shots.counts > 20).all()
    parallel = covariance(truth, seen, Held())["a"]
    tilted = covariance(given.truth, problem("pinhole", 1, 12, noise_px=0.3).observations, Held())
    assert parallel.deviation("fx") > 1000 > 100 * tilted["a"].deviation("fx")
    assert np.isfinite(parallel.matrix).all()


def test_what_is_held_has_no_deviation():
    given = problem("brown5", noise_px=0.3)
    held = Held({"a": frozenset({"focal", "k3"}), "b": frozenset(GROUPS), "c": frozenset({"pose"})})
    found = covariance(given.truth, given.observations, held)
    assert found["a"].names == ("cx", "cy", "k1", "k2", "p1", "p2")
    for name in ("fx", "fy", "k3", *POSE):
        assert found["a"].deviation(name) == 0
    assert found["a"].deviation("cx") > 0
    assert found["b"].names == () and found["b"].matrix.shape == (0, 0)
    assert found["b"].center_deviation == found["b"].rotation_deg == 0
    assert found["c"].deviation("fx") > 0 and found["c"].center_deviation == 0


def test_more_data_and_less_noise_tell_more():
    few = problem("brown5", shots=10, noise_px=0.4)
    many = problem("brown5", shots=40, noise_px=0.4)
    sharp = problem("brown5", shots=10, noise_px=0.1)
    few, many, sharp = (
        covariance(p.truth, p.observations, Held())["b"] for p in (few, many, sharp)
    )
    assert sharp.deviation("fx") == pytest.approx(few.deviation("fx") / 4, rel=0.1)
    assert many.deviation("fx") < 0.7 * few.deviation("fx")
    assert many.center_deviation < 0.7 * few.center_deviation


def test_deviations_are_roots_of_the_diagonal():
    given = problem("pinhole", shots=6, noise_px=0.3)
    one = covariance(given.truth, given.observations, Held())["b"]
    roots = np.sqrt(one.matrix.diagonal())
    assert [one.deviation(name) for name in one.names] == pytest.approx(roots.tolist())
    assert one.rotation_deg == pytest.approx(np.degrees(np.linalg.norm(roots[4:7])))
    assert one.center_deviation == pytest.approx(np.sqrt(np.trace(one.center)))


# --- noise --------------------------------------------------------------------------------------


def test_noise_counts_the_freedoms():
    rng = np.random.default_rng(0)
    residuals = rng.normal(0, 0.7, (4000, 2))
    ones = np.ones(4000, np.int64)
    assert noise_of(residuals, ones, 0) == pytest.approx(0.7, rel=0.03)
    assert noise_of(residuals, ones, 4000) == pytest.approx(
        np.sqrt(2) * noise_of(residuals, ones, 0)
    )
    assert noise_of(np.array([[3.0, 4.0]]), np.array([4]), 1) == pytest.approx(10.0)
    assert np.isfinite(noise_of(residuals[:2], ones[:2], 10))


def test_noise_is_that_of_weight_one():
    """An observation of weight 4 has half the error."""
    rng = np.random.default_rng(0)
    weight = rng.integers(1, 5, 20_000)
    residuals = rng.normal(0, 0.5, (20_000, 2)) / np.sqrt(weight)[:, None]
    assert noise_of(residuals, weight, 0) == pytest.approx(0.5, rel=0.02)


# --- how often it holds -------------------------------------------------------------------------


def standardised(seed, free_points):
    """Errors of the adjusted parameters over their deviations."""
    if free_points:
        truth, seen = cloud(40, noise_px=0.5, seed=seed)
        held = points_held(truth, {"b": frozenset(GROUPS), **{n: INTRINSICS for n in "acd"}})
        found = adjust(truth, seen, held)
    else:
        given = problem("fisheye" if seed % 2 else "brown4", 3, 12, 0.4, seed)
        truth, seen, held = given.truth, given.observations, Held()
        found = adjust(disturbed(truth, np.random.default_rng(seed)), seen, held)
    ratios = []
    for name, one in covariance(found, seen, held).items():
        error = errors(truth.rig[name], found.rig[name])
        ratios += [error[part] / one.deviation(part) for part in one.names]
        if one.center_deviation:
            off = (found.rig[name].center - truth.rig[name].center).numpy()
            ratios += (off / np.sqrt(one.center.diagonal())).tolist()
    return ratios


def errors(truth, found):
    terms = zip(
        TERMS[truth.lens.name], found.lens.coefficients - truth.lens.coefficients, strict=False
    )
    error = {part: float(found.K[place] - truth.K[place]) for part, place in PLACE.items()}
    turn = (found.cam_from_world @ truth.cam_from_world.inverse()).rotvec
    step = found.cam_from_world.t - truth.cam_from_world.t
    pose = torch.cat([turn, step]).tolist()
    return error | {part: float(gap) for part, gap in terms} | dict(zip(POSE, pose, strict=True))


def share_inside(rigs, free_points=False):
    """Share of the errors inside the interval that should hold 90 percent of them."""
    ratios = np.concatenate([standardised(seed, free_points) for seed in range(rigs)])
    return (np.abs(ratios) < 1.645).mean()


@pytest.mark.slow
@pytest.mark.parametrize("free_points", [False, True])
def test_nine_of_ten_errors_are_inside_the_interval_of_nine_in_ten(free_points):
    assert share_inside(40, free_points) == pytest.approx(0.9, abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize("free_points", [False, True])
def test_nine_of_ten_errors_in_many_rigs(free_points):
    assert share_inside(200, free_points) == pytest.approx(0.9, abs=0.05)
