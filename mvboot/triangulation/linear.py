"""Plain linear triangulation from all detections: the baseline that robust results are held to."""

from typing import Any

import torch

from mvboot.geometry.arrays import like, to_tensor
from mvboot.rig import Rig
from mvboot.triangulation.observations import checked_weight


def triangulate_linear(rig: Rig, pixels: Any) -> Any:
    """Return points (N, 3) from pixels (C, N, 2) by the homogeneous linear method.

    Two rows ``x P_3 - P_1`` and ``y P_3 - P_2`` a view on undistorted pixels, solved by singular
    value decomposition (Hartley and Zisserman 12.2). No outlier is rejected; NaN where fewer than
    two views have a detection. InputError for shapes that do not match the rig.
    """
    px = to_tensor(pixels).double()
    checked_weight(rig, px, None)
    flat = torch.stack([rig[name].undistort(px[c]) for c, name in enumerate(rig.names)], 1)
    P = torch.stack(
        [rig[name].projection_matrix.expand(px.shape[1], 3, 4) for name in rig.names], 1
    )
    seen = ~torch.isnan(flat[..., :1])
    rows = torch.where(seen, flat, 0.0)[..., None] * P[:, :, 2:] - P[:, :, :2]
    rows = torch.where(seen[..., None], rows, 0.0)
    enough = seen.sum((1, 2)) >= 2
    X = torch.linalg.svd(rows[enough].flatten(1, 2), full_matrices=False).Vh[:, -1]
    points = px.new_full((px.shape[1], 3), torch.nan)
    points[enough] = X[:, :3] / X[:, 3:]
    return like(pixels, points)
