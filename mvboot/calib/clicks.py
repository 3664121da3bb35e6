"""Points clicked in several pictures, with the coordinates that were measured for them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.detections import respelled
from mvboot.formats.tables import codes_of, numbers, read_table, whole_numbers
from mvboot.guard import reading
from mvboot.rig import Rig
from mvboot.triangulation.linear import triangulate_linear
from mvboot.triangulation.points import reprojection_errors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COLUMNS = ("camera", "point", "x", "y", "X", "Y", "Z")


@dataclass(frozen=True)
class Clicks:
    """What was clicked.

    Parameters
    ----------
    points
        Names of the N points.
    pixels
        Clicks (C, N, 2) in px in rig order, NaN where a point was not clicked.
    truth
        Measured coordinates (N, 3).
    frames
        Frame number (C, N) of each click; None where the table has none.
    """

    points: tuple[str, ...]
    pixels: Floats
    truth: Floats
    frames: Ints | None


@dataclass(frozen=True)
class ScenePoint:
    """A clicked point in the rig's world.

    Parameters
    ----------
    xyz
        Position (3,) in the rig's units.
    truth
        Measured coordinates (3,).
    views
        In how many cameras it was clicked.
    error_px
        Mean reprojection error of the clicks.
    """

    xyz: Floats
    truth: Floats
    views: int
    error_px: float


def read_clicks(path: str | Path, rig: Rig) -> Clicks:
    """Read a CSV or Parquet table with the columns `COLUMNS`, one row a click.

    ``x, y`` in px; ``X, Y, Z`` measured, the same on all rows of a point. A column ``frame`` is
    needed only where a clicked camera moves. InputError for unknown cameras, a point clicked
    twice in one camera or with two positions, and numbers that are missing or infinite.
    """
    with reading(Path(path), "table of clicks"):
        return _clicks(Path(path), rig)


def _clicks(path: Path, rig: Rig) -> Clicks:
    table = read_table(path, COLUMNS)
    cameras, of_camera = codes_of(table["camera"], None)
    spelled = respelled(rig.names, cameras)
    cameras = tuple(spelled.get(name, name) for name in cameras)
    points, n = codes_of(table["point"], None)
    if (n < 0).any() or "" in points:
        raise InputError("has a row without the name of a point", where=path)
    unknown = [name for name in cameras if name not in rig.names]
    if unknown or (of_camera < 0).any():
        raise InputError(
            f"no camera {', '.join(map(repr, unknown)) or 'is named on some row'}; the rig has "
            f"{', '.join(rig.names)}",
            where=path,
        )
    c = np.array([rig.names.index(name) for name in cameras], dtype=np.int64)[of_camera]
    values = np.stack([numbers(table, name, path) for name in COLUMNS[2:]], -1)
    for row in np.flatnonzero(~np.isfinite(values).all(-1)):
        raise InputError(
            f"point {points[n[row]]!r} in camera {rig.names[c[row]]} has a missing or infinite "
            "number",
            where=path,
        )
    shape = (len(rig), len(points))
    frames = None
    if "frame" in table.column_names:
        frames = np.zeros(shape, dtype=np.int64)
        frames[c, n] = whole_numbers(table, "frame", path)
    pixels = np.full((*shape, 2), np.nan)
    pixels[c, n] = values[:, :2]
    truth = np.full((len(points), 3), np.nan)
    truth[n] = values[:, 2:]
    _require_consistent(path, rig, points, (c, n), values[:, 2:] != truth[n])
    return Clicks(points, pixels, truth, frames)


def scene_points(rig: Rig, clicks: Clicks) -> dict[str, ScenePoint]:
    """Triangulate every point linearly from its clicks, in the rig's world.

    InputError for a point clicked in one camera only or whose rays do not meet before the
    cameras, and for a click in a moving camera without a frame that has a pose.
    """
    seen = np.isfinite(clicks.pixels[..., 0])
    for name, views in zip(clicks.points, seen.sum(0), strict=True):
        if views < 2:
            raise InputError(f"point {name!r} is clicked in one camera; click it in two or more")
    posed = _posed(rig, clicks, seen)
    xyz = triangulate_linear(posed, clicks.pixels)
    errors = reprojection_errors(posed, torch.from_numpy(xyz), torch.from_numpy(clicks.pixels))
    lost = seen & ~np.isfinite(errors.numpy())
    if lost.any():
        c, n = (int(index[0]) for index in np.nonzero(lost))
        raise InputError(
            f"point {clicks.points[n]!r} does not lie before camera {rig.names[c]} where it was "
            "clicked; is it the same point in every camera, and is the camera's name right?"
        )
    error_px = np.nanmean(errors.numpy(), axis=0)
    return {
        name: ScenePoint(xyz[i], clicks.truth[i], int(seen[:, i].sum()), float(error_px[i]))
        for i, name in enumerate(clicks.points)
    }


def _posed(rig: Rig, clicks: Clicks, seen: NDArray[np.bool_]) -> Rig:
    """Return the rig with one pose per point in its moving cameras."""
    cameras = dict(rig.cameras)
    for c, (name, camera) in enumerate(rig.cameras.items()):
        if camera.frames is None:
            continue
        frames = np.full(seen.shape[1], int(camera.frames[0]))
        if seen[c].any():
            if clicks.frames is None:
                raise InputError(f"camera {name} moves: add a column frame to the clicks")
            frames[seen[c]] = clicks.frames[c, seen[c]]
        try:
            cameras[name] = camera.at(frames)
        except ValueError as error:
            raise InputError(f"camera {name}: {error}") from None
    return replace(rig, cameras=cameras)


def _require_consistent(
    path: Path,
    rig: Rig,
    points: tuple[str, ...],
    cell: tuple[Ints, Ints],
    differs: NDArray[np.bool_],
) -> None:
    for row in np.flatnonzero(differs.any(-1)):
        message = f"point {points[cell[1][row]]!r} has two different positions X, Y, Z"
        raise InputError(message, where=path)
    flat = np.ravel_multi_index(cell, (len(rig), len(points)))
    values, count = np.unique(flat, return_counts=True)
    for twice in values[count > 1]:
        c, n = divmod(int(twice), len(points))
        message = f"point {points[n]!r} is clicked twice in camera {rig.names[c]}; keep one"
        raise InputError(message, where=path)
