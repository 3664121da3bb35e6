"""Landmarks of the template found in a field, compared with keypoints of the picture (PCK).

A landmark on the skin is where its vertex is seen (`Seen.where`). One inside the body, such as a
joint, is found through the skin around it: the seen vertices no farther from it than `AROUND`
times the nearest of all, the `SKIN` nearest of them, get the weights that put their mean at the
joint on the rest pose (`template.places.inside`); the same weights of their pixels give its pixel,
as limbs hardly bend within that reach and the camera is far from it. Fewer than `FEWEST` of them,
or weights that would magnify errors, find nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D
from mvboot.metrics.distribution import distribution
from mvboot.metrics.rules import size_of
from mvboot.surfaces import Seen
from mvboot.template import Template
from mvboot.template.landmarks import inside

Floats = NDArray[np.float64]

AROUND, SKIN, FEWEST = 2.0, 64, 6
CLOSE = 0.006
"""Added to the reach around a landmark, as a share of the template's size: 1 cm on the body."""
SHARES = (0.05, 0.1, 0.2)
"""Thresholds of PCK, as shares of the longer side of the box around a picture's keypoints."""
MIN_CONFIDENCE = 0.3
"""Keypoints less sure are not compared with; hidden ones of synthetic captures have 0.1."""
EXACT = 1e-6


@dataclass(frozen=True, eq=False)
class LandmarkErrors:
    """Errors in one picture of K landmarks.

    Parameters
    ----------
    names
        (K,) of the landmarks.
    error_px
        (K,) distance from the keypoint, px of the original picture; infinite where the field does
        not show the landmark, NaN where there is no keypoint to compare with.
    extent_px
        Longer side of the box around all keypoints of the picture; NaN for fewer than two, which
        count for no PCK.
    """

    names: tuple[str, ...]
    error_px: Floats
    extent_px: float


def landmark_pixels(seen: Seen, template: Template, names: Sequence[str]) -> Floats:
    """Return where a field shows landmarks (K, 2), px of the original picture; NaN for nowhere.

    InputError for a name that the template does not have.
    """
    unknown = [name for name in names if name not in template.keypoints]
    if unknown:
        raise InputError(
            f"the template has no landmark {', '.join(unknown)}; it has "
            f"{', '.join(template.keypoints)}"
        )
    assert template.embedding is not None  # or there would be nothing seen
    found = np.full((len(names), 2), np.nan)
    for k, name in enumerate(names):
        vertices = _vertices(template, name)
        pixels = seen.where(template.embedding[vertices])
        there = np.isfinite(pixels[:, 0])
        found[k] = _combined(template, name, vertices[there], pixels[there])
    return found


def landmark_errors(
    pixels: Floats, keypoints: Keypoints2D, camera: str, frame: int, names: tuple[str, ...]
) -> LandmarkErrors:
    """Compare landmarks (K, 2) with the keypoints of the same names in one picture.

    Only keypoints with a confidence of at least `MIN_CONFIDENCE` count.

    Raises
    ------
    InputError
        Keypoints of several individuals, or without the camera or a name.
    """
    if len(keypoints.individuals) != 1:
        raise InputError(
            f"there are keypoints of {len(keypoints.individuals)} individuals; fields do not say "
            "whose surface a pixel shows"
        )
    columns = [_place(keypoints.keypoints, name, "keypoint") for name in names]
    row = np.flatnonzero(keypoints.frames == frame)
    own = keypoints.for_cameras([camera]).above(MIN_CONFIDENCE)
    every = own.xy[0, row[0], 0] if len(row) else np.full((len(own.keypoints), 2), np.nan)
    true = every[columns]
    known = np.isfinite(every[:, 0])
    extent = float(np.ptp(every[known], axis=0).max()) if known.sum() > 1 else float("nan")
    error = np.linalg.norm(pixels - true, axis=1)
    return LandmarkErrors(names, np.where(known[columns] & np.isnan(error), np.inf, error), extent)


def landmark_summary(pictures: Sequence[LandmarkErrors]) -> dict[str, Any]:
    """Return PCK and pixel errors of pictures together, as plain values; None for no value.

    ``pck_0.05`` is the share of keypoints whose landmark is found within 0.05 of the picture's
    extent: one that is not found counts as wrong. ``found`` is the share that is; ``mean_px`` and
    the others are of these.
    """
    names = tuple(dict.fromkeys(name for picture in pictures for name in picture.names))
    px = {name: _of(pictures, name, relative=False) for name in names}
    share = {name: _of(pictures, name, relative=True) for name in names}
    every = [np.concatenate([np.zeros(0), *values.values()]) for values in (px, share)]
    return {
        "pictures": len(pictures),
        **_scores(*every),
        "per_landmark": {name: _scores(px[name], share[name]) for name in names},
    }


def _vertices(template: Template, name: str) -> NDArray[np.int64]:
    """Return the vertices through which a landmark is found."""
    ids, weights = template.keypoints[name]
    if len(ids) == 1:
        return ids
    away = np.linalg.norm(template.vertices - weights @ template.vertices[ids], axis=1)
    return np.flatnonzero(away <= AROUND * away.min() + CLOSE * size_of(template))


def _combined(template: Template, name: str, vertices: NDArray[np.int64], pixels: Floats) -> Floats:
    """Return the pixel of a landmark from those (n, 2) of its vertices (n,) that are seen."""
    ids, weights = template.keypoints[name]
    nowhere = np.full(2, np.nan)
    if len(ids) == 1:
        return np.asarray(pixels[0]) if len(pixels) else nowhere
    if len(vertices) < FEWEST:
        return nowhere
    point = weights @ template.vertices[ids]
    skin, weights = inside(template.vertices, point, vertices, SKIN)
    off = float(np.linalg.norm(weights @ template.vertices[skin] - point))
    if off > EXACT * size_of(template) or np.linalg.norm(weights) > 1:
        return nowhere
    return np.asarray(weights @ pixels[np.searchsorted(vertices, skin)])


def _place(names: tuple[str, ...], name: str, what: str) -> int:
    if name not in names:
        raise InputError(f"there is no {what} {name!r}; there are {', '.join(names)}")
    return names.index(name)


def _of(pictures: Sequence[LandmarkErrors], name: str, relative: bool) -> Floats:
    """Return the errors of a landmark where it has a keypoint, in px or as shares of the extent."""
    found: list[float] = []
    for picture in pictures:
        if name in picture.names:
            error = float(picture.error_px[picture.names.index(name)])
            found.append(error / picture.extent_px if relative else error)
    return np.array([value for value in found if not np.isnan(value)])


def _scores(px: Floats, share: Floats) -> dict[str, Any]:
    count = len(px)
    return {
        "keypoints": count,
        "found": float(np.isfinite(px).mean()) if count else None,
        **{
            f"pck_{limit}": float((share <= limit).mean()) if len(share) else None
            for limit in SHARES
        },
        **distribution(px, "px"),
    }
