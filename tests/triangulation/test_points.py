import numpy as np
import pytest
import torch
from scipy.stats import chi2

from mvboot import Camera, InputError, Pose, Rig
from mvboot.synthetic import points_problem
from mvboot.synthetic.scene import project_all, ring_rig
from mvboot.triangulation import TriangulationOptions, triangulate_points
from mvboot.triangulation.linear import triangulate_linear


def problem(cameras=8, points=400, seed=0, **settings):
    return points_problem(cameras, points, np.random.default_rng(seed), **settings)


def distance(result, truth):
    return np.linalg.norm(np.asarray(result.points) - truth, axis=-1)


@pytest.mark.parametrize("distortion", [False, True])
@pytest.mark.parametrize("kind", [np.asarray, torch.from_numpy])
def test_exact_pixels_give_exact_points(distortion, kind):
    p = problem(noise_px=0, outliers=0, missing=0, distortion=distortion)
    result = triangulate_points(p.rig, kind(p.pixels))
    assert distance(result, p.xyz).max() < 1e-9
    assert bool(result.inliers.all()) and set(result.reason) == {""}
    assert float(result.error_px.max()) < 1e-6 and float(result.residual.max()) < 1e-9


def test_a_fisheye_among_other_lenses():
    rig = ring_rig(5, 3.0, 1.0, np.random.default_rng(0), fisheye=True)
    xyz = np.random.default_rng(1).uniform(-0.4, 0.4, (100, 3)) + np.array([0, 0, 0.5])
    result = triangulate_points(rig, project_all(rig, xyz))
    assert distance(result, xyz).max() < 1e-9


def test_noise_is_averaged_as_well_as_with_the_true_inliers_known():
    p = problem(points=4000)
    known = np.where(p.wrong[..., None], np.nan, p.pixels)
    oracle = triangulate_points(p.rig, known, options=TriangulationOptions(threshold_px=50))
    robust = triangulate_points(p.rig, p.pixels)
    both = robust.accepted & oracle.accepted
    assert both.mean() > 0.95
    found, best = distance(robust, p.xyz)[both], distance(oracle, p.xyz)[both]
    assert np.median(found) < 1.05 * np.median(best)
    assert np.percentile(found, 95) < 1.05 * np.percentile(best, 95)


def test_outliers_are_no_inliers():
    p = problem(points=2000)
    result = triangulate_points(p.rig, p.pixels)
    accepted = result.accepted
    assert (result.inliers & p.wrong)[:, accepted].mean() < 0.001
    right = ~p.wrong & ~np.isnan(p.pixels[..., 0])
    assert result.inliers[right & accepted].mean() > 0.999


@pytest.mark.parametrize("cameras", [2, 3, 8, 20])
@pytest.mark.parametrize("grouped", [False, True])
def test_both_engines_give_the_same_answer(cameras, grouped):
    p = problem(cameras, 600, seed=cameras)
    labels = np.arange(600) // 4 if grouped else None
    confidence = np.random.default_rng(0).uniform(0.05, 1, p.pixels.shape[:2])
    cpu = triangulate_points(p.rig, p.pixels, confidence, groups=labels)
    twin = triangulate_points(p.rig, torch.from_numpy(p.pixels), confidence, groups=labels)
    assert np.array_equal(cpu.code, twin.code) and np.array_equal(cpu.inliers, twin.inliers)
    for name in ("points", "error_px", "covariance", "residual", "score"):
        ours, theirs = getattr(cpu, name), getattr(twin, name).numpy()
        assert np.allclose(ours, theirs, rtol=1e-6, atol=1e-9, equal_nan=True), name


def test_the_twin_has_the_gradient_of_the_solution():
    p = problem(5, 8, seed=3)
    labels = np.array([0, 0, 1, 2, 3, 3, 4, 5])

    def solve(pixels):
        return torch.nan_to_num(triangulate_points(p.rig, pixels, groups=labels).points)

    pixels = torch.from_numpy(p.pixels)
    slope = torch.autograd.functional.jacobian(solve, pixels)
    for c, n, axis in zip(*np.nonzero(~np.isnan(p.pixels)), strict=True):
        step = torch.zeros_like(pixels)
        step[c, n, axis] = 0.01
        finite = (solve(pixels + step) - solve(pixels - step)) / 0.02
        assert torch.allclose(finite, slope[:, :, c, n, axis], rtol=0.01, atol=1e-5)


