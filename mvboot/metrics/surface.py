"""Surface error: how far, along the template, predicted surface points are from the true ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.fields.points import points_at
from mvboot.metrics.distribution import distribution
from mvboot.metrics.gps import Kappa, average_precision, geodesic_similarity
from mvboot.metrics.rules import Rules, centimetres
from mvboot.template import Template

Floats = NDArray[np.float64]

WITHIN_CM = (5, 10, 20)
"""Ratios are reported within these (Slim DensePose: Neverova et al. 2019)."""
AREAS_CM = (10, 30)
"""Areas under the curve are reported up to these (DensePose: Guler et al. 2018)."""


@dataclass(frozen=True, eq=False)
class SurfaceErrors:
    """Errors of one picture at n pixels where the truth shows the subject.

    Parameters
    ----------
    camera, frame
        Whose picture it is.
    error_cm
        (n,) distance along the rest surface of the template; infinite where nothing is predicted.
    part
        (n,) part number of the true points, 0 where the template has no charts.
    iou
        Intersection over union of the two foregrounds on all pixels of the truth; NaN where both
        are empty.
    """

    camera: str
    frame: int
    error_cm: Floats
    part: NDArray[np.int64]
    iou: float

    @property
    def missing(self) -> int:
        """At how many of the pixels nothing is predicted."""
        return int(np.isinf(self.error_cm).sum())


def surface_errors(
    predicted: DenseField, true: DenseField, template: Template, rules: Rules | None = None
) -> SurfaceErrors:
    """Compare a predicted field with the true one of the same picture, at pixels of the true one.

    Either may be of charts or of an embedding, on any grid: the prediction is interpolated at
    the original pixels of the truth. Of many pixels `Rules.points` are drawn.

    Raises
    ------
    InputError
        Fields of different pictures or of another template.
    """
    rules = rules or Rules()
    _require_same_picture(predicted, true)
    true.require_topology(template.topology)
    rows, columns = np.nonzero(true.known & (true.foreground >= rules.foreground))
    chosen = rules.drawn(len(rows), true.camera, true.frame)
    pixels = true.grid.to_original(np.stack([columns, rows], -1)[chosen])
    truth = points_at(true, template, pixels, rules.foreground)
    named = points_at(predicted, template, pixels, rules.foreground)
    error = centimetres(template) * template.geodesic_between(truth, named)
    part = np.zeros(len(pixels), np.int64)
    if template.charts is not None:
        part = template.charts.parts[truth.faces]
    return SurfaceErrors(
        true.camera,
        true.frame,
        np.where(named.known, error, np.inf),
        part,
        _overlap(predicted, true, rules.foreground),
    )


def surface_summary(
    pictures: Sequence[SurfaceErrors], kappa: Kappa | None = None
) -> dict[str, Any]:
    """Return the scores of pictures together, as plain values; None for what has no value.

    ``mean_cm``, ``median_cm`` and ``p90_cm`` are of the pixels with a prediction; ``missing`` is
    the share of those without. Ratios (``within_5cm``, ...), areas under the curve (``auc_10``:
    the mean over 0 to 10 cm of the ratio within that) and ``gps`` are over all pixels: where
    nothing is predicted the error is infinite and adds 0. All pixels weigh the same, but ``iou``
    is the mean over pictures, and so are ``gps`` (a picture is what DensePose calls an instance)
    and ``gpsm``; ``ap`` and ``ap_gpsm`` as in `average_precision`. ``per_camera`` has some of
    these for each.
    """
    kappa = kappa or Kappa.fixed()
    cameras = sorted({picture.camera for picture in pictures})
    scored = [picture for picture in pictures if len(picture.error_cm)]
    similarity = np.array([geodesic_similarity(p.error_cm, kappa.at(p.part)) for p in scored])
    masked = np.sqrt(similarity * np.array([picture.iou for picture in scored]))
    return {
        "pictures": len(pictures),
        **_of_pixels(pictures),
        "gps": _mean(similarity),
        "gpsm": _mean(masked),
        "ap": average_precision(similarity),
        "ap_gpsm": average_precision(masked),
        "kappa": kappa.name,
        "per_camera": {
            camera: _of_pixels([p for p in pictures if p.camera == camera]) for camera in cameras
        },
    }


def within(error_cm: Floats, limit_cm: float) -> float | None:
    """Return the share of errors within a limit."""
    return _mean((error_cm <= limit_cm).astype(np.float64))


def area_under_curve(error_cm: Floats, limit_cm: float) -> float | None:
    """Return the mean of `within` over all limits from 0 to this one; 1 for errors of 0.

    An error e is within a share ``1 - e / limit`` of these, so no steps are needed.
    """
    return _mean(np.clip(1 - error_cm / limit_cm, 0, 1))


def _of_pixels(pictures: Iterable[SurfaceErrors]) -> dict[str, Any]:
    chosen = list(pictures)
    error = np.concatenate([picture.error_cm for picture in chosen] or [np.zeros(0)])
    overlaps = np.array([picture.iou for picture in chosen])
    return {
        "pixels": len(error),
        "missing": _mean(np.isinf(error).astype(np.float64)),
        **distribution(error, "cm"),
        **{f"within_{limit}cm": within(error, limit) for limit in WITHIN_CM},
        **{f"auc_{limit}": area_under_curve(error, limit) for limit in AREAS_CM},
        "iou": _mean(overlaps[np.isfinite(overlaps)]),
    }


def _overlap(predicted: DenseField, true: DenseField, foreground: float) -> float:
    here = true.foreground >= foreground
    there = predicted.interpolated(true.grid.centers()).foreground >= foreground
    union = int((here | there).sum())
    return float((here & there).sum() / union) if union else float("nan")


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _require_same_picture(a: DenseField, b: DenseField) -> None:
    if (a.camera, a.frame) != (b.camera, b.frame):
        raise InputError(
            f"the field of camera {a.camera}, frame {a.frame} cannot be compared with that of "
            f"camera {b.camera}, frame {b.frame}"
        )
