"""Blocks and threads change nothing: every point is solved by itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mvboot.geometry.lenses import make_lens
from mvboot.synthetic import points_problem
from mvboot.triangulation import TriangulationOptions, cpu, triangulate_points

POINTS = 300


def solved(monkeypatch, block, threads, **changes):
    """Return the result of a problem with outliers, solved in blocks on some threads."""
    monkeypatch.setattr(cpu, "BLOCK", block)
    monkeypatch.setattr(cpu, "threads", lambda: threads)
    p = points_problem(6, POINTS, np.random.default_rng(0))
    options = TriangulationOptions(noise_px=1.0)
    return triangulate_points(changes.pop("rig", p.rig), p.pixels, options=options, **changes)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("grouped", [False, True])
def test_blocks_and_threads_change_nothing(monkeypatch, threads, grouped):
    labels = np.random.default_rng(1).integers(0, 90, POINTS) if grouped else None
    whole = solved(monkeypatch, POINTS, 1, groups=labels)
    parts = solved(monkeypatch, 17, threads, groups=labels)
    assert whole.accepted.sum() > POINTS / 10
    for name in ("points", "inliers", "code", "error_px", "covariance", "residual", "score"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name), name)


def test_noise_is_pooled_over_blocks(monkeypatch):
    monkeypatch.setattr(cpu, "BLOCK", 40)
    p = points_problem(6, POINTS, np.random.default_rng(0))
    parts = triangulate_points(p.rig, p.pixels)
    monkeypatch.setattr(cpu, "BLOCK", POINTS)
    whole = triangulate_points(p.rig, p.pixels)
    assert parts.noise_px == pytest.approx(whole.noise_px, rel=1e-12)
    np.testing.assert_allclose(parts.covariance, whole.covariance, rtol=1e-9)


def test_a_lens_without_distortion_is_solved_as_a_pinhole():
    p = points_problem(6, POINTS, np.random.default_rng(0))
    plain = triangulate_points(p.rig, p.pixels)
    again = triangulate_points(_with_zero_lens(p.rig), p.pixels)
    np.testing.assert_array_equal(plain.code, again.code)
    np.testing.assert_allclose(plain.points, again.points, atol=1e-9)
    np.testing.assert_allclose(plain.error_px, again.error_px, atol=1e-6)


def _with_zero_lens(rig):
    lens = make_lens("brown", torch.zeros(5, dtype=torch.float64))
    cameras = {name: replace(camera, lens=lens) for name, camera in rig.cameras.items()}
    return replace(rig, cameras=cameras)
