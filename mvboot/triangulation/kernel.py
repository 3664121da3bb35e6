"""Robust triangulation of many points on the CPU: one numba kernel over groups of points.

A group (one point, or several that a user wants judged together) is solved by RANSAC over camera
pairs: the closed-form midpoint of two rays is a hypothesis, scored in every view by a truncated
quadratic weighted by confidence (Torr and Zisserman 2000, MSAC); the best one is refined by
`refine_group`. With several points in a group a view is judged by their mean error (Simon et al.
2017), which chance does not reach. `batch` is the same algorithm in torch.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvboot.triangulation.one_point import LANES, solve_point
from mvboot.triangulation.rays import (
    ACCEPTED,
    DISAGREE,
    DIVERGED,
    FEW_DETECTIONS,
    midpoint,
    ray_direction,
    ray_distance,
)
from mvboot.triangulation.refine import (
    RAY_WIDTH,
    add_view,
    jit,
    refine_group,
    solve_symmetric,
    view_error2,
)


class Problem(NamedTuple):
    """N points seen by C cameras, in groups.

    ``rays`` (N, C, 12) and ``weight`` (N, C), 0 where there is no detection; group g holds the
    points ``order[starts[g]:starts[g + 1]]``.
    """

    rays: NDArray[np.float64]
    weight: NDArray[np.float64]
    order: NDArray[np.int64]
    starts: NDArray[np.int64]


class Rules(NamedTuple):
    """What a point must fulfil: `TriangulationOptions` as the kernel needs them.

    ``pairs``, ``available``, ``enough`` are a `HypothesisTable`; ``required`` (C + 1,) views must
    agree, by the number of detections; ``threshold2`` in px^2.
    """

    pairs: NDArray[np.int32]
    available: NDArray[np.int32]
    enough: NDArray[np.int32]
    required: NDArray[np.int64]
    threshold2: float
    min_sine2: float


class Solved(NamedTuple):
    """Points (N, 3) and their evidence, NaN where refused.

    ``inliers`` (N, C), ``code`` (N,), upper triangles of the normal matrices (N, 6) in px^2 per
    unit^2, mean distances (N,) from the rays in units.
    """

    points: NDArray[np.float64]
    inliers: NDArray[np.bool_]
    code: NDArray[np.int64]
    normal: NDArray[np.float64]
    residual: NDArray[np.float64]

    @staticmethod
    def empty(points: int, cameras: int) -> "Solved":
        """Return room for the results of points that are all refused so far."""
        return Solved(
            np.full((points, 3), np.nan),
            np.zeros((points, cameras), dtype=np.bool_),
            np.zeros(points, dtype=np.int64),
            np.zeros((points, 6)),
            np.full(points, np.nan),
        )

    def part(self, rows: slice) -> "Solved":
        """Return views of some points' results."""
        return Solved(
            self.points[rows],
            self.inliers[rows],
            self.code[rows],
            self.normal[rows],
            self.residual[rows],
        )


class Scratch(NamedTuple):
    """Room for one group of P points at a time, seen by m of C views."""

    views: NDArray[np.int64]
    rays: NDArray[np.float64]
    weight: NDArray[np.float64]
    directions: NDArray[np.float64]
    best: NDArray[np.float64]
    trial: NDArray[np.float64]
    seen: NDArray[np.float64]
    errors2: NDArray[np.float64]
    within_reach: NDArray[np.float64]
    system: NDArray[np.float64]


