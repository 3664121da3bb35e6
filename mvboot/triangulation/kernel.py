"""Robust triangulation of many points on the CPU: one numba kernel over groups of points.

A group (one point, or several that a user wants judged together) is solved by RANSAC over camera
pairs: the closed-form midpoint of two rays is a hypothesis, scored in every view by a truncated
quadratic weighted by confidence (Torr and Zisserman 2000, MSAC); the best one is refined by
`refine_group`. With several points in a group a view is judged by their mean error (Simon et al.
2017), which chance does not reach. `batch` is the same algorithm in torch.
"""

from typing import Any

import numpy as np
from numba import njit, prange

from mvboot.triangulation.refine import (
    add_view,
    mean_errors,
    refine_group,
    solve_symmetric,
)

ACCEPTED, FEW_DETECTIONS, PARALLEL, BEHIND, DISAGREE, DIVERGED = range(6)
"""Why a point is refused, as numbers; `result.REASONS` has the words."""

BLOCK = 256
"""Groups solved by one task: enough to hide its cost, few enough to balance two cores."""

_jit: Any = njit(cache=True, error_model="numpy")
_parallel_jit: Any = njit(cache=True, error_model="numpy", parallel=True)


@_jit
def view_list(weight, members, views):  # type: ignore[no-untyped-def]
    """Fill ``views`` with the cameras that see any point of the group; return how many."""
    m = 0
    for c in range(weight.shape[1]):
        for p in range(len(members)):
            if weight[members[p], c] > 0:
                views[m] = c
                m += 1
                break
    return m


