"""The same dense field in the other kind of coordinates."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.fields.field import DenseField
from mvboot.template import Canonical, Template


def converted(
    field: DenseField, template: Template, kind: Literal["charts", "embedding"]
) -> DenseField:
    """Return a field as ``kind``: each pixel's surface point in the coordinates of that kind.

    Values beside the surface, from a network or an 8 bit file, go to the surface point whose
    coordinates are nearest. Pixels, foreground, confidence and grid stay. There and back is exact
    to single precision, but a point on the seam of two charts may come back in the other one.

    Raises
    ------
    InputError
        A field of another template, or with a part or number of dimensions that it does not
        have; a template without charts or without an embedding; another kind.
    """
    if kind not in ("charts", "embedding"):
        raise InputError(f"a field is of the kind charts or embedding, not {kind!r}")
    field.require_topology(template.topology)
    if getattr(template, kind) is None:
        raise InputError(f"the template {template.name!r} has no {kind}")
    if field.kind == kind:
        return field
    found = _canonical(field, template)
    layers: Any = {
        name: getattr(field, name)
        for name in ("topology", "camera", "frame", "foreground", "confidence", "grid")
    }
    if kind == "embedding":
        return DenseField.of_embedding(_filled(field, found.embedding, np.nan), **layers)
    return DenseField.of_charts(
        _filled(field, found.part, 0), _filled(field, found.uv, 0), **layers
    )


def _canonical(field: DenseField, template: Template) -> Canonical:
    """Return all coordinates of the pixels that show the subject (n,)."""
    values = field.coordinates[field.known]
    try:
        if field.part is None:
            points = template.nearest(values)
        else:
            points = template.locate(field.part[field.known], values)
    except InputError as error:
        where = f"field of camera {field.camera}, frame {field.frame}"
        raise InputError(error.message, where) from None
    return template.canonical(points.faces, points.barycentric)


def _filled(field: DenseField, values: NDArray[Any] | None, empty: float) -> NDArray[Any]:
    """Return values of the subject's pixels (n, ...) as a picture (h, w, ...)."""
    assert values is not None
    picture = np.full((*field.shape, *values.shape[1:]), empty, values.dtype)
    picture[field.known] = values
    return picture
