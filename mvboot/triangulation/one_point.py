"""RANSAC and robust Gauss-Newton of a point that is judged alone, for the CPU kernel.

The algorithm is that of a group (`kernel`, `refine`). Sums over views are written so that the
compiler turns them into vector instructions: rays (1, 12, L) and weights (1, L) fill L lanes, a
multiple of eight. A lane without a view has weight 0 and e = 0: no point lies in front of it.
"""

import numpy as np

from mvboot.triangulation.rays import (
    ACCEPTED,
    DISAGREE,
    DIVERGED,
    FEW_DETECTIONS,
    midpoint,
    ray_distance,
)
from mvboot.triangulation.refine import MAX_STEPS, STEP_PX, jit, solve_symmetric

LANES = 8
"""Views that are summed at once; the compiler vectorises a loop of this fixed length."""


@jit
def solve_point(n, m, rules, scratch, out):  # type: ignore[no-untyped-def]
    """Solve the gathered point, seen by m views, and write it as number n."""
    why, x, y, z = best_pair(scratch, m, rules)
    if why == ACCEPTED:
        why, x, y, z = refine_point(
            scratch.rays, scratch.weight, m, rules.threshold2, x, y, z, scratch.system[9:]
        )
    if why == ACCEPTED:
        why = accept_point(n, x, y, z, m, scratch, rules, out)
    out.code[n] = FEW_DETECTIONS if m < rules.required[m] else why


@jit
def best_pair(scratch, m, rules):  # type: ignore[no-untyped-def]
    """Return ACCEPTED and the midpoint of highest score; or why there is none, and NaN."""
    rays, weight, directions = scratch.rays, scratch.weight, scratch.directions
    pairs, enough, within_reach = rules.pairs, rules.enough, scratch.within_reach
    threshold2, min_sine2 = rules.threshold2, rules.min_sine2
    total = 0.0
    for i in range(m):
        total += weight[0, i]
    for first in range(0, m, LANES):
        within_reach[first] = total
        for i in range(first, first + LANES):
            total -= weight[0, i]
    outcome, best_gain, best_agreeing, trials = FEW_DETECTIONS, -1.0, 0, 0
    best_x, best_y, best_z = np.nan, np.nan, np.nan
    for h in range(rules.available[m]):
        why, x, y, z = midpoint(rays, directions, 0, pairs[m, h, 0], pairs[m, h, 1], min_sine2)
        if why != ACCEPTED:
            outcome = max(outcome, why) if outcome != ACCEPTED else outcome
            continue
        outcome = ACCEPTED
        trials += 1
        gain, agreeing = score_point(rays, weight, m, threshold2, best_gain, within_reach, x, y, z)
        if gain > best_gain:
            best_gain, best_agreeing = gain, agreeing
            best_x, best_y, best_z = x, y, z
        if trials >= enough[best_agreeing, m]:
            break
    return outcome, best_x, best_y, best_z


@jit
def residual(rays, i, x, y, z):  # type: ignore[no-untyped-def]
    """Return ``(rx, ry, 1 / s)`` of view i; zeros where the point is not in front of it."""
    x, y, z = x - rays[0, 0, i], y - rays[0, 1, i], z - rays[0, 2, i]
    s = rays[0, 9, i] * x + rays[0, 10, i] * y + rays[0, 11, i] * z
    inverse = 1 / s if s > 0 else 0.0
    rx = (rays[0, 3, i] * x + rays[0, 4, i] * y + rays[0, 5, i] * z) * inverse
    ry = (rays[0, 6, i] * x + rays[0, 7, i] * y + rays[0, 8, i] * z) * inverse
    return rx, ry, inverse


@jit
def score_point(rays, weight, m, threshold2, to_beat, within_reach, x, y, z):  # type: ignore[no-untyped-def]
    """Return gain and agreeing views as `kernel.score`; gives up between blocks of lanes."""
    gain, agreeing = 0.0, 0.0
    for first in range(0, m, LANES):
        if gain + within_reach[first] <= to_beat:
            return -1.0, 0
        for i in range(first, first + LANES):
            rx, ry, inverse = residual(rays, i, x, y, z)
            share = 1 - (rx * rx + ry * ry) / threshold2
            agrees = (share > 0) & (inverse > 0)
            gain += weight[0, i] * share if agrees else 0.0
            agreeing += 1.0 if agrees else 0.0
    return gain, int(agreeing)


