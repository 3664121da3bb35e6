"""Surface points that a dense field names."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.fields import DenseField, FieldValues
from mvboot.template import Located, Template

Floats = NDArray[np.float64]

EDGE = 4.0
"""Neighbouring pixels more than this many spacings apart lie on two sides of an edge."""


def points_at(field: DenseField, template: Template, pixels: Floats, foreground: float) -> Located:
    """Return the surface points (...) that a field names at original pixels (..., 2).

    Between its own pixels they are interpolated, but not across edges. There is none where the
    foreground is below the stated probability, or the field knows of no surface point.

    Raises
    ------
    InputError
        A field of another template, with a part that it does not have, or of another dimension.
    """
    field.require_topology(template.topology)
    jump = EDGE * spacing(field.coordinates, field.known, field.part)
    values = field.interpolated(pixels, np.inf if np.isnan(jump) else jump)
    return _located(field, template, values, values.known & (values.foreground >= foreground))


def named_points(field: DenseField, template: Template) -> Located:
    """Return the surface points (h, w) of a field's own pixels; InputError as for `points_at`."""
    field.require_topology(template.topology)
    coordinates = np.where(field.known[..., None], field.coordinates, np.float32(np.nan))
    values = FieldValues(field.part, coordinates, field.foreground, field.confidence)
    return _located(field, template, values, field.known)


def spacing(
    values: NDArray[np.floating[Any]],
    known: NDArray[np.bool_],
    part: NDArray[np.uint8] | None = None,
) -> float:
    """Return the median distance of neighbours of a picture (h, w, D) that are known (h, w).

    Neighbours on different parts (h, w) do not count. NaN where there are none.
    """
    rows, columns = known[1:] & known[:-1], known[:, 1:] & known[:, :-1]
    if part is not None:
        rows, columns = rows & (part[1:] == part[:-1]), columns & (part[:, 1:] == part[:, :-1])
    down = (values[1:] - values[:-1])[rows]
    right = (values[:, 1:] - values[:, :-1])[columns]
    steps = np.linalg.norm(np.concatenate([down, right]), axis=-1)
    return float(np.median(steps)) if len(steps) else float("nan")


def _located(
    field: DenseField, template: Template, values: FieldValues, there: NDArray[np.bool_]
) -> Located:
    try:
        if values.part is None:
            return template.nearest(np.where(there[..., None], values.coordinates, np.nan))
        return template.locate(np.where(there, values.part, np.uint8(0)), values.coordinates)
    except InputError as error:
        where = f"field of camera {field.camera}, frame {field.frame}"
        raise InputError(error.message, where) from None