@jit
def new_scratch(points, cameras):  # type: ignore[no-untyped-def]
    """Return `Scratch` for groups of up to this many points."""
    lanes = -(-cameras // LANES) * LANES
    return Scratch(
        np.empty(cameras, np.int64),
        np.zeros((points, RAY_WIDTH, lanes)),
        np.zeros((points, lanes)),
        np.empty((points, 3, cameras)),
        np.empty((points, 3)),
        np.empty((points, 3)),
        np.empty((points, 3, cameras)),
        np.empty(cameras),
        np.empty(lanes + 1),
        np.empty(12),
    )


@jit
def gather(all_rays, all_weight, members, views, rays, weight, directions):  # type: ignore[no-untyped-def]
    """Copy what the group's views saw side by side; return how many views see any of its points.

    Fills views (C,), rays (P, 12, L), weight (P, L) and directions (P, 3, C) up to that number.
    Lanes without a view get weight 0 and e = 0, so that no point lies in front of them.
    """
    m = 0
    for c in range(all_weight.shape[1]):
        used = False
        for p in range(len(members)):
            w = all_weight[members[p], c]
            weight[p, m] = w
            if w > 0:
                used = True
                for k in range(RAY_WIDTH):
                    rays[p, k, m] = all_rays[members[p], c, k]
                ray_direction(rays, p, m, directions)
        if used:
            views[m] = c
            m += 1
    rays[: len(members), 9:, m:] = 0.0
    weight[: len(members), m:] = 0.0
    return m


@jit
def hypothesis(rays, weight, directions, a, b, min_sine2, X):  # type: ignore[no-untyped-def]
    """Fill X (P, 3) with the group's midpoints from views a and b; return why there is none."""
    made, outcome = False, FEW_DETECTIONS
    for p in range(len(X)):
        X[p, 0] = np.nan
        if weight[p, a] > 0 and weight[p, b] > 0:
            why, X[p, 0], X[p, 1], X[p, 2] = midpoint(rays, directions, p, a, b, min_sine2)
            made = made or why == ACCEPTED
            outcome = max(outcome, why)
    return ACCEPTED if made else outcome


@jit
def score(rays, weight, m, threshold2, to_beat, within_reach, X, seen):  # type: ignore[no-untyped-def]
    """Return the summed confidence times ``1 - (error / threshold)^2`` and the agreeing views.

    Gives up with (-1, 0) as soon as the views left, ``within_reach[i]`` at most from view i on,
    cannot bring the gain above ``to_beat``.
    """
    gain, agreeing = 0.0, 0
    for i in range(m):
        if gain + within_reach[i] <= to_beat:
            return -1.0, 0
        share = 1 - view_error2(rays, weight, i, X, seen) / threshold2
        if share > 0:
            agreeing += 1
            for p in range(len(X)):
                if not np.isnan(X[p, 0]):
                    gain += weight[p, i] * share
    return gain, agreeing


@jit
def best_hypothesis(scratch, m, rules, best, trial):  # type: ignore[no-untyped-def]
    """Fill ``best`` (P, 3) with the hypothesis of highest score; return why there is none."""
    rays, weight, directions, seen = scratch.rays, scratch.weight, scratch.directions, scratch.seen
    pairs, enough, within_reach = rules.pairs, rules.enough, scratch.within_reach
    threshold2, min_sine2 = rules.threshold2, rules.min_sine2
    within_reach[m] = 0.0
    for i in range(m - 1, -1, -1):
        within_reach[i] = within_reach[i + 1]
        for p in range(len(best)):
            within_reach[i] += weight[p, i]
    outcome, best_gain, best_agreeing, trials = FEW_DETECTIONS, -1.0, 0, 0
    for h in range(rules.available[m]):
        a, b = pairs[m, h, 0], pairs[m, h, 1]
        why = hypothesis(rays, weight, directions, a, b, min_sine2, trial)
        if why != ACCEPTED:
            outcome = max(outcome, why) if outcome != ACCEPTED else outcome
            continue
        outcome = ACCEPTED
        trials += 1
        gain, agreeing = score(rays, weight, m, threshold2, best_gain, within_reach, trial, seen)
        if gain > best_gain:
            best_gain, best_agreeing = gain, agreeing
            for p in range(len(best)):
                for k in range(3):
                    best[p, k] = trial[p, k]
        if trials >= enough[best_agreeing, m]:
            break
    return outcome


@jit
def complete(scratch, m, threshold2, X):  # type: ignore[no-untyped-def]
    """Give points of the group that the best pair does not see the point nearest to all rays."""
    missing = 0
    for p in range(len(X)):
        missing += np.isnan(X[p, 0])
    if missing == 0:
        return
    rays, weight, directions = scratch.rays, scratch.weight, scratch.directions
    seen, errors2 = scratch.seen, scratch.errors2
    for i in range(m):
        errors2[i] = view_error2(rays, weight, i, X, seen)
    normal, target = np.empty(6), np.empty(3)
    for p in range(len(X)):
        if not np.isnan(X[p, 0]):
            continue
        normal[:] = 0.0
        target[:] = 0.0
        for i in range(m):
            if weight[p, i] > 0 and errors2[i] < threshold2:
                add_ray(rays[p, :, i], directions[p, :, i], weight[p, i], normal, target)
        if not solve_symmetric(normal, target, X[p]):
            X[p] = np.nan


@jit
def add_ray(ray, d, w, normal, target):  # type: ignore[no-untyped-def]
    """Add ``w (I - d d^T)`` and its product with the ray's origin."""
    along = ray[0] * d[0] + ray[1] * d[1] + ray[2] * d[2]
    normal[0] += w * (1 - d[0] * d[0])
    normal[1] -= w * d[0] * d[1]
    normal[2] -= w * d[0] * d[2]
    normal[3] += w * (1 - d[1] * d[1])
    normal[4] -= w * d[1] * d[2]
    normal[5] += w * (1 - d[2] * d[2])
    for k in range(3):
        target[k] += w * (ray[k] - along * d[k])


@jit
def accept(n, p, X, m, scratch, rules, out):  # type: ignore[no-untyped-def]
    """Write point p of a solved group as number n with its evidence, or why it is refused."""
    rays, weight, directions = scratch.rays, scratch.weight, scratch.directions
    views, seen, errors2, inliers = scratch.views, scratch.seen, scratch.errors2, out.inliers
    normal, gradient = out.normal[n], scratch.system
    detections, agreeing, total = 0, 0, 0.0
    for i in range(m):
        detections += weight[p, i] > 0
        if weight[p, i] > 0 and errors2[i] < rules.threshold2 and not np.isnan(X[p, 0]):
            agreeing += 1
            inliers[n, views[i]] = True
            add_view(rays, seen, p, i, weight[p, i], normal, gradient)
            total += ray_distance(rays, directions, p, i, X[p, 0], X[p, 1], X[p, 2])
    if agreeing < rules.required[detections]:
        few = detections < rules.required[detections]
        out.code[n] = FEW_DETECTIONS if few else DISAGREE
        normal[:] = 0.0
        inliers[n] = False
        return
    out.code[n] = ACCEPTED
    out.points[n] = X[p]
    out.residual[n] = total / agreeing


@jit
def refuse(weight, members, m, why, required, reason):  # type: ignore[no-untyped-def]
    """Refuse a whole group; a point without enough detections says that instead."""
    for p in range(len(members)):
        detections = 0
        for i in range(m):
            detections += weight[p, i] > 0
        few = detections < required[detections]
        reason[members[p]] = FEW_DETECTIONS if few else why


@jit
def solve_group(members, m, rules, scratch, out):  # type: ignore[no-untyped-def]
    """Solve a gathered group: hypotheses, completion, refinement, verdict for each point."""
    X, trial = scratch.best[: len(members)], scratch.trial[: len(members)]
    rays, weight = scratch.rays, scratch.weight
    why = best_hypothesis(scratch, m, rules, X, trial)
    if why != ACCEPTED:
        refuse(weight, members, m, why, rules.required, out.code)
        return
    complete(scratch, m, rules.threshold2, X)
    seen, errors2, system = scratch.seen, scratch.errors2, scratch.system
    if not refine_group(rays, weight, m, rules.threshold2, X, seen, errors2, system):
        refuse(weight, members, m, DIVERGED, rules.required, out.code)
        return
    for p in range(len(members)):
        accept(members[p], p, X, m, scratch, rules, out)


@jit
def solve_groups(problem, rules, out):  # type: ignore[no-untyped-def]
    """Solve all groups of a `Problem` one after another by `Rules`; fills `Solved` ``out``."""
    order, starts = problem.order, problem.starts
    largest = 0
    for g in range(len(starts) - 1):
        largest = max(largest, starts[g + 1] - starts[g])
    scratch = new_scratch(largest, problem.weight.shape[1])
    views, rays, weight = scratch.views, scratch.rays, scratch.weight
    for g in range(len(starts) - 1):
        members = order[starts[g] : starts[g + 1]]
        m = gather(problem.rays, problem.weight, members, views, rays, weight, scratch.directions)
        if len(members) == 1:
            solve_point(members[0], m, rules, scratch, out)
        else:
            solve_group(members, m, rules, scratch, out)