@_jit
def ray_direction(ray, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` with the unit viewing direction: the null vector of B, in front (e . d > 0)."""
    x = ray[4] * ray[8] - ray[5] * ray[7]
    y = ray[5] * ray[6] - ray[3] * ray[8]
    z = ray[3] * ray[7] - ray[4] * ray[6]
    length = np.sqrt(x * x + y * y + z * z)
    if x * ray[9] + y * ray[10] + z * ray[11] < 0:
        length = -length
    out[0], out[1], out[2] = x / length, y / length, z / length


@_jit
def midpoint(a, da, b, db, min_sine2, X):  # type: ignore[no-untyped-def]
    """Fill X with the point halfway between two rays; return ACCEPTED, PARALLEL or BEHIND."""
    wx, wy, wz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    cosine = da[0] * db[0] + da[1] * db[1] + da[2] * db[2]
    sine2 = 1 - cosine * cosine
    if not sine2 > min_sine2:
        return PARALLEL
    along_a = da[0] * wx + da[1] * wy + da[2] * wz
    along_b = db[0] * wx + db[1] * wy + db[2] * wz
    s = (along_a - cosine * along_b) / sine2
    t = (cosine * along_a - along_b) / sine2
    if s <= 0 or t <= 0:
        return BEHIND
    for k in range(3):
        X[k] = 0.5 * (a[k] + s * da[k] + b[k] + t * db[k])
    return ACCEPTED


@_jit
def hypothesis(rays, weight, members, a, b, directions, min_sine2, X):  # type: ignore[no-untyped-def]
    """Fill X (P, 3) with the group's midpoints from cameras a and b; return why there is none."""
    made, outcome = False, FEW_DETECTIONS
    for p in range(len(members)):
        n = members[p]
        X[p] = np.nan
        if weight[n, a] > 0 and weight[n, b] > 0:
            why = midpoint(
                rays[n, a], directions[p, a], rays[n, b], directions[p, b], min_sine2, X[p]
            )
            made = made or why == ACCEPTED
            outcome = max(outcome, why)
    return ACCEPTED if made else outcome


@_jit
def score(rays, weight, members, views, threshold, X, errors):  # type: ignore[no-untyped-def]
    """Return the summed confidence times ``1 - (error / threshold)^2`` and the agreeing views."""
    mean_errors(rays, weight, members, views, X, errors)
    gain, agreeing = 0.0, 0
    for i in range(len(views)):
        if errors[i] < threshold:
            agreeing += 1
            share = 1 - (errors[i] / threshold) ** 2
            for p in range(len(members)):
                if not np.isnan(X[p, 0]):
                    gain += weight[members[p], views[i]] * share
    return gain, agreeing


@_jit
def best_hypothesis(  # type: ignore[no-untyped-def]
    rays, weight, members, views, directions, table, threshold, min_sine2, best, trial, errors
):
    """Fill ``best`` (P, 3) with the hypothesis of highest score; return why there is none."""
    pairs, available, enough = table
    m = len(views)
    outcome, best_gain, best_agreeing, trials = FEW_DETECTIONS, -1.0, 0, 0
    for h in range(available[m]):
        a, b = views[pairs[m, h, 0]], views[pairs[m, h, 1]]
        why = hypothesis(rays, weight, members, a, b, directions, min_sine2, trial)
        if why != ACCEPTED:
            outcome = max(outcome, why) if outcome != ACCEPTED else outcome
            continue
        outcome = ACCEPTED
        trials += 1
        gain, agreeing = score(rays, weight, members, views, threshold, trial, errors)
        if gain > best_gain:
            best_gain, best_agreeing = gain, agreeing
            best[:] = trial
        if trials >= enough[best_agreeing, m]:
            break
    return outcome


@_jit
def complete(rays, weight, members, views, threshold, directions, X, errors):  # type: ignore[no-untyped-def]
    """Give points of the group that the best pair does not see the point nearest to all rays."""
    mean_errors(rays, weight, members, views, X, errors)
    normal, target = np.empty(6), np.empty(3)
    for p in range(len(members)):
        if not np.isnan(X[p, 0]):
            continue
        normal[:] = 0.0
        target[:] = 0.0
        for i in range(len(views)):
            w = weight[members[p], views[i]]
            if w > 0 and errors[i] < threshold:
                add_ray(rays[members[p], views[i]], directions[p, views[i]], w, normal, target)
        if not solve_symmetric(normal, target, X[p]):
            X[p] = np.nan


@_jit
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


@_jit
def ray_distance(ray, d, X):  # type: ignore[no-untyped-def]
    """Return the distance of X from a ray, in units."""
    vx, vy, vz = X[0] - ray[0], X[1] - ray[1], X[2] - ray[2]
    along = vx * d[0] + vy * d[1] + vz * d[2]
    ox, oy, oz = vx - along * d[0], vy - along * d[1], vz - along * d[2]
    return np.sqrt(ox * ox + oy * oy + oz * oz)


@_jit
def accept(  # type: ignore[no-untyped-def]
    rays, weight, n, p, views, directions, errors, threshold, required, X, out
):
    """Write one point of a solved group, or why it is refused."""
    points, inliers, reason, normal, distance = out
    detections, agreeing, total = 0, 0, 0.0
    gradient = np.zeros(3)
    for i in range(len(views)):
        w = weight[n, views[i]]
        detections += w > 0
        if w > 0 and errors[i] < threshold and not np.isnan(X[0]):
            agreeing += 1
            add_view(rays[n, views[i]], w, X, normal[n], gradient)
            total += ray_distance(rays[n, views[i]], directions[p, views[i]], X)
    if agreeing < required[detections]:
        reason[n] = FEW_DETECTIONS if detections < required[detections] else DISAGREE
        normal[n] = 0.0
        return
    reason[n] = ACCEPTED
    points[n] = X
    distance[n] = total / agreeing
    for i in range(len(views)):
        inliers[n, views[i]] = weight[n, views[i]] > 0 and errors[i] < threshold


@_jit
def refuse(weight, members, why, required, reason):  # type: ignore[no-untyped-def]
    """Refuse a whole group; a point without enough detections says that instead."""
    for p in range(len(members)):
        detections = 0
        for c in range(weight.shape[1]):
            detections += weight[members[p], c] > 0
        few = detections < required[detections]
        reason[members[p]] = FEW_DETECTIONS if few else why


@_jit
def solve_group(rays, weight, members, table, required, threshold, min_sine2, scratch, out):  # type: ignore[no-untyped-def]
    """Solve one group: hypotheses, completion, refinement, verdict for each point."""
    view_buffer, errors, directions, best, trial = scratch
    m = view_list(weight, members, view_buffer)
    views = view_buffer[:m]
    X, trial = best[: len(members)], trial[: len(members)]
    for p in range(len(members)):
        for i in range(m):
            if weight[members[p], views[i]] > 0:
                ray_direction(rays[members[p], views[i]], directions[p, views[i]])
    why = best_hypothesis(
        rays, weight, members, views, directions, table, threshold, min_sine2, X, trial, errors
    )
    if why != ACCEPTED:
        refuse(weight, members, why, required, out[2])
        return
    complete(rays, weight, members, views, threshold, directions, X, errors)
    if not refine_group(rays, weight, members, views, threshold, X, errors):
        refuse(weight, members, DIVERGED, required, out[2])
        return
    for p in range(len(members)):
        accept(
            rays, weight, members[p], p, views, directions, errors, threshold, required, X[p], out
        )


@_parallel_jit
def solve_groups(rays, weight, order, starts, table, required, threshold, min_sine2, out):  # type: ignore[no-untyped-def]
    """Solve all groups.

    rays (N, C, 12), weight (N, C) with 0 = no detection, ``order[starts[g]:starts[g + 1]]`` the
    points of group g; fills ``out`` = points (N, 3), inliers (N, C), reason (N,), normal matrices
    (N, 6) in px^2 per unit^2, and mean ray distances (N,).
    """
    groups = len(starts) - 1
    cameras = weight.shape[1]
    largest = 0
    for g in range(groups):
        largest = max(largest, starts[g + 1] - starts[g])
    for block in prange((groups + BLOCK - 1) // BLOCK):
        scratch = (
            np.empty(cameras, np.int64),
            np.empty(cameras),
            np.empty((largest, cameras, 3)),
            np.empty((largest, 3)),
            np.empty((largest, 3)),
        )
        for g in range(block * BLOCK, min(groups, (block + 1) * BLOCK)):
            solve_group(
                rays,
                weight,
                order[starts[g] : starts[g + 1]],
                table,
                required,
                threshold,
                min_sine2,
                scratch,
                out,
            )