def test_gradients_reach_the_cameras():
    p = problem(4, 5, outliers=0, missing=0)
    t = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    first = p.rig[p.rig.names[0]]
    moved = first.with_pose(Pose(first.cam_from_world.R, first.cam_from_world.t + t))
    rig = Rig({**p.rig.cameras, p.rig.names[0]: moved}, "m")
    triangulate_points(rig, torch.from_numpy(p.pixels)).points.sum().backward()
    assert t.grad is not None and float(t.grad.abs().min()) > 0


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
def test_the_covariance_holds_its_share(share):
    p = problem(points=6000, outliers=0.1)
    result = triangulate_points(p.rig, p.pixels)
    ok = result.accepted
    gap = (result.points - p.xyz)[ok]
    squared = np.einsum("ni,nij,nj->n", gap, np.linalg.inv(result.covariance[ok]), gap)
    assert abs((squared <= chi2.ppf(share, 3)).mean() - share) < 0.03
    assert abs(result.noise_px - 1.0) < 0.03


def test_a_stated_noise_scales_the_covariance():
    p = problem(points=50)
    one = triangulate_points(p.rig, p.pixels, options=TriangulationOptions(noise_px=1.0))
    two = triangulate_points(p.rig, p.pixels, options=TriangulationOptions(noise_px=2.0))
    assert np.allclose(4 * one.covariance, two.covariance, equal_nan=True)


