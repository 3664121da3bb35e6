"""Articulated fit: the posture that brings a template with bones nearest to lifted points.

Levenberg-Marquardt (Marquardt 1963) on all numbers of the posture at once, with exact derivatives;
residuals are weighted by their covariance. How far off a point is believed shrinks in stages, so
that the first steps see all points and the last ones only what fits.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mvboot.surfaces.evidence import Evidence
from mvboot.surfaces.posture import Linear, Posture, linearised
from mvboot.surfaces.rigid import rigid_motion
from mvboot.template import Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

POINTS = 2000
"""Points that a posture is fitted to, at most; more are drawn from, evenly."""
ROUGH_POINTS = 500
"""The same while it is only roughly sought."""
STEPS = 40
"""Steps of a stage, at most."""
STILL = 1e-4
"""Share of the template's size below which a step is the last."""
FARTHEST_TURN = 0.7
"""A step turns no joint by more, radians: far from the right posture the linear steps are too bold,
and a joint that was turned all the way round seldom comes back."""
BEYOND = 0.1
"""Standard deviation, radians, of a joint beyond its limits."""


@dataclass(frozen=True, eq=False)
class Expectation:
    """What is known of a posture before anything is seen.

    ``mean`` (P,) of its numbers and ``spread`` (P,), their standard deviations, infinite where
    nothing is known.
    """

    mean: Floats
    spread: Floats

    @staticmethod
    def about(posture: Posture, turn: float, shape: float) -> "Expectation":
        """Expect turns within ``turn`` (radians) of a posture and its shape within ``shape``.

        Where the subject is and how it is turned as a whole stay open.
        """
        bones = len(posture.rotations)
        turns = np.full((bones, 3), turn)
        turns[0] = np.inf
        spread = [np.full(3, np.inf), turns.ravel(), np.full(len(posture.shape), shape)]
        return Expectation(posture.numbers, np.concatenate(spread))


def aligned_posture(template: Template, evidence: Evidence) -> Posture:
    """Return the rest pose turned and shifted as a whole onto the evidence."""
    skeleton = template.skeleton
    assert skeleton is not None
    R, t = rigid_motion(template.vertices[evidence.vertices], evidence.points)
    rest, axes, head = Posture.rest(template), skeleton.axes[0], skeleton.heads[0]
    rotations = rest.rotations.copy()
    rotations[0] = Rotation.from_matrix(axes.T @ R @ axes).as_rotvec()
    return Posture(rotations, t + R @ head - head, rest.shape)


def fitted_posture(
    template: Template,
    evidence: Evidence,
    start: Posture,
    expected: Expectation,
    reaches: tuple[float, ...],
    points: int = POINTS,
) -> Posture:
    """Return the posture that explains the evidence best, from ``start``.

    ``reaches``: how far, per axis, right points may still be off (`Evidence.precision`), one stage
    after the other. ``points``: how many of the evidence count at most, drawn evenly.
    """
    chosen = evidence.of(_drawn(len(evidence.vertices), points))
    posture = start
    for reach in reaches:
        posture = _stage(template, chosen, posture, expected, reach)
    return _wrapped(posture)


def _stage(
    template: Template,
    evidence: Evidence,
    posture: Posture,
    expected: Expectation,
    reach: float,
) -> Posture:
    smallest = STILL * float(np.ptp(template.vertices, axis=0).max())
    damping = 1e-4
    now = linearised(template, posture, evidence.vertices)
    for _ in range(STEPS):
        precision = evidence.precision(now.points, reach)
        normal, gradient = _equations(template, evidence, posture, expected, now, precision)
        cost = _cost(template, evidence, posture, expected, now.points, precision)
        while True:
            damped = normal + damping * np.diag(np.diag(normal))
            step = np.asarray(-np.linalg.solve(damped, gradient), np.float64)
            tried = posture.moved(_shortened(step, posture))
            there = linearised(template, tried, evidence.vertices)
            if _cost(template, evidence, tried, expected, there.points, precision) <= cost:
                break
            damping *= 10
            if damping > 1e6:
                return posture
        moved = np.sqrt(((there.points - now.points) ** 2).sum(1).mean())
        posture, now, damping = tried, there, max(damping / 10, 1e-7)
        if moved < smallest:
            break
    return posture


def _shortened(step: Floats, posture: Posture) -> Floats:
    """Return a step (P,) that turns no joint too far, shortened as a whole where it would."""
    turns = np.abs(step[3 : 3 + posture.rotations.size]).max()
    return np.asarray(step * min(1.0, FARTHEST_TURN / max(turns, 1e-12)))


def _equations(
    template: Template,
    evidence: Evidence,
    posture: Posture,
    expected: Expectation,
    now: Linear,
    precision: Floats,
) -> tuple[Floats, Floats]:
    """Return the normal matrix (P, P) and the gradient (P,) of half the cost."""
    root = np.linalg.cholesky(precision).mT
    slope = (root @ now.derivative).reshape(-1, now.derivative.shape[2])
    off = (root @ (now.points - evidence.points)[..., None]).ravel()
    numbers = posture.numbers
    certain = expected.spread**-2
    beyond, active = _beyond(template, numbers)
    diagonal = certain + active / BEYOND**2
    normal = slope.T @ slope
    normal[np.diag_indices_from(normal)] += diagonal
    pull = certain * (numbers - expected.mean) + beyond / BEYOND**2
    return normal, slope.T @ off + pull


def _cost(
    template: Template,
    evidence: Evidence,
    posture: Posture,
    expected: Expectation,
    points: Floats,
    precision: Floats,
) -> float:
    off = points - evidence.points
    numbers = posture.numbers
    surprise = ((numbers - expected.mean) / expected.spread) ** 2
    beyond, _ = _beyond(template, numbers)
    data = np.einsum("ni,nij,nj->", off, precision, off, optimize=True)
    return float(data + surprise.sum() + ((beyond / BEYOND) ** 2).sum())


def _beyond(template: Template, numbers: Floats) -> tuple[Floats, Floats]:
    """Return how far each number (P,) is beyond its limits, and where it is; the root has none."""
    assert template.skeleton is not None
    limits = template.skeleton.limits
    beyond = np.zeros_like(numbers)
    turns = numbers[6 : 3 + 3 * len(limits)].reshape(-1, 3)
    over = turns - np.clip(turns, limits[1:, :, 0], limits[1:, :, 1])
    beyond[6 : 3 + 3 * len(limits)] = over.ravel()
    return beyond, (beyond != 0).astype(np.float64)


def _wrapped(posture: Posture) -> Posture:
    """Return the same posture with the turn of the whole by at most half a turn."""
    rotations = posture.rotations.copy()
    rotations[0] = Rotation.from_rotvec(rotations[0]).as_rotvec()
    return Posture(rotations, posture.translation, posture.shape)


def _drawn(count: int, most: int) -> IntArray:
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))
