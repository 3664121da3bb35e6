"""Rays of pinhole cameras and errors of solved points, compiled: what surrounds the CPU kernel.

A pinhole camera that stands still has one matrix K R: the residual of a world point X at the
pixel (u, v) is ``(B (X - origin)) / depth`` with ``B = (KR)_{0,1} - (u, v) (KR)_2``, exactly. Other
cameras go through `geometry.Camera` itself.
"""

import numpy as np

from mvboot.triangulation.refine import jit


@jit
def pinhole_rays(pixels, KR, center, c, rays, weight):  # type: ignore[no-untyped-def]
    """Fill rays[:, c] (N, C, 12) from pixels (N, 2) where weight[:, c] is not 0."""
    for n in range(len(pixels)):
        if weight[n, c] == 0:
            continue
        for k in range(3):
            rays[n, c, k] = center[k]
            rays[n, c, 3 + k] = KR[0, k] - pixels[n, 0] * KR[2, k]
            rays[n, c, 6 + k] = KR[1, k] - pixels[n, 1] * KR[2, k]
            rays[n, c, 9 + k] = KR[2, k]


@jit
def pinhole_offsets(rays, inliers, points, c, offsets):  # type: ignore[no-untyped-def]
    """Fill offsets[:, c] (N, C, 2) with point minus detection in px where c is an inlier."""
    for n in range(len(points)):
        if inliers[n, c]:
            x, y, depth = 0.0, 0.0, 0.0
            for k in range(3):
                v = points[n, k] - rays[n, c, k]
                x += rays[n, c, 3 + k] * v
                y += rays[n, c, 6 + k] * v
                depth += rays[n, c, 9 + k] * v
            offsets[n, c, 0], offsets[n, c, 1] = x / depth, y / depth


@jit
def weigh(pixels, confidence, c, weight):  # type: ignore[no-untyped-def]
    """Fill weight[:, c] with confidences (N,), 0 where a pixel (N, 2) is NaN; False for bad ones.

    Bad are infinite pixels, and a confidence that is NaN or outside [0, 1] beside a pixel.
    """
    good = True
    for n in range(len(pixels)):
        total = abs(pixels[n, 0]) + abs(pixels[n, 1])
        missing = np.isnan(total)
        weight[n, c] = 0.0 if missing else confidence[n]
        good = good and total != np.inf and weight[n, c] >= 0 and weight[n, c] <= 1
    return good


@jit
def summarise(offsets, whitened, weight, inliers, error, score):  # type: ignore[no-untyped-def]
    """Fill the mean error in px and the mean confidence of each point's inliers (N,).

    Returns the weighted sum of squared whitened errors and its degrees of freedom,
    ``2 views - 3`` a point.
    """
    squares, freedom = 0.0, 0
    for n in range(len(error)):
        views, px, confidence = 0, 0.0, 0.0
        for c in range(inliers.shape[1]):
            if inliers[n, c]:
                x, y = offsets[n, c, 0], offsets[n, c, 1]
                views += 1
                px += np.sqrt(x * x + y * y)
                confidence += weight[n, c]
                x, y = whitened[n, c, 0], whitened[n, c, 1]
                squares += weight[n, c] * (x * x + y * y)
        if views > 0:
            error[n], score[n] = px / views, confidence / views
            freedom += 2 * views - 3
    return squares, freedom


@jit
def invert(normal, out):  # type: ignore[no-untyped-def]
    """Fill out (N, 3, 3) with the inverses of symmetric matrices (N, 6); NaN where singular."""
    for n in range(len(normal)):
        a, b, c = normal[n, 0], normal[n, 1], normal[n, 2]
        d, e, f = normal[n, 3], normal[n, 4], normal[n, 5]
        xx, xy, xz = d * f - e * e, c * e - b * f, b * e - c * d
        yy, yz, zz = a * f - c * c, b * c - a * e, a * d - b * b
        det = a * xx + b * xy + c * xz
        scale = 1 / det if det > 0 else np.nan
        out[n, 0, 0], out[n, 1, 1], out[n, 2, 2] = xx * scale, yy * scale, zz * scale
        out[n, 0, 1] = out[n, 1, 0] = xy * scale
        out[n, 0, 2] = out[n, 2, 0] = xz * scale
        out[n, 1, 2] = out[n, 2, 1] = yz * scale
