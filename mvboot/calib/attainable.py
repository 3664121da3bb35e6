"""How well any calibration could fit the detections: what their own noise allows.

The rays themselves are bent to each other: every camera may turn, move, and change its focal
length and its centre a little. Gauss-Newton on the signed distances from the epipolar lines, with
Cauchy's weight against wrong detections. What is left on points that took no part is noise; what
went away was the calibration's.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.rays import Floats, Rays

TURN, MOVE, FOCAL, CENTER = 0.1, 0.1, 0.05, 0.02
"""What a calibration may be wrong by: radians, over the working distance, over the focal length,
and radians again. Freedoms that the detections say nothing about stay where they are."""

FARTHEST = 3.0
"""How many times those a calibration is bent at most."""

FREEDOMS = 9
ROUNDS = 8
POINTS = 300
STEP = 1e-6
CONVERGED = 1e-3
"""Steps, over what a calibration may be wrong by: of a derivative, and one that is none."""

LEAST_PX = 0.1
CAUCHY = 2.4
"""Residual over its deviation from which Cauchy's weight is below half."""

Judged = list[tuple[int, int]]


@dataclass(frozen=True)
class Frames:
    """Axes of each camera (C, 3, 3), rows x, y, z in the world, and the working distance."""

    axes: Floats
    distance: float


def attainable(
    rays: Rays, frames: Frames, pairs: Judged, training: NDArray[np.bool_], seed: int = 0
) -> Rays:
    """Return the rays of the calibration that fits the ``training`` points (P,) best."""
    rows = np.flatnonzero(training & (rays.present.sum(0) >= 2))
    if len(rows) > POINTS:
        rows = np.random.default_rng(seed).choice(rows, POINTS, replace=False)
    some = rays.where(rows)
    count = len(rays.scale)
    state = np.zeros((count, FREEDOMS))
    prior = np.tile([*3 * [TURN], *3 * [MOVE * frames.distance], FOCAL, CENTER, CENTER], (count, 1))
    best, least = state, np.inf
    for _ in range(ROUNDS):
        now = bent(some, frames, state)
        residual = _residuals(now, pairs)
        middle = float(np.median(np.abs(residual[np.isfinite(residual)])))
        if middle < least:
            best, least = state, middle
        sigma = max(1.48 * middle, LEAST_PX)
        step = _step(some, frames, state, residual, pairs, prior, sigma)
        if not np.isfinite(step).all() or np.abs(step / prior).max() < CONVERGED:
            break
        state = np.clip(state + step, -FARTHEST * prior, FARTHEST * prior)
    return bent(rays, frames, best)


def bent(rays: Rays, frames: Frames, state: Floats) -> Rays:
    """Return the rays after each camera's change (C, 9): turn, shift, focal, centre."""
    x, y, z = np.moveaxis(frames.axes[:, :, None], 1, 0)
    turn, move, focal = state[:, None, :3], state[:, None, 3:6], state[:, None, 6:7]
    depth = (rays.direction * z).sum(-1, keepdims=True)
    across = rays.direction - depth * z
    direction = depth * z + np.exp(-focal) * across
    direction = direction + depth * (state[:, None, 7:8] * x + state[:, None, 8:9] * y)
    direction = _turned(direction, turn)
    direction = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    return Rays(rays.origin + move, direction, rays.scale * np.exp(state[:, 6]))


def _turned(vectors: Floats, turn: Floats) -> Floats:
    """Rodrigues' formula."""
    angle = np.linalg.norm(turn, axis=-1, keepdims=True)
    axis = turn / np.maximum(angle, 1e-300)
    along = (axis * vectors).sum(-1, keepdims=True)
    return np.asarray(
        vectors * np.cos(angle)
        + np.cross(axis, vectors) * np.sin(angle)
        + axis * along * (1 - np.cos(angle))
    )


def _residuals(rays: Rays, pairs: Judged) -> Floats:
    return np.stack([rays.signed(a, b) for a, b in pairs])


def _step(
    rays: Rays,
    frames: Frames,
    state: Floats,
    residual: Floats,
    pairs: Judged,
    prior: Floats,
    sigma: float,
) -> Floats:
    """Return one damped step (C, 9), in units of what each freedom may be wrong by."""
    size = state.size
    there = np.isfinite(residual)
    weight = np.where(there, 1 / (1 + (np.nan_to_num(residual) / (CAUCHY * sigma)) ** 2), 0.0)
    jacobian = np.zeros((size, *residual.shape))
    now = bent(rays, frames, state)
    for c in range(len(state)):
        own = Frames(frames.axes[[c]], frames.distance)
        for k in range(FREEDOMS):
            changed = state[[c]].copy()
            changed[0, k] += STEP * prior[c, k]
            other = now.replaced(c, bent(rays.subset([c]), own, changed))
            for p, pair in enumerate(pairs):
                if c in pair:
                    jacobian[c * FREEDOMS + k, p] = (other.signed(*pair) - residual[p]) / STEP
    flat = np.where(there, np.nan_to_num(jacobian), 0.0).reshape(size, -1)
    scaled = flat * (weight.ravel() / sigma**2)
    left = scaled @ flat.T + np.eye(size)
    right = scaled @ np.where(there, residual, 0.0).ravel() + (state / prior).ravel()
    return np.asarray(-np.linalg.solve(left, right).reshape(state.shape) * prior)


def every_pair(count: int) -> Judged:
    """Return all pairs of cameras."""
    return list(combinations(range(count), 2))
