"""Virtual markers: named spots of a template, followed over its fitted surfaces as keypoints.

A marker is written ``vertex:123``, ``face:45:0.2,0.3,0.5`` (weights of the face's corners) or
``uv:2:0.3,0.7`` (number or name of the part, u, v).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot import __version__
from mvboot.errors import InputError
from mvboot.keypoints import Keypoints3D
from mvboot.rig import Rig
from mvboot.surfaces.export import require_fitting
from mvboot.surfaces.fit import Lost, Surface
from mvboot.surfaces.visibility import visible_vertices
from mvboot.template import Template

Floats = NDArray[np.float64]
IntArray = NDArray[np.int64]
Bools = NDArray[np.bool_]

WAYS = "vertex:123, face:45:0.2,0.3,0.5 or uv:2:0.3,0.7"
BESIDE = 0.02
"""How far beside its chart a uv spot may lie and still be meant: the chart's border."""
CARRIED = "not seen, only carried by the template"
NOT_FITTED = "no surface: "


@dataclass(frozen=True, eq=False)
class Markers:
    """K named spots of a template.

    ``vertices`` (K, 3) and ``weights`` (K, 3), which sum to one, make up each spot.
    """

    names: tuple[str, ...]
    vertices: IntArray
    weights: Floats

    @staticmethod
    def of(spots: Mapping[str, str], template: Template) -> "Markers":
        """Return spots by name; InputError with the name for one that is not understood."""
        if not spots:
            raise InputError(f"no virtual markers were named; give each a name and a spot: {WAYS}")
        found = []
        for name, text in spots.items():
            try:
                found.append(_spot(text, template))
            except InputError as error:
                raise InputError(f"marker {name!r}: {error.message}") from None
        vertices, weights = (np.stack(one) for one in zip(*found, strict=True))
        return Markers(tuple(spots), vertices, weights)

    def on(self, vertices: Floats) -> Floats:
        """Return where the spots are (..., K, 3) on surfaces (..., V, 3)."""
        return np.asarray((self.weights[..., None] * vertices[..., self.vertices, :]).sum(-2))


def marker_paths(
    frames: Iterable[tuple[int, Mapping[str, Surface | Lost]]],
    markers: Markers,
    template: Template,
    rig: Rig,
    fps: float | None = None,
    keep_carried: bool = False,
) -> Keypoints3D:
    """Return the markers as keypoints of each subject.

    Position and covariance are the weighted means of the spot's vertices; the mean of their
    covariances is the most that the covariance of their mean can be. The error is that of the
    vertices, and the residual the same at the mean distance of the cameras. A camera counts as a
    view where it sees all vertices of the spot on the fitted surface. The score is 1, and 0 for a
    spot that is carried: a surface has no confidence of its own.

    Parameters
    ----------
    frames
        Frame numbers in order, each with the surface of every subject by name, the same names in
        each; a subject may be lost or missing.
    template, rig
        What the surfaces were fitted with, in one unit. Cameras that move have a pose in each
        frame.
    keep_carried
        Keep spots that the template only carries, with covariance and error unknown and residual
        0; otherwise they are missing.

    Raises
    ------
    InputError
        No frames, or surfaces of another template or unit.
    """
    rows: list[dict[str, _Spots]] = []
    numbers: list[int] = []
    for frame, subjects in frames:
        here = rig.at(frame)
        numbers.append(frame)
        rows.append(
            {
                name: _lost(one, markers, rig)
                if isinstance(one, Lost)
                else _spots(one, markers, template, here, keep_carried)
                for name, one in subjects.items()
            }
        )
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    if not names:
        raise InputError("there is no frame with a surface to put markers on")
    nobody = _lost(Lost("the subject is not in this frame"), markers, rig)
    table = [[row.get(name, nobody) for name in names] for row in rows]

    def dense(part: str) -> NDArray[Any]:
        return np.stack([np.stack([getattr(one, part) for one in row]) for row in table])

    return Keypoints3D(
        frames=np.array(numbers, dtype=np.int64),
        individuals=names,
        keypoints=markers.names,
        units=rig.units,
        xyz=dense("xyz"),
        error_px=dense("error_px"),
        residual=dense("residual"),
        score=dense("score"),
        covariance=dense("covariance"),
        inliers=np.moveaxis(dense("inliers"), 2, 0),
        reason=dense("reason"),
        cameras=rig.names,
        fps=fps,
        up=rig.up,
        provenance={
            "version": __version__,
            "rig": rig.fingerprint(),
            "template": template.topology,
            "views": "cameras that see the spot on the fitted surface",
        },
    )


