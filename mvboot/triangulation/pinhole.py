"""Rays of pinhole cameras and errors of solved points, compiled: what surrounds the CPU kernel.

A pinhole camera that stands still has one matrix K R: the residual of a world point X at the
pixel (u, v) is ``(B (X - origin)) / depth`` with ``B = (KR)_{0,1} - (u, v) (KR)_2``, exactly. Other
cameras go through `geometry.Camera` itself.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvboot.rig import Rig
from mvboot.triangulation.refine import jit


class Pinholes(NamedTuple):
    """Cameras without distortion that stand still: ``here`` (C,) says which of a rig are.

    ``KR`` (C, 3, 3) and ``center`` (C, 3), zeros for the other cameras.
    """

    here: NDArray[np.bool_]
    KR: NDArray[np.float64]
    center: NDArray[np.float64]

    @staticmethod
    def of(rig: Rig) -> "Pinholes":
        """Return the pinhole cameras of a rig."""
        here = np.zeros(len(rig), dtype=np.bool_)
        KR, center = np.zeros((len(rig), 3, 3)), np.zeros((len(rig), 3))
        for c, camera in enumerate(rig.cameras.values()):
            here[c] = camera.lens.name == "pinhole" and not camera.cam_from_world.batch_shape
            if here[c]:
                KR[c] = (camera.K @ camera.cam_from_world.R).numpy()
                center[c] = camera.center.numpy()
        return Pinholes(here, KR, center)


@jit
def pinhole_rays(pixels, pinholes, weight, rays):  # type: ignore[no-untyped-def]
    """Fill rays (N, C, 12) of `Pinholes` from pixels (C, N, 2) where weight (N, C) is not 0."""
    KR, center = pinholes.KR, pinholes.center
    for c in np.flatnonzero(pinholes.here):
        for n in range(len(rays)):
            if weight[n, c] == 0:
                continue
            for k in range(3):
                rays[n, c, k] = center[c, k]
                rays[n, c, 3 + k] = KR[c, 0, k] - pixels[c, n, 0] * KR[c, 2, k]
                rays[n, c, 6 + k] = KR[c, 1, k] - pixels[c, n, 1] * KR[c, 2, k]
                rays[n, c, 9 + k] = KR[c, 2, k]


@jit
def pinhole_offsets(pinholes, rays, inliers, points, offsets):  # type: ignore[no-untyped-def]
    """Fill offsets (N, C, 2) of `Pinholes` with point minus detection in px where inliers are."""
    for c in np.flatnonzero(pinholes.here):
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
def weigh(pixels, confidence, weight):  # type: ignore[no-untyped-def]
    """Fill weight (N, C) with confidences (C, N), 0 where a pixel (C, N, 2) is NaN.

    Returns False for infinite pixels, and for a confidence beside a pixel that is NaN or outside
    [0, 1].
    """
    good = True
    for c in range(len(pixels)):
        for n in range(len(weight)):
            total = abs(pixels[c, n, 0]) + abs(pixels[c, n, 1])
            missing = np.isnan(total)
            weight[n, c] = 0.0 if missing else confidence[c, n]
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
