"""Drift: how far one set of fields has moved along the surface from another, a teacher's say.

Fields that drift together keep lying on each other's epipolar lines, so that no epipolar error
shows it; this does, without any truth.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mvboot.fields import DenseField
from mvboot.metrics.distribution import distribution
from mvboot.metrics.rules import Rules
from mvboot.metrics.surface import SurfaceErrors, surface_errors
from mvboot.template import Template


def drift_errors(
    field: DenseField, before: DenseField, template: Template, rules: Rules | None = None
) -> SurfaceErrors:
    """Return how far a field is from an earlier one of the same picture, where that had a subject.

    Distances are along the rest surface of the template, infinite where only the earlier field
    names a surface point. InputError as for `surface_errors`.
    """
    return surface_errors(field, before, template, rules)


def drift_summary(pictures: Sequence[SurfaceErrors]) -> dict[str, Any]:
    """Return mean, median and 90th percentile in cm where both fields name a surface point.

    ``lost`` is the share of the earlier field's pixels that the later one gave up, ``iou`` the
    mean overlap of the two foregrounds.
    """
    moved = np.concatenate([np.zeros(0), *(picture.error_cm for picture in pictures)])
    overlaps = np.array([picture.iou for picture in pictures])
    overlaps = overlaps[np.isfinite(overlaps)]
    return {
        "pictures": len(pictures),
        "pixels": len(moved),
        "lost": float(np.isinf(moved).mean()) if len(moved) else None,
        "iou": float(overlaps.mean()) if len(overlaps) else None,
        **distribution(moved, "cm"),
    }
