"""Silhouettes: what lies outside the subject's outline in any picture is not the subject."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.fields import Crop, DenseField
from mvboot.rig import Rig

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Silhouette:
    """Where a picture shows the subject: ``mask`` (h, w) on the pixels of ``grid``."""

    mask: Bools
    grid: Crop

    @staticmethod
    def of(field: DenseField, foreground: float = 0.5) -> "Silhouette":
        """Return where a field says the subject is, with at least this probability."""
        return Silhouette(field.foreground >= foreground, field.grid)

    @staticmethod
    def of_mask(mask: Bools) -> "Silhouette":
        """Return the silhouette of a mask (h, w) of the original picture."""
        return Silhouette(mask, Crop.whole((mask.shape[1], mask.shape[0])))

    def grown(self, margin: int) -> "Silhouette":
        """Return it with so many of its own pixels around it."""
        if margin <= 0:
            return self
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
        return Silhouette(cv2.dilate(self.mask.astype(np.uint8), disc) > 0, self.grid)

    def excludes(self, pixels: Floats) -> Bools:
        """Return which original pixels (n, 2) it says are not the subject.

        It says nothing of what lies beyond its grid, nor of NaN.
        """
        spot = np.nan_to_num(self.grid.to_crop(pixels), nan=-9.0, posinf=-9.0, neginf=-9.0)
        whole = np.floor(spot + 0.5)
        height, width = self.mask.shape
        inside = ((whole >= 0) & (whole < (width, height))).all(1)
        column, row = np.clip(whole, 0, (width - 1, height - 1)).astype(np.int64).T
        return np.asarray(inside & ~self.mask[row, column])


def inside_all(points: Floats, rig: Rig, silhouettes: Mapping[str, Silhouette]) -> Bools:
    """Return which points (n, 3) no camera's silhouette excludes.

    InputError for a camera that the rig does not have, ValueError for one with several poses.
    """
    kept = np.ones(len(points), dtype=np.bool_)
    for name, silhouette in silhouettes.items():
        camera = rig[name]
        camera.require_one_pose()
        kept &= ~silhouette.excludes(np.asarray(camera.project(points)))
    return kept
