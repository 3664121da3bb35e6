"""Frame maps: which frames of several videos show the same instant.

Three tables are told apart by their header:

- ``sync_index,cam_id,frame_time`` (Caliscope): the rows of a camera, in order, are the frames of
  its video, and rows of one sync_index belong together;
- ``cam_id,frame_time`` (Caliscope without sync_index): the same, put together by time;
- ``camera,frame,time`` (ours): frame of the camera's video from 0, and time on a clock that all
  cameras share; put together by time.

Each frame of each video needs its row, otherwise nobody could tell which frames were dropped.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.detections import match_cameras
from mvboot.formats.tables import codes_of, numbers, read_table, whole_numbers
from mvboot.words import listed

Instants = NDArray[np.int64]
Times = NDArray[np.float64]
Counts = Mapping[str, int | None]
LEFT_OUT, NEW = -1, -2


def read_instants(path: Path, counts: Counts) -> dict[str, Instants]:
    """Read which instant each frame of each camera's video shows.

    Parameters
    ----------
    path
        Table as above, CSV or Parquet. Cameras are matched by name; camera 0 of Caliscope is
        ``0`` or ``cam_0``.
    counts
        How many frames the video of each camera has, F; None: as many as the table says.

    Returns
    -------
        Instants (F,) of each camera, increasing and shared by the cameras; `LEFT_OUT` (-1) for a
        frame without one.

    Raises
    ------
    InputError
        Unknown header, cameras that do not match, more or fewer rows than frames, frames missing
        or twice, instants or times that do not increase.
    """
    table = read_table(path, ())
    columns = set(table.column_names)
    if {"sync_index", "cam_id"} <= columns:
        return _indexed(table, counts, path)
    if {"camera", "frame", "time"} <= columns:
        return instants_of_times(_own_times(table, counts, path))
    if {"cam_id", "frame_time"} <= columns:
        return instants_of_times(_caliscope_times(table, counts, path))
    raise InputError(
        "is no table of frame times: it needs the columns sync_index, cam_id, frame_time "
        f"(Caliscope) or camera, frame, time, but has {', '.join(table.column_names)}",
        where=path,
    )


def instants_of_times(times: Mapping[str, Times]) -> dict[str, Instants]:
    """Find the instants that cameras share in the times of their frames.

    Parameters
    ----------
    times
        Time of each frame (F,) of each camera, increasing, on one clock, in any unit.

    Returns
    -------
        Instant of each frame (F,), counted from 0 in the order of time. Frames are the same
        instant where they are each other's nearest, within half the shortest median period of
        all cameras: the camera with fewest frames gives the first instants, the others follow.
        A frame that is near none makes an instant of its own, which later cameras may share; one
        whose instant a nearer frame of its own camera took is `LEFT_OUT`. Nothing is ever shifted
        to fill a gap.
    """
    periods = [float(np.median(np.diff(time))) for time in times.values() if len(time) > 1]
    tolerance = min(periods, default=0.0) / 2
    pool = np.empty(0)
    places: dict[str, Instants] = {}
    for camera in sorted(times, key=lambda name: len(times[name])):
        place = _nearest(pool, times[camera], tolerance)
        fresh = place == NEW
        place[fresh] = len(pool) + np.arange(fresh.sum())
        pool = np.concatenate([pool, times[camera][fresh]])
        places[camera] = place
    rank = np.argsort(np.argsort(pool))
    return {
        camera: np.where(places[camera] == LEFT_OUT, LEFT_OUT, rank[places[camera]])
        for camera in times
    }


def _nearest(pool: Times, times: Times, tolerance: float) -> Instants:
    """Return the place in the pool of each time (F,): no two alike, else `LEFT_OUT` or `NEW`."""
    if not len(pool):
        return np.full(len(times), NEW)
    order = np.argsort(pool)
    after = np.searchsorted(pool[order], times).clip(1, max(len(pool) - 1, 1))
    sides = order[np.stack([after - 1, after]).clip(max=len(pool) - 1)]
    distances = np.abs(pool[sides] - times)
    side = distances.argmin(0), np.arange(len(times))
    place, distance = sides[side], distances[side]
    by_distance = np.argsort(distance, kind="stable")
    nearest = by_distance[np.unique(place[by_distance], return_index=True)[1]]
    taken = np.ones(len(times), dtype=bool)
    taken[nearest] = False
    return np.where(distance > tolerance, NEW, np.where(taken, LEFT_OUT, place))


def _indexed(table: pa.Table, counts: Counts, path: Path) -> dict[str, Instants]:
    index = whole_numbers(table, "sync_index", path)
    found = {camera: index[rows] for camera, rows in _rows(table, "cam_id", counts, path).items()}
    for camera, instants in found.items():
        if (instants < 0).any():
            raise InputError(f"camera {camera}: sync_index must not be negative", where=path)
        _check_increasing(camera, "sync_index", instants, path)
    return found


def _caliscope_times(table: pa.Table, counts: Counts, path: Path) -> dict[str, Times]:
    time = numbers(table, "frame_time", path)
    found = {camera: time[rows] for camera, rows in _rows(table, "cam_id", counts, path).items()}
    for camera, times in found.items():
        _check_increasing(camera, "frame_time", times, path)
    return found


def _own_times(table: pa.Table, counts: Counts, path: Path) -> dict[str, Times]:
    frame, time = whole_numbers(table, "frame", path), numbers(table, "time", path)
    found = {}
    for camera, rows in _rows(table, "camera", counts, path).items():
        ordered = rows[np.argsort(frame[rows], kind="stable")]
        odd = frame[ordered] != np.arange(len(ordered))
        if odd.any():
            raise InputError(
                f"camera {camera}: frames must run from 0 to {len(ordered) - 1}, each once; "
                f"there is none, or another one, in the place of frame {int(odd.argmax())}",
                where=path,
            )
        found[camera] = time[ordered]
        _check_increasing(camera, "time", found[camera], path)
    return found


def _rows(table: pa.Table, column: str, counts: Counts, path: Path) -> dict[str, NDArray[np.int64]]:
    """Return the rows of each camera of the footage, as many as its video has frames."""
    names, codes = codes_of(table[column], None)
    if (codes < 0).any():
        raise InputError(f"has a row without {column}; is it cut off?", where=path)
    pairs = _paired(names, list(counts), path)
    found = {
        pairs[name]: np.flatnonzero(codes == code)
        for code, name in enumerate(names)
        if name in pairs
    }
    for camera, rows in found.items():
        if counts[camera] not in (None, len(rows)):
            raise InputError(
                f"camera {camera}: the table has {len(rows)} rows, but its footage "
                f"{counts[camera]} frames; do they belong to the same recording?",
                where=path,
            )
    return {camera: found[camera] for camera in counts}


def _paired(names: tuple[str, ...], cameras: list[str], path: Path) -> dict[str, str]:
    """Return the camera of the footage for each name in the table; ``0`` may stand for cam_0."""
    for spelled in (names, [f"cam_{name}" for name in names]):
        known = [name for name in spelled if name in cameras]
        for found in (spelled, known):  # the table may speak of more cameras
            with suppress(InputError):
                pairs = match_cameras(cameras, found)
                ours = zip(names, spelled, strict=True)
                return {name: pairs[other] for name, other in ours if other in pairs}
    raise InputError(
        f"cameras do not match: the table has {listed(names)}; the footage has {listed(cameras)}",
        where=path,
    )


def _check_increasing(
    camera: str, what: str, values: NDArray[np.int64] | NDArray[np.float64], path: Path
) -> None:
    bad = ~np.isfinite(values)
    bad[1:] |= ~(np.diff(values) > 0)
    if bad.any():
        raise InputError(
            f"camera {camera}: {what} must be a number and increase from frame to frame; it does "
            f"not at frame {int(bad.argmax())}",
            where=path,
        )