@jit
def normal_equations(rays, weight, m, threshold2, robust, x, y, z):  # type: ignore[no-untyped-def]
    """Return ``J^T W J`` (upper triangle, 6) and ``J^T W r`` (3) of the views that agree.

    W is the confidence, times Tukey's biweight if ``robust``.
    """
    xx, xy, xz, yy, yz, zz, gx, gy, gz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for first in range(0, m, LANES):
        for i in range(first, first + LANES):
            rx, ry, inverse = residual(rays, i, x, y, z)
            share = 1 - (rx * rx + ry * ry) / threshold2
            w = weight[0, i] if (share > 0) & (inverse > 0) else 0.0
            w *= share * share if robust else 1.0
            ax = (rays[0, 3, i] - rx * rays[0, 9, i]) * inverse
            ay = (rays[0, 4, i] - rx * rays[0, 10, i]) * inverse
            az = (rays[0, 5, i] - rx * rays[0, 11, i]) * inverse
            bx = (rays[0, 6, i] - ry * rays[0, 9, i]) * inverse
            by = (rays[0, 7, i] - ry * rays[0, 10, i]) * inverse
            bz = (rays[0, 8, i] - ry * rays[0, 11, i]) * inverse
            xx += w * (ax * ax + bx * bx)
            xy += w * (ax * ay + bx * by)
            xz += w * (ax * az + bx * bz)
            yy += w * (ay * ay + by * by)
            yz += w * (ay * az + by * bz)
            zz += w * (az * az + bz * bz)
            gx += w * (ax * rx + bx * ry)
            gy += w * (ay * rx + by * ry)
            gz += w * (az * rx + bz * ry)
    return (xx, xy, xz, yy, yz, zz), (gx, gy, gz)


@jit
def refine_point(rays, weight, m, threshold2, x, y, z, step):  # type: ignore[no-untyped-def]
    """Return ACCEPTED and the robust optimum, as `refine.refine_group`; or why there is none.

    DISAGREE where the views that agree leave the depth open; ``step`` (3,) is room for a step.
    """
    previous = 1e-300
    for _ in range(MAX_STEPS):
        normal, g = normal_equations(rays, weight, m, threshold2, True, x, y, z)
        if not solve_symmetric(normal, g, step):
            return DISAGREE, x, y, z
        x, y, z = x - step[0], y - step[1], z - step[2]
        moved = g[0] * step[0] + g[1] * step[1] + g[2] * step[2]
        if moved * min(1.0, moved / previous) < STEP_PX * STEP_PX:
            return ACCEPTED, x, y, z
        previous = moved
    return DIVERGED, x, y, z


@jit
def accept_point(n, x, y, z, m, scratch, rules, out):  # type: ignore[no-untyped-def]
    """Write a refined point as number n with its evidence; return ACCEPTED or DISAGREE."""
    rays, directions, views = scratch.rays, scratch.directions, scratch.views
    agreeing, total = 0, 0.0
    for i in range(m):
        rx, ry, inverse = residual(rays, i, x, y, z)
        agrees = (rx * rx + ry * ry < rules.threshold2) & (inverse > 0)
        out.inliers[n, views[i]] = agrees
        if agrees:
            agreeing += 1
            total += ray_distance(rays, directions, 0, i, x, y, z)
    if agreeing < rules.required[m]:
        out.inliers[n] = False
        return DISAGREE
    out.points[n, 0], out.points[n, 1], out.points[n, 2] = x, y, z
    normal, _ = normal_equations(rays, scratch.weight, m, rules.threshold2, False, x, y, z)
    for k in range(6):
        out.normal[n, k] = normal[k]
    out.residual[n] = total / agreeing
    return ACCEPTED
