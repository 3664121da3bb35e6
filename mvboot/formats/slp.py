"""SLEAP projects and predictions (``.slp``), one file a video, by sleap-io's layout of HDF5.

People's instances go before predicted ones of the same track or that they correct; a point that a
person placed counts as certain, one marked as not visible is missing. Files before format 1.1
count pixels from the corner of the first one: half a pixel is taken off.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats import hdf5
from mvboot.formats.child import read_in_child
from mvboot.formats.detection_format import CameraDetections, DetectionFormat
from mvboot.formats.people import PersonPose, from_people

USER = 0
CENTRED = 1.1
"""Format in which the centre of the first pixel became 0, 0."""
TABLES = {
    "frames": ("frame_id", "video", "frame_idx"),
    "instances": (
        *("instance_id", "instance_type", "frame_id", "track"),
        *("from_predicted", "point_id_start", "point_id_end"),
    ),
    "points": ("x", "y", "visible"),
    "pred_points": ("x", "y", "visible", "score"),
}


def _matches(path: Path) -> bool:
    names = {"metadata", "frames", "instances"}
    return path.suffix == ".slp" and names <= set(hdf5.contents_of(path)["names"])


def stored(path: Path) -> dict[str, Any]:
    """Read what a project holds of points, in the child: columns by table, tracks, metadata."""
    with hdf5.opened(path) as file:
        found: dict[str, Any] = {}
        for table, columns in TABLES.items():
            records = hdf5.records(file, table, path)
            lacking = set(columns) - set(records.dtype.names or ())
            if lacking:
                raise InputError(f"{table} lacks {', '.join(sorted(lacking))}", where=path)
            found[table] = {column: np.array(records[column]) for column in columns}
        attributes = hdf5.group(file, "metadata", path).attrs
        found["json"] = hdf5.text(attributes["json"])
        found["format"] = float(attributes.get("format_id", 1.0))
        found["tracks"] = hdf5.texts(file, "tracks_json", path) if "tracks_json" in file else []
        return found


def _read(path: Path) -> CameraDetections:
    found = read_in_child(f"{__name__}:stored", path)
    nodes = _nodes(found["json"], path)
    tracks = [_track(text, path) for text in found["tracks"]]
    videos = np.unique(found["frames"]["video"])
    if len(videos) > 1:
        raise InputError(
            f"holds {len(videos)} videos; export a file for each video (one a camera)", where=path
        )
    frame_of = dict(
        zip(
            found["frames"]["frame_id"].tolist(), found["frames"]["frame_idx"].tolist(), strict=True
        )
    )
    instances = _instances(found["instances"])
    corrected = {one["from_predicted"] for one in instances if one["instance_type"] == USER}
    placed = {
        (one["frame_id"], one["track"])
        for one in instances
        if one["instance_type"] == USER and one["track"] >= 0
    }
    poses = []
    for one in instances:
        user = one["instance_type"] == USER
        replaced = one["instance_id"] in corrected or (one["frame_id"], one["track"]) in placed
        if replaced and not user:
            continue
        if one["frame_id"] not in frame_of or one["track"] >= len(tracks):
            raise InputError("has an instance of a frame or track that does not exist", where=path)
        points = found["points" if user else "pred_points"]
        xy, scores = _points(points, one, len(nodes), found["format"], path)
        track = tracks[one["track"]] if one["track"] >= 0 else None
        poses.append(PersonPose(int(frame_of[one["frame_id"]]), track, xy, scores))
    return from_people(poses, nodes, path, map(int, frame_of.values()))


def _instances(columns: dict[str, NDArray[Any]]) -> list[dict[str, int]]:
    names = list(columns)
    rows = zip(*(columns[name].astype(np.int64).tolist() for name in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _points(
    points: dict[str, NDArray[Any]], one: dict[str, int], count: int, version: float, path: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = slice(one["point_id_start"], one["point_id_end"])
    xy = np.stack([points["x"][rows], points["y"][rows]], -1).astype(np.float64)
    if len(xy) != count or rows.start < 0:
        raise InputError(f"has an instance of {len(xy)} points instead of {count}", where=path)
    xy[~points["visible"][rows].astype(bool)] = np.nan
    xy -= 0.5 if version < CENTRED else 0.0
    if "score" not in points:
        return xy, np.ones(count)
    return xy, np.clip(points["score"][rows].astype(np.float64), 0.0, 1.0)


def _nodes(text: str, path: Path) -> tuple[str, ...]:
    """Return the names of the only skeleton's nodes, in its order."""
    try:
        content = json.loads(text)
        skeletons = content["skeletons"]
        names = [str(node["name"]) for node in content["nodes"]]
        if len(skeletons) != 1:
            raise InputError(f"needs one skeleton, has {len(skeletons)}", where=path)
        return tuple(names[int(node["id"])] for node in skeletons[0]["nodes"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        raise InputError("does not say which nodes its skeleton has", where=path) from None


def _track(text: str, path: Path) -> str:
    """Return a track's name: stored as a list of the frame it begins in and its name."""
    try:
        track = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("has a track whose name cannot be read", where=path) from None
    name = track[1] if isinstance(track, list) and len(track) > 1 else track
    if not isinstance(name, str):
        raise InputError("has a track whose name cannot be read", where=path)
    return name


FORMAT = DetectionFormat("slp", "SLEAP .slp", _matches, _read)
