"""Robust Gauss-Newton on the reprojection error of one group of points, for the CPU kernel.

The residual of view c for point X is ``r = (B v) / s`` with ``v = X - origin`` and ``s = e . v``
(`geometry.camera.Linearization`); its Jacobian is ``(B - r e^T) / s``. Views are weighted by
confidence times Tukey's biweight of the group's mean error, which is zero from the threshold on:
the same border as the inlier test, so that nothing jumps. Source: Hartley and Zisserman A6.8
(iteratively reweighted least squares); Beaton and Tukey 1974.
"""

from typing import Any

import numpy as np
from numba import njit

ORIGIN, MATRIX, GAUGE, WIDTH = 0, 3, 9, 12
"""Layout of one viewing ray: origin (3), B (2x3, row by row), e (3)."""

MAX_STEPS = 300
"""Ten suffice for nearly all points; one with a view right at the threshold converges slowly."""

STEP_PX = 1e-6
"""Converged when the last step moved the weighted projections by less than this, in px."""

SINGULAR = 1e-13
"""Determinant of a normal matrix over the cube of its mean diagonal below which depth is open."""

_jit: Any = njit(cache=True, error_model="numpy")


@_jit
def residual(ray, X):  # type: ignore[no-untyped-def]
    """Return (rx, ry, s): the residual in px and the depth; the point is behind where s <= 0."""
    vx, vy, vz = X[0] - ray[0], X[1] - ray[1], X[2] - ray[2]
    s = ray[9] * vx + ray[10] * vy + ray[11] * vz
    rx = (ray[3] * vx + ray[4] * vy + ray[5] * vz) / s
    ry = (ray[6] * vx + ray[7] * vy + ray[8] * vz) / s
    return rx, ry, s


@_jit
def mean_errors(rays, weight, members, views, X, errors):  # type: ignore[no-untyped-def]
    """Fill ``errors`` with each view's mean error in px over the group's points it sees.

    Infinite where a point is behind the camera or the view sees none of them.
    """
    for i in range(len(views)):
        c = views[i]
        total, seen = 0.0, 0
        for p in range(len(members)):
            n = members[p]
            if weight[n, c] > 0 and not np.isnan(X[p, 0]):
                rx, ry, s = residual(rays[n, c], X[p])
                total += np.sqrt(rx * rx + ry * ry) if s > 0 else np.inf
                seen += 1
        errors[i] = total / seen if seen > 0 else np.inf


@_jit
def add_view(ray, w, X, normal, gradient):  # type: ignore[no-untyped-def]
    """Add one view's ``w J^T J`` (upper triangle, 6) and ``w J^T r`` (3)."""
    rx, ry, s = residual(ray, X)
    ax, ay, az = (
        (ray[3] - rx * ray[9]) / s,
        (ray[4] - rx * ray[10]) / s,
        (ray[5] - rx * ray[11]) / s,
    )
    bx, by, bz = (
        (ray[6] - ry * ray[9]) / s,
        (ray[7] - ry * ray[10]) / s,
        (ray[8] - ry * ray[11]) / s,
    )
    normal[0] += w * (ax * ax + bx * bx)
    normal[1] += w * (ax * ay + bx * by)
    normal[2] += w * (ax * az + bx * bz)
    normal[3] += w * (ay * ay + by * by)
    normal[4] += w * (ay * az + by * bz)
    normal[5] += w * (az * az + bz * bz)
    gradient[0] += w * (ax * rx + bx * ry)
    gradient[1] += w * (ay * rx + by * ry)
    gradient[2] += w * (az * rx + bz * ry)


@_jit
def solve_symmetric(A, b, x):  # type: ignore[no-untyped-def]
    """Solve the 3x3 system with upper triangle A (6) into x; False where it is singular."""
    c0 = A[3] * A[5] - A[4] * A[4]
    c1 = A[2] * A[4] - A[1] * A[5]
    c2 = A[1] * A[4] - A[2] * A[3]
    det = A[0] * c0 + A[1] * c1 + A[2] * c2
    scale = (A[0] + A[3] + A[5]) / 3
    if not det > SINGULAR * scale * scale * scale:
        return False
    c3 = A[0] * A[5] - A[2] * A[2]
    c4 = A[1] * A[2] - A[0] * A[4]
    c5 = A[0] * A[3] - A[1] * A[1]
    x[0] = (c0 * b[0] + c1 * b[1] + c2 * b[2]) / det
    x[1] = (c1 * b[0] + c3 * b[1] + c4 * b[2]) / det
    x[2] = (c2 * b[0] + c4 * b[1] + c5 * b[2]) / det
    return True


@_jit
def refine_group(rays, weight, members, views, threshold, X, errors):  # type: ignore[no-untyped-def]
    """Move the group's points X (P, 3) to the robust optimum; False where it is not reached.

    ``errors`` (views,) holds the mean errors at the optimum afterwards. Points that are NaN stay
    so; one whose depth the remaining views leave open becomes NaN.
    """
    normal, gradient, step = np.empty(6), np.empty(3), np.empty(3)
    for _ in range(MAX_STEPS):
        mean_errors(rays, weight, members, views, X, errors)
        largest = 0.0
        for p in range(len(members)):
            if np.isnan(X[p, 0]):
                continue
            normal[:] = 0.0
            gradient[:] = 0.0
            for i in range(len(views)):
                u = (errors[i] / threshold) ** 2
                w = weight[members[p], views[i]]
                if u < 1 and w > 0:
                    add_view(rays[members[p], views[i]], w * (1 - u) ** 2, X[p], normal, gradient)
            if not solve_symmetric(normal, gradient, step):
                X[p] = np.nan
                continue
            moved = gradient[0] * step[0] + gradient[1] * step[1] + gradient[2] * step[2]
            X[p] -= step
            largest = max(largest, moved)
        if largest < STEP_PX * STEP_PX:
            mean_errors(rays, weight, members, views, X, errors)
            return True
    return False