@pytest.mark.parametrize("views", [8, 15])
def test_groups_of_four_never_accept_what_is_all_wrong(views):
    """methods.md A.9: every view is wrong, uniform in a crop of +-50 px around the truth."""
    rng = np.random.default_rng(0)
    rig = ring_rig(views, 2.7, 1.0, rng, distortion=False)
    truth = np.tile(project_all(rig, np.array([[0.0, 0.0, 0.4]])), (1, 4000, 1))
    pixels = truth + rng.uniform(-50, 50, truth.shape)
    options = TriangulationOptions(threshold_px=4.0, min_views=3)
    grouped = triangulate_points(rig, pixels, options=options, groups=np.arange(4000) // 4)
    alone = triangulate_points(rig, pixels, options=options)
    assert grouped.accepted.sum() == 0
    assert alone.accepted.mean() > 0.004, "without groups chance agreement must show"
    guarded = triangulate_points(rig, pixels, options=TriangulationOptions(threshold_px=4.0))
    assert guarded.accepted.mean() < 0.001, "the default share of views must stop it too"


def test_a_group_recovers_a_point_that_its_best_pair_does_not_see():
    p = problem(6, 8, outliers=0, missing=0)
    pixels = p.pixels.copy()
    pixels[:3, 0], pixels[3:, 1] = np.nan, np.nan
    result = triangulate_points(p.rig, pixels, groups=np.zeros(8))
    assert result.accepted.all() and distance(result, p.xyz).max() < 0.02


def test_each_refusal_says_why():
    p = problem(6, 5, noise_px=0, outliers=0, missing=0)
    pixels = p.pixels.copy()
    pixels[2:, 0] = np.nan
    pixels[:, 1] = np.nan
    pixels[:, 2] = np.random.default_rng(0).uniform(0, 900, (6, 2))
    reasons = list(triangulate_points(p.rig, pixels).reason)
    assert reasons == [
        "too few detections",
        "too few detections",
        "too few agreeing views",
        "",
        "",
    ]
    close = Rig({"a": p.rig["cam_01"], "b": p.rig["cam_01"]}, "m")
    assert triangulate_points(close, pixels[[0, 0], 3:]).reason[0] == "rays nearly parallel"
    swapped = Rig({"a": p.rig["cam_01"], "b": p.rig["cam_02"]}, "m")
    mirrored = np.array([[[1279.0, 480.0]], [[0.0, 480.0]]])
    behind = {triangulate_points(swapped, side).reason[0] for side in (mirrored, mirrored[::-1])}
    assert "behind the cameras" in behind


def test_two_cameras_need_only_two_views_and_three_need_three():
    p = problem(3, 50, outliers=0, missing=0)
    pair = Rig({name: p.rig[name] for name in p.rig.names[:2]}, "m")
    assert triangulate_points(pair, p.pixels[:2]).accepted.all()
    pixels = p.pixels.copy()
    pixels[2] = np.nan
    assert not triangulate_points(p.rig, pixels).accepted.any()
    lenient = TriangulationOptions(min_views=2)
    assert triangulate_points(p.rig, pixels, options=lenient).accepted.all()


def test_confidence_is_a_weight_and_zero_is_missing():
    p = problem(4, 200, noise_px=3.0, outliers=0, missing=0)
    sharp = p.pixels.copy()
    sharp[0] = project_all(p.rig, p.xyz)[0]
    sharp[1] = project_all(p.rig, p.xyz)[1]
    trusted = np.array([1.0, 1.0, 0.01, 0.01])[:, None] * np.ones((4, 200))
    options = TriangulationOptions(threshold_px=30.0)
    equal = triangulate_points(p.rig, sharp, options=options)
    weighted = triangulate_points(p.rig, sharp, trusted, options)
    assert np.median(distance(weighted, p.xyz)) < 0.1 * np.median(distance(equal, p.xyz))
    trusted[0, :100] = 0.0
    assert not triangulate_points(p.rig, sharp, trusted, options).inliers[0, :100].any()


def test_the_unit_of_length_changes_only_the_unit():
    p = problem(points=300)
    metres = triangulate_points(p.rig, p.pixels)
    millimetres = triangulate_points(p.rig.in_units("mm"), p.pixels)
    assert np.array_equal(metres.inliers, millimetres.inliers)
    assert np.allclose(1000 * metres.points, millimetres.points, atol=1e-4, equal_nan=True)
    assert np.allclose(1e6 * metres.covariance, millimetres.covariance, rtol=1e-4, equal_nan=True)


def test_the_order_of_points_does_not_matter():
    p = problem(points=300)
    shuffled = np.random.default_rng(0).permutation(300)
    straight = triangulate_points(p.rig, p.pixels)
    other = triangulate_points(p.rig, p.pixels[:, shuffled])
    assert np.array_equal(straight.points[shuffled], other.points, equal_nan=True)


def test_moving_cameras_are_posed_by_frame():
    still = ring_rig(4, 3.0, 1.0, np.random.default_rng(0), distortion=False)
    xyz = np.random.default_rng(1).uniform(-0.3, 0.3, (3, 3)) + np.array([0, 0, 0.4])
    moving, pixels = {}, []
    for name, camera in still.cameras.items():
        shifts = torch.tensor([[0.0, 0, 0], [0.1, 0, 0], [0, 0.05, 0.2]], dtype=torch.float64)
        R = camera.cam_from_world.R.expand(3, 3, 3)
        t = camera.cam_from_world.t + shifts
        moving[name] = Camera.from_opencv(camera.K, None, R, t, camera.size, frames=[10, 11, 12])
        pixels.append(moving[name].at([10, 11, 12]).project(xyz))
    rig = Rig(moving, "m").at([10, 11, 12])
    assert distance(triangulate_points(rig, np.stack(pixels)), xyz).max() < 1e-9
    # three points of one frame are as many as the frames: which pose is meant must be said
    for unclear in (Rig(moving, "m"), Rig(moving, "m").at([10]), Rig(moving, "m").at([10, 11])):
        for px in (np.stack(pixels), torch.tensor(np.stack(pixels))):
            for solve in (triangulate_points, triangulate_linear):
                with pytest.raises(InputError, match=r"poses of batch \(\d,\) .* \(4, 3, 2\)"):
                    solve(unclear, px)
    one = Rig(moving, "m").at(11)
    px = np.stack([camera.project(xyz) for camera in one.cameras.values()])
    assert distance(triangulate_points(one, px), xyz).max() < 1e-9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda px, c: (px[:3], c), r"C = 4 cameras"),
        (lambda px, c: (px[..., 0], c), r"\(C, N, 2\)"),
        (lambda px, c: (np.where(px > 0, np.inf, px), c), "infinite"),
        (lambda px, c: (px, c[:, :2]), "confidence must have shape"),
        (lambda px, c: (px, c + 1), r"in \[0, 1\]"),
        (lambda px, c: (px, -c), r"in \[0, 1\]"),
        (lambda px, c: (px, np.full_like(c, np.nan)), r"in \[0, 1\]"),
    ],
)
def test_unusable_arrays_are_refused(change, message):
    p = problem(4, 5, outliers=0, missing=0)
    pixels, confidence = change(p.pixels, np.full((4, 5), 0.5))
    with pytest.raises(InputError, match=message):
        triangulate_points(p.rig, pixels, confidence)


@pytest.mark.parametrize(
    "wrong",
    [
        dict(threshold_px=0.0),
        dict(threshold_px=float("nan")),
        dict(min_views=1),
        dict(min_share=1.5),
        dict(min_parallax_deg=90.0),
        dict(max_hypotheses=0),
        dict(certainty=1.0),
        dict(noise_px=-1.0),
    ],
)
def test_options_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        TriangulationOptions(**wrong)


def test_one_camera_is_refused():
    p = problem(3, 5)
    with pytest.raises(InputError, match="at least two cameras"):
        triangulate_points(p.rig.subset(["cam_01"]), p.pixels[:1])


def test_no_points_is_an_empty_answer():
    p = problem(3, 5)
    result = triangulate_points(p.rig, p.pixels[:, :0])
    assert result.points.shape == (0, 3) and result.reason.shape == (0,)
    assert triangulate_points(p.rig, torch.from_numpy(p.pixels[:, :0])).points.shape == (0, 3)


def test_the_kernel_leaves_the_threads_of_torch_alone():
    problem = points_problem(4, 50, np.random.default_rng(0))
    before = torch.get_num_threads()
    triangulate_points(problem.rig, problem.pixels)
    assert torch.get_num_threads() == before
