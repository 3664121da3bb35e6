import numpy as np
import pytest
import torch
from scipy.optimize import least_squares
from scipy.stats import chi2

from mvboot.errors import InputError
from mvboot.synthetic import points_problem
from mvboot.triangulation import TriangulationOptions, triangulate_points
from mvboot.triangulation.whitening import whitening

OPEN = TriangulationOptions(threshold_px=1e4)
"""No view is left out and none is weighted down."""


def spreads(shape, seed=0):
    """Return covariances (..., 2, 2) px^2, long in one direction and short in the other."""
    rng = np.random.default_rng(seed)
    turn = rng.uniform(0, np.pi, shape)
    axes = np.stack([np.cos(turn), -np.sin(turn), np.sin(turn), np.cos(turn)], -1)
    axes = axes.reshape(*shape, 2, 2)
    variances = np.stack([rng.uniform(4, 30, shape), rng.uniform(0.05, 0.5, shape)], -1)
    return (axes * variances[..., None, :]) @ np.swapaxes(axes, -1, -2)


def noisy(points=400, cameras=5):
    """Return a problem, its covariances, and pixels with errors drawn from them."""
    exact = points_problem(
        cameras, points, np.random.default_rng(1), noise_px=0, outliers=0, missing=0
    )
    covariance = spreads(exact.pixels.shape[:2])
    drawn = np.random.default_rng(2).standard_normal(exact.pixels.shape)
    errors = (np.linalg.cholesky(covariance) @ drawn[..., None])[..., 0]
    return exact, covariance, exact.pixels + errors


def test_equal_covariances_change_nothing():
    problem = points_problem(5, 300, np.random.default_rng(0))
    plain = triangulate_points(problem.rig, problem.pixels)
    equal = np.broadcast_to(7.0 * np.eye(2), (*problem.pixels.shape, 2))
    given = triangulate_points(problem.rig, problem.pixels, covariance=equal)
    np.testing.assert_array_equal(given.inliers, plain.inliers)
    for name in ("points", "covariance", "error_px"):
        ours, theirs = getattr(given, name), getattr(plain, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12, err_msg=name)


def test_points_are_those_of_a_whitened_least_squares():
    problem, covariance, pixels = noisy(points=6)
    found = triangulate_points(problem.rig, pixels, options=OPEN, covariance=covariance)
    roots = np.linalg.cholesky(np.linalg.inv(covariance)).swapaxes(-1, -2)
    for n in range(6):

        def residual(place, n=n):
            shown = np.stack([camera.project(place) for camera in problem.rig.cameras.values()])
            return (roots[:, n] @ (shown - pixels[:, n])[..., None]).ravel()

        best = least_squares(residual, problem.xyz[n], xtol=1e-14, ftol=1e-14, gtol=1e-14)
        np.testing.assert_allclose(found.points[n], best.x, atol=1e-6)
        theirs = np.linalg.inv(best.jac.T @ best.jac)
        ratio = np.trace(found.covariance[n]) / np.trace(theirs)
        np.testing.assert_allclose(found.covariance[n], ratio * theirs, rtol=0.02, atol=1e-9)


def test_certain_directions_count_more_and_the_covariance_holds_its_share():
    problem, covariance, pixels = noisy(points=3000)
    plain = triangulate_points(problem.rig, pixels, options=OPEN)
    given = triangulate_points(problem.rig, pixels, options=OPEN, covariance=covariance)
    gap = given.points - problem.xyz
    before = np.linalg.norm(plain.points - problem.xyz, axis=1)
    assert np.median(np.linalg.norm(gap, axis=1)) < 0.6 * np.median(before)
    squared = np.einsum("ni,nij,nj->n", gap, np.linalg.inv(given.covariance), gap)
    for share in (0.5, 0.9):
        assert abs((squared <= chi2.ppf(share, 3)).mean() - share) < 0.04


def test_both_engines_agree():
    problem, covariance, pixels = noisy(points=200)
    pixels[0, :40] = np.nan
    pixels[1, 40:80] += 300
    cpu = triangulate_points(problem.rig, pixels, covariance=covariance)
    twin = triangulate_points(problem.rig, torch.from_numpy(pixels), covariance=covariance)
    np.testing.assert_array_equal(cpu.inliers, twin.inliers)
    for name in ("points", "covariance", "error_px"):
        ours, theirs = getattr(cpu, name), getattr(twin, name).numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9, err_msg=name)


def test_roots_turn_covariances_into_equal_ones():
    covariance = spreads((2, 50))
    pixels = torch.zeros(2, 50, 2, dtype=torch.float64)
    roots = whitening(pixels, covariance).numpy()
    white = roots @ covariance @ roots.swapaxes(-1, -2)
    typical = np.sort(np.trace(covariance, axis1=-2, axis2=-1).ravel() / 2)[49]
    np.testing.assert_allclose(white, np.broadcast_to(typical * np.eye(2), white.shape), atol=1e-9)


def test_where_nothing_was_detected_the_covariance_may_be_anything():
    pixels = torch.zeros(2, 3, 2, dtype=torch.float64)
    pixels[0, 1] = torch.nan
    covariance = spreads((2, 3))
    covariance[0, 1] = np.nan
    roots = whitening(pixels, covariance)
    assert bool(torch.isfinite(roots).all())
    nothing = whitening(torch.full_like(pixels, torch.nan), np.full((2, 3, 2, 2), np.nan))
    assert bool(torch.isfinite(nothing).all())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.broadcast_to(np.eye(2), (3, 4, 2, 2))[:2], "must have shape"),
        (np.broadcast_to(-np.eye(2), (3, 4, 2, 2)), "positive definite"),
        (np.ones((3, 4, 2, 2)), "positive definite"),
        (np.full((3, 4, 2, 2), np.nan), "positive definite"),
    ],
)
def test_unusable_covariances_are_refused(wrong, message):
    problem = points_problem(3, 4, np.random.default_rng(0), outliers=0, missing=0)
    with pytest.raises(InputError, match=message):
        triangulate_points(problem.rig, problem.pixels, covariance=wrong)
