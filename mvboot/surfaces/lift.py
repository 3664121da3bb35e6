"""Lift: the points of a template's surface that fields of one instant show, found in space.

In every view each point is sought in the field (`Seen.find`); where several show it, its place is
triangulated robustly, each view by the covariance of its pixel (methods B.6: the paper, Yu et al.
2021, leaves the procedure open).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.rig import Rig
from mvboot.surfaces.noise import Scatter
from mvboot.surfaces.sightings import ROUNDING, Seen
from mvboot.surfaces.visibility import visible_vertices
from mvboot.template import Template
from mvboot.triangulation import TriangulationOptions, triangulate_points

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

AGREE = 16.0
"""Views agree within so many pixels of their fields, unless something else is asked for."""


@dataclass(frozen=True, eq=False)
class Lifted:
    """Where n vertices of a template lie at one instant.

    Parameters
    ----------
    units
        Of the places: those of the rig.
    vertices
        (n,) which vertices they are.
    points
        (n, 3) in the world; NaN where too few views show a vertex, or agree on it.
    covariance
        (n, 3, 3) in units^2. Its size comes from how much the views disagree, all vertices of the
        instant together: an error that all views share does not show in it.
    shown
        (n,) how many fields show it.
    views
        (n,) how many of them agree; 0 where it was not lifted.
    error_px
        (n,) mean reprojection error in those; NaN likewise.
    noise
        How far the fields are off, in the template's unit: standard deviation along an axis of the
        embedding, from how much the views disagree; NaN where nothing was lifted.
    """

    units: str
    vertices: IntArray
    points: Floats
    covariance: Floats
    shown: IntArray
    views: IntArray
    error_px: Floats
    noise: float

    @property
    def visible(self) -> Bools:
        """Which of the vertices (n,) were lifted."""
        return np.asarray(self.views > 0)


def lift(
    seen: Mapping[str, Seen],
    rig: Rig,
    template: Template,
    vertices: IntArray | None = None,
    surface: Floats | None = None,
    scatter: tuple[Scatter, float] | None = None,
    options: TriangulationOptions | None = None,
) -> Lifted:
    """Return where vertices (n,) of the template lie in the world; none given: all of them.

    Parameters
    ----------
    seen
        What the fields of one instant see, by camera.
    rig
        At least these cameras, at their poses in the frame.
    template
        The one that the fields refer to, with an embedding.
    surface
        (V, 3) where the surface is believed to be, in the rig's unit: from an earlier fit or the
        frame before. Views that it hides a vertex from are left out, in which fields show it only
        because something near to it on the surface is seen.
    scatter
        Given a surface, what fields with this noise show of it (`Scatter.of`): pixels are put right
        by it and their covariances are its own. None: those of `Seen.find`.
    options
        Thresholds of the triangulation; none: views agree within `AGREE` pixels of their fields.

    Raises
    ------
    InputError
        Fewer than two cameras, or one that the rig does not have; a template without an embedding;
        vertices that it does not have, or a surface of another mesh.
    """
    if template.embedding is None:
        raise InputError(f"the template {template.name!r} has no embedding to look points up in")
    chosen = np.arange(len(template.vertices)) if vertices is None else vertices
    if len(chosen) and not (chosen.min() >= 0 and chosen.max() < len(template.vertices)):
        raise InputError(
            f"the template {template.name!r} has vertices 0 to {len(template.vertices) - 1}; "
            f"{int(chosen.min())} to {int(chosen.max())} were asked for"
        )
    own = rig.subset(seen)
    found = [one.find(template.embedding[chosen]) for one in seen.values()]
    pixels = np.stack([one.pixels for one in found])
    spread = np.stack([one.covariance for one in found])
    unit = float(np.median([one.spacing for one in seen.values()]))
    if surface is not None:
        visible = _seen_of(surface, template, own)
        pixels[~visible[:, chosen]] = np.nan
        if scatter is not None:
            shift, spread = _scattered(surface, visible, own, *scatter)
            pixels -= shift[:, chosen]
            rounding = ROUNDING * np.array([one.scale**2 for one in seen.values()])
            spread = spread[:, chosen] + rounding[:, None, None, None] * np.eye(2)
            unit = scatter[1]
    result = triangulate_points(
        own,
        pixels,
        options=options or agreement(seen.values()),
        covariance=spread,
    )
    return Lifted(
        rig.units,
        chosen,
        np.asarray(result.points),
        np.asarray(result.covariance),
        np.isfinite(pixels[..., 0]).sum(axis=0),
        np.asarray(result.inliers).sum(axis=0),
        np.asarray(result.error_px),
        unit * result.noise_px / _typical(pixels, spread),
    )


def agreement(
    seen: Iterable[Seen], threshold_px: float | None = None, min_views: int | None = None
) -> TriangulationOptions:
    """Return when views of an instant agree: within `AGREE` pixels of their fields if not stated.

    The number of views that have to is as `TriangulationOptions` chooses if not stated.
    """
    scale = float(np.median([one.scale for one in seen]))
    return TriangulationOptions(threshold_px=threshold_px or AGREE * scale, min_views=min_views)


def _typical(pixels: Floats, covariance: Floats) -> float:
    """Return the standard deviation (px) of the median detection, as `whitening` has it."""
    there = np.isfinite(pixels[..., 0])
    variances = np.trace(covariance, axis1=-2, axis2=-1)[there] / 2
    return float(np.sqrt(np.median(variances))) if there.any() else float("nan")


def _scattered(
    surface: Floats, visible: Bools, rig: Rig, scatter: Scatter, noise: float
) -> tuple[Floats, Floats]:
    """Return shifts (C, V, 2) and covariances (C, V, 2, 2) of pixels."""
    found = [
        scatter.of(np.asarray(rig[name].project(surface)), visible[row], noise)
        for row, name in enumerate(rig.names)
    ]
    return np.stack([one[0] for one in found]), np.stack([one[1] for one in found])


def _seen_of(surface: Floats, template: Template, rig: Rig) -> Bools:
    if surface.shape != template.vertices.shape:
        raise InputError(
            f"the surface has vertices {surface.shape}, the template {template.name!r} "
            f"{template.vertices.shape}"
        )
    return visible_vertices(surface, template.faces, rig)
