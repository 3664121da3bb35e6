"""Which keypoints people place on the same spot of the body in every view.

A name can mean another spot in each picture: the middle of a trunk is clicked in the middle of what
is seen of it, a hidden tail is guessed. Where views mean other spots, the triangulated point is not
what people would click, and a detector that learns from it gets worse.
"""

import numpy as np
from numpy.typing import NDArray

from mvboot.bootstrap.labels import labelled_part
from mvboot.keypoints import Keypoints2D
from mvboot.metrics.projected import projected
from mvboot.rig import Rig
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.recording import triangulate_keypoints

Floats = NDArray[np.float64]

FEWEST_CAMERAS = 3
"""Two agree on some point wherever their rays meet; the third tells."""
FEWEST_LABELS = 2
"""Labels of a keypoint in a view that make a median."""


def label_gaps(rig: Rig, labels: Keypoints2D, threshold_px: float) -> Floats:
    """Return how far labels (C, F, 1, K) lie from the point that most views agree on: (C, K), px.

    The median over frames. Infinite where no two views agree within ``threshold_px``, NaN where it
    cannot be told: too few labels, or points that fewer than three cameras label.
    """
    gaps = np.full((len(labels.cameras), len(labels.keypoints)), np.nan)
    own = labelled_part(labels)
    if len(own.cameras) < FEWEST_CAMERAS:
        return gaps
    options = TriangulationOptions(threshold_px=threshold_px, min_views=2)
    seen_by = rig.subset(own.cameras)
    shown = projected(triangulate_keypoints(seen_by, own, options), seen_by)
    off = np.linalg.norm(shown.xy - own.xy, axis=-1)[:, :, 0]
    off = np.where(np.isnan(off), np.inf, off)
    known = own.present[:, :, 0] & (own.present[:, :, 0].sum(0) >= FEWEST_CAMERAS)
    for c, name in enumerate(own.cameras):
        for k in np.flatnonzero(known[c].sum(0) >= FEWEST_LABELS):
            gaps[labels.cameras.index(name), k] = np.median(off[c, known[c, :, k], k])
    return gaps


def described(gaps: Floats, labels: Keypoints2D, limit_px: float) -> str:
    """Return which labels lie farther than a limit: 'back: Trunk 23.8, tail 24.5 px'."""
    parts = []
    for name, own in zip(labels.cameras, gaps, strict=True):
        far = [
            f"{labels.keypoints[k]} {own[k]:.1f}" if np.isfinite(own[k]) else labels.keypoints[k]
            for k in np.flatnonzero(own > limit_px)
        ]
        if far:
            parts.append(f"{name}: {', '.join(far)}")
    return "; ".join(parts)
