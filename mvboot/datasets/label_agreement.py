"""Which keypoints people place on the same spot of the body in every view.

A name can mean another spot in each picture: the middle of a trunk is clicked in the middle of what
is seen of it, a hidden tail is guessed. Where views mean other spots, the point that they agree on
is not what people would click, and a detector that learns it gets worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mvboot.datasets.labels import labelled_part, subject_size_px
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.projected import projected
from mvboot.triangulation.recording import triangulate_keypoints

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CLICK_PX = 3.0
"""Smallest limit: people do not click more precisely."""
FEWEST_CAMERAS = 3
"""Two agree on some point wherever their rays meet. Of three, two can still agree by chance on a
wrong one, and the third is blamed.
"""
SHOWN = 8
"""Labels that a message names."""
FEWEST_LABELS = 2
"""Labels of a keypoint in a view that make a median."""


@dataclass(frozen=True, eq=False)
class LabelAgreement:
    """How far labels lie from the point that most views agree on.

    Parameters
    ----------
    cameras, keypoints
        C and K names.
    gaps_px
        (C, K), medians over frames. Infinite where no two views agree, NaN where it cannot be told:
        too few labels, or points that fewer than three cameras label.
    limit_px
        How far they may, to mean the same spot.
    """

    cameras: tuple[str, ...]
    keypoints: tuple[str, ...]
    gaps_px: Floats
    limit_px: float

    @staticmethod
    def of(rig: Rig, labels: Keypoints2D, share: float | None) -> "LabelAgreement":
        """Compare labels (C, F, 1, K); ``share`` is the limit in sizes of the subject, None: none.

        It is no less than `CLICK_PX`.

        Nobody knows the size where no labelled picture has two keypoints: then there is none.
        """
        if share is None or not (labels.present.sum(3) > 1).any():
            return LabelAgreement.unknown()
        limit = max(share * subject_size_px(labels), CLICK_PX)
        gaps = label_gaps(rig, labels, limit)
        return LabelAgreement(labels.cameras, labels.keypoints, gaps, limit)

    @staticmethod
    def unknown() -> "LabelAgreement":
        """Return that of no labels: every name means the same spot in all views."""
        return LabelAgreement((), (), np.zeros((0, 0)), np.inf)

    @cached_property
    def elsewhere(self) -> Mapping[tuple[str, str], float]:
        """Gaps by camera and keypoint that mean another spot, px, the farthest first."""
        far = np.argwhere(self.gaps_px > self.limit_px).tolist()
        far.sort(key=lambda at: -self.gaps_px[*at])
        return {(self.cameras[c], self.keypoints[k]): float(self.gaps_px[c, k]) for c, k in far}

    def same_spot(self, cameras: Sequence[str], keypoints: Sequence[str]) -> Bools:
        """Return whether these mean the same spot as elsewhere (C, K); yes where nobody knows."""
        found = [[(camera, name) not in self.elsewhere for name in keypoints] for camera in cameras]
        return np.array(found, bool).reshape(len(cameras), len(keypoints))

    def kept(self, keypoints: Keypoints2D) -> Keypoints2D:
        """Return keypoints without those of which people mean another spot in that view."""
        same = self.same_spot(keypoints.cameras, keypoints.keypoints)
        return keypoints.where(same[:, None, None])

    def described(self) -> str:
        """Return which labels lie farther, the farthest first: 'Trunk in top 24.5 px, ...'."""
        parts = [
            f"{keypoint} in {camera}" + (f" {gap:.1f} px" if np.isfinite(gap) else "")
            for (camera, keypoint), gap in self.elsewhere.items()
        ]
        more = [f"and {len(parts) - SHOWN} more"] if len(parts) > SHOWN else []
        return ", ".join([*parts[:SHOWN], *more])

    def warning(self, consequence: str) -> str | None:
        """Return what to tell people, with what follows from it; None where all agree."""
        if not self.elsewhere:
            return None
        far, known = len(self.elsewhere), np.count_nonzero(~np.isnan(self.gaps_px))
        return (
            f"labels of people lie more than {self.limit_px:.1f} px from where their other views "
            f"show the keypoint in {far} of {known} pairs of keypoint and camera "
            f"({self.described()}): the rig is off, labels are imprecise (raise agreement), or "
            f"the name means another spot there; {consequence}"
        )


def label_gaps(rig: Rig, labels: Keypoints2D, threshold_px: float) -> Floats:
    """Return the gaps (C, K) of `LabelAgreement`; views agree within ``threshold_px``."""
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
