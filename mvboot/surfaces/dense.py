"""Dense points: every pixel of every field, found in the other fields and triangulated.

Nothing is known of the subject but the fields' coordinates: two pixels that name the same place
show the same point, whatever that place is called.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.fields import DenseField
from mvboot.fields.points import spacing
from mvboot.rig import Rig
from mvboot.surfaces.lift import agreement
from mvboot.surfaces.sightings import Seen, require_shown
from mvboot.triangulation import triangulate_points

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]

APART = 10.0
"""How far apart the coordinates of two charts are put: u and v lie in [0, 1]."""


@dataclass(frozen=True, eq=False)
class DensePoints:
    """Points of an unknown surface at one instant.

    Parameters
    ----------
    units
        Of the places: those of the rig.
    points
        (n, 3) in the world.
    values
        (n, D) coordinates of each point in the fields: near to each other on the surface is near
        to each other here.
    centers
        (n, 3) of the camera that shows it best.
    covariance
        (n, 3, 3), as in `Lifted`.
    views, error_px
        (n,) as in `Lifted`.
    """

    units: str
    points: Floats
    values: Floats
    centers: Floats
    covariance: Floats
    views: IntArray
    error_px: Floats


def seen_alone(field: DenseField, foreground: float = 0.5) -> Seen:
    """Return what a field sees, in its own coordinates, where it is the subject that likely."""
    there = field.known & (field.foreground >= foreground)
    values = field.coordinates.astype(np.float64)
    apart = spacing(values, there, field.part)
    if field.part is not None:
        values = np.concatenate([values, APART * field.part[..., None].astype(np.float64)], -1)
    return Seen(field.grid.centers()[there], values[there], apart, field.grid.scale)


def dense_points(
    fields: Mapping[str, DenseField],
    rig: Rig,
    foreground: float = 0.5,
    threshold_px: float | None = None,
    min_views: int | None = None,
) -> DensePoints:
    """Return the points that at least two fields of one instant agree on.

    Parameters
    ----------
    fields
        By camera, all with the same coordinates.
    rig
        At least these cameras, at their poses in the frame.
    foreground
        Pixels of the subject have at least this probability.
    threshold_px, min_views
        When fields agree (`lift.agreement`).

    Raises
    ------
    InputError
        A camera that the rig does not have, fields of different templates or kinds.
    NothingUsable
        Fewer than two fields show the subject.
    """
    seen = {name: seen_alone(field, foreground) for name, field in fields.items()}
    require_shown(seen)
    _require_alike(fields)
    own = rig.subset(fields)
    values = np.concatenate([one.values for one in seen.values()])
    centers = np.concatenate(
        [np.tile(own[name].center.numpy(), (len(one.pixels), 1)) for name, one in seen.items()]
    )
    found = [one.find(values) for one in seen.values()]
    result = triangulate_points(
        own,
        np.stack([one.pixels for one in found]),
        options=agreement(seen.values(), threshold_px, min_views),
        covariance=np.stack([one.covariance for one in found]),
    )
    points = np.asarray(result.points)
    there = np.isfinite(points).all(1)
    return DensePoints(
        rig.units,
        points[there],
        values[there],
        centers[there],
        np.asarray(result.covariance)[there],
        np.asarray(result.inliers).sum(axis=0)[there],
        np.asarray(result.error_px)[there],
    )


def _require_alike(fields: Mapping[str, DenseField]) -> None:
    first = next(iter(fields.values()))
    for field in fields.values():
        field.require_topology(first.topology)
        if field.kind != first.kind or field.dimensions != first.dimensions:
            raise InputError(
                f"the field of camera {field.camera} is {field.kind} of {field.dimensions} "
                f"numbers, that of {first.camera} {first.kind} of {first.dimensions}"
            )
