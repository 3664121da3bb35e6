"""Two viewing rays and their midpoint, for the CPU kernel.

Point p of a group has rays (12, L) in ``rays[p]``: origin (3), B (2x3, row by row) and e (3) of
each view, one view a lane, so that loops over views read neighbours.
"""

import numpy as np

from mvboot.triangulation.refine import jit

ACCEPTED, FEW_DETECTIONS, PARALLEL, BEHIND, DISAGREE, DIVERGED = range(6)
"""Why a point is refused, as numbers; `result.REASONS` has the words."""


@jit
def ray_direction(rays, p, i, out):  # type: ignore[no-untyped-def]
    """Fill out[p, :, i] with the unit viewing direction: the null vector of B, with e . d > 0."""
    x = rays[p, 4, i] * rays[p, 8, i] - rays[p, 5, i] * rays[p, 7, i]
    y = rays[p, 5, i] * rays[p, 6, i] - rays[p, 3, i] * rays[p, 8, i]
    z = rays[p, 3, i] * rays[p, 7, i] - rays[p, 4, i] * rays[p, 6, i]
    scale = 1 / np.sqrt(x * x + y * y + z * z)
    if x * rays[p, 9, i] + y * rays[p, 10, i] + z * rays[p, 11, i] < 0:
        scale = -scale
    out[p, 0, i], out[p, 1, i], out[p, 2, i] = x * scale, y * scale, z * scale


@jit
def midpoint(rays, directions, p, a, b, min_sine2):  # type: ignore[no-untyped-def]
    """Return ACCEPTED and the point halfway between two rays; or PARALLEL or BEHIND, and NaN."""
    ax, ay, az = rays[p, 0, a], rays[p, 1, a], rays[p, 2, a]
    bx, by, bz = rays[p, 0, b], rays[p, 1, b], rays[p, 2, b]
    dax, day, daz = directions[p, 0, a], directions[p, 1, a], directions[p, 2, a]
    dbx, dby, dbz = directions[p, 0, b], directions[p, 1, b], directions[p, 2, b]
    cosine = dax * dbx + day * dby + daz * dbz
    along_a = dax * (bx - ax) + day * (by - ay) + daz * (bz - az)
    along_b = dbx * (bx - ax) + dby * (by - ay) + dbz * (bz - az)
    sine2 = 1 - cosine * cosine
    if not sine2 > min_sine2:
        return PARALLEL, np.nan, np.nan, np.nan
    s = (along_a - cosine * along_b) / sine2
    t = (cosine * along_a - along_b) / sine2
    if s <= 0 or t <= 0:
        return BEHIND, np.nan, np.nan, np.nan
    x = 0.5 * (ax + bx + s * dax + t * dbx)
    y = 0.5 * (ay + by + s * day + t * dby)
    z = 0.5 * (az + bz + s * daz + t * dbz)
    return ACCEPTED, x, y, z


@jit
def ray_distance(rays, directions, p, i, x, y, z):  # type: ignore[no-untyped-def]
    """Return the distance of a point from the ray of point p in view i, in units."""
    x, y, z = x - rays[p, 0, i], y - rays[p, 1, i], z - rays[p, 2, i]
    dx, dy, dz = directions[p, 0, i], directions[p, 1, i], directions[p, 2, i]
    along = x * dx + y * dy + z * dz
    x, y, z = x - along * dx, y - along * dy, z - along * dz
    return np.sqrt(x * x + y * y + z * z)