@dataclass(frozen=True, eq=False)
class _Spots:
    """Markers of one surface; missing ones are NaN and have a reason."""

    xyz: Floats
    covariance: Floats
    error_px: Floats
    residual: Floats
    score: Floats
    inliers: Bools
    reason: NDArray[np.object_] = field(repr=False)


def _spots(
    surface: Surface, markers: Markers, template: Template, rig: Rig, keep_carried: bool
) -> _Spots:
    require_fitting(surface, template, rig)
    used = markers.weights > 0
    xyz = markers.on(surface.vertices)
    carried = (surface.carried[markers.vertices] & used).any(1)
    weights = markers.weights
    spread = np.where(used[..., None, None], surface.covariance[markers.vertices], 0.0)
    covariance = (weights[..., None, None] * spread).sum(1)
    error = (weights * np.where(used, surface.error_px[markers.vertices], 0.0)).sum(1)
    covariance[carried], error[carried] = np.nan, np.nan
    sees = visible_vertices(surface.vertices, template.faces, rig)
    inliers = np.asarray((sees[:, markers.vertices] | ~used).all(2))
    residual = np.where(carried, 0.0, error * _per_pixel(xyz, rig))  # 0: put there by a model
    missing = np.zeros_like(carried) if keep_carried else carried
    gone = np.where(missing, np.nan, 1.0)
    return _Spots(
        xyz * gone[:, None],
        covariance,
        error,
        residual * gone,
        np.where(carried, 0.0, 1.0) * gone,
        np.asarray(inliers & ~missing),
        np.where(missing, CARRIED, "").astype(object),
    )


def _per_pixel(points: Floats, rig: Rig) -> Floats:
    """Return the length (K,) that a pixel covers at points (K, 3), on average over the cameras."""
    lengths = [
        np.linalg.norm(points - rig[name].center.numpy(), axis=1) / float(rig[name].K[0, 0])
        for name in rig.names
    ]
    return np.asarray(np.mean(lengths, axis=0))


def _lost(lost: Lost, markers: Markers, rig: Rig) -> _Spots:
    count = len(markers.names)
    unknown = np.full(count, np.nan)
    reason = np.full(count, NOT_FITTED + lost.reason, dtype=object)
    return _Spots(
        np.full((count, 3), np.nan),
        np.full((count, 3, 3), np.nan),
        unknown,
        unknown,
        unknown,
        np.zeros((len(rig), count), dtype=np.bool_),
        reason,
    )


def _spot(text: str, template: Template) -> tuple[IntArray, Floats]:
    """Return three vertices and their weights."""
    kind, *rest = text.strip().split(":")
    try:
        if kind == "vertex" and len(rest) == 1:
            return _at_vertex(int(rest[0]), template)
        if kind == "face" and len(rest) == 2:
            return _on_face(int(rest[0]), _numbers(rest[1], 3), template)
        if kind == "uv" and len(rest) == 2:
            return _at_uv(rest[0], _numbers(rest[1], 2), template)
    except InputError:
        raise
    except ValueError:
        pass
    raise InputError(f"{text!r} is no spot; write {WAYS}")


def _at_vertex(vertex: int, template: Template) -> tuple[IntArray, Floats]:
    if not 0 <= vertex < len(template.vertices):
        raise InputError(
            f"there is no vertex {vertex}; there are 0 to {len(template.vertices) - 1}"
        )
    return np.full(3, vertex), np.array([1.0, 0.0, 0.0])


def _on_face(face: int, weights: Floats, template: Template) -> tuple[IntArray, Floats]:
    if not 0 <= face < len(template.faces):
        raise InputError(f"there is no face {face}; there are 0 to {len(template.faces) - 1}")
    if weights.min() < 0 or abs(weights.sum() - 1) > 1e-3:
        raise InputError("the weights of a face's corners must not be negative, and sum to one")
    return template.faces[face], weights / weights.sum()


def _at_uv(part: str, uv: Floats, template: Template) -> tuple[IntArray, Floats]:
    names = () if template.charts is None else template.charts.names
    number = names.index(part) + 1 if part in names else int(part)
    if number < 1:
        raise InputError("parts are numbered from 1; 0 is the background")
    located = template.locate(np.array(number), uv)
    assert located.distance is not None
    if float(located.distance) > BESIDE:
        raise InputError(
            f"u,v {uv[0]:g},{uv[1]:g} lies {float(located.distance):.2f} beside the chart of part "
            f"{part}"
        )
    return template.faces[int(located.faces)], located.barycentric


def _numbers(text: str, count: int) -> Floats:
    values = np.array([float(word) for word in text.split(",")])
    if len(values) != count or not np.isfinite(values).all():
        raise ValueError
    return values
