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

RAY_WIDTH = 12
"""A viewing ray is its origin (3), B (2x3, row by row) and e (3)."""

MAX_STEPS = 300
"""Ten suffice for nearly all points; one with a view right at the threshold converges slowly."""

STEP_PX = 1e-3
"""Converged when the next step would move the weighted projections by less than this, in px."""

SINGULAR = 1e-13
"""Determinant of a normal matrix over the cube of its mean diagonal below which depth is open."""

FAST = {"contract", "reassoc", "arcp", "nsz"}
"""Freedoms of floating-point arithmetic the compiler may take; NaN and infinity stay exact."""

jit: Any = njit(cache=True, error_model="numpy", fastmath=FAST, nogil=True)


@jit
def view_error2(rays, weight, i, X, seen):  # type: ignore[no-untyped-def]
    """Return the squared mean error in px^2 of view i over the group's points that it sees.

    rays (P, C, 12), weight (P, C), X (P, 3); fills seen[:, i] = (rx, ry, 1 / s). Infinite where a
    point is behind the camera or the view sees none of them.
    """
    total, count = 0.0, 0
    for p in range(len(X)):
        if weight[p, i] > 0 and not np.isnan(X[p, 0]):
            vx, vy, vz = X[p, 0] - rays[p, 0, i], X[p, 1] - rays[p, 1, i], X[p, 2] - rays[p, 2, i]
            s = rays[p, 9, i] * vx + rays[p, 10, i] * vy + rays[p, 11, i] * vz
            inverse = 1 / s
            rx = (rays[p, 3, i] * vx + rays[p, 4, i] * vy + rays[p, 5, i] * vz) * inverse
            ry = (rays[p, 6, i] * vx + rays[p, 7, i] * vy + rays[p, 8, i] * vz) * inverse
            seen[p, 0, i], seen[p, 1, i], seen[p, 2, i] = rx, ry, inverse
            error2 = rx * rx + ry * ry if inverse > 0 else np.inf
            total += np.sqrt(error2)
            count += 1
    return (total / count) ** 2 if count > 0 else np.inf


@jit
def add_view(rays, seen, p, i, w, normal, gradient):  # type: ignore[no-untyped-def]
    """Add ``w J^T J`` (upper triangle, 6) and ``w J^T r`` (3) of point p in view i."""
    rx, ry, inverse = seen[p, 0, i], seen[p, 1, i], seen[p, 2, i]
    ax = (rays[p, 3, i] - rx * rays[p, 9, i]) * inverse
    ay = (rays[p, 4, i] - rx * rays[p, 10, i]) * inverse
    az = (rays[p, 5, i] - rx * rays[p, 11, i]) * inverse
    bx = (rays[p, 6, i] - ry * rays[p, 9, i]) * inverse
    by = (rays[p, 7, i] - ry * rays[p, 10, i]) * inverse
    bz = (rays[p, 8, i] - ry * rays[p, 11, i]) * inverse
    normal[0] += w * (ax * ax + bx * bx)
    normal[1] += w * (ax * ay + bx * by)
    normal[2] += w * (ax * az + bx * bz)
    normal[3] += w * (ay * ay + by * by)
    normal[4] += w * (ay * az + by * bz)
    normal[5] += w * (az * az + bz * bz)
    gradient[0] += w * (ax * rx + bx * ry)
    gradient[1] += w * (ay * rx + by * ry)
    gradient[2] += w * (az * rx + bz * ry)


@jit
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


@jit
def refine_group(rays, weight, m, threshold2, X, seen, errors2, system):  # type: ignore[no-untyped-def]
    """Move the group's points X (P, 3) to the robust optimum; False where it is not reached.

    ``errors2`` (C,) holds the squared mean errors of the first m views at the optimum afterwards,
    ``seen`` the residuals. Points that are NaN stay so; one whose depth the remaining views leave
    open becomes NaN. ``system`` (12,) is room for the normal equations.
    """
    normal, gradient, step = system[:6], system[6:9], system[9:]
    previous = 1e-300
    for _ in range(MAX_STEPS):
        for i in range(m):
            errors2[i] = view_error2(rays, weight, i, X, seen)
        largest = 0.0
        for p in range(len(X)):
            if np.isnan(X[p, 0]):
                continue
            for k in range(6):
                normal[k] = 0.0
            for k in range(3):
                gradient[k] = 0.0
            for i in range(m):
                share = 1 - errors2[i] / threshold2
                if share > 0 and weight[p, i] > 0:
                    w = weight[p, i] * share * share
                    add_view(rays, seen, p, i, w, normal, gradient)
            if not solve_symmetric(normal, gradient, step):
                X[p, 0] = np.nan
                continue
            for k in range(3):
                X[p, k] -= step[k]
            moved = gradient[0] * step[0] + gradient[1] * step[1] + gradient[2] * step[2]
            largest = max(largest, moved)
        # Steps shrink by a steady factor: stop when the next one would be too small to matter.
        if largest * min(1.0, largest / previous) < STEP_PX * STEP_PX:
            for i in range(m):
                errors2[i] = view_error2(rays, weight, i, X, seen)
            return True
        previous = largest
    return False
