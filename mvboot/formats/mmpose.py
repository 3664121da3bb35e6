"""MMPose's results: the json of its inferencer, one file a video, or a folder with one a picture.

A video's file is ``{"meta_info": ..., "instance_info": [{"frame_id", "instances"}]}`` or that list
alone; a picture's file is the list of instances, and its name holds the frame. Keypoints are named
in ``meta_info``, else by their number. People are not identified (tracks by ``track_id``).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.errors import InputError
from mvboot.files import atomic_file, natural_key
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, as_triples
from mvboot.formats.frame_names import frame_number
from mvboot.formats.people import PersonPose, from_people
from mvboot.formats.points import numbers, whole
from mvboot.formats.skeletons import names_of
from mvboot.keypoints import Keypoints2D
from mvboot.reading import head, read_json

SNIFFED = 100_000


def _matches(path: Path) -> bool:
    if path.is_dir():  # of pictures; one of videos holds cameras
        first = next(iter(_files(path)), path)
        text = head(first, SNIFFED).lstrip()
        return text.startswith("[") and '"instances"' not in text and '"keypoint_scores"' in text
    text = head(path, SNIFFED) if path.suffix == ".json" else ""
    return '"keypoint_scores"' in text or ('"instance_info"' in text and '"meta_info"' in text)


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.json"), key=natural_key) if path.is_dir() else [path]


def _read(path: Path) -> CameraDetections:
    people: list[PersonPose] = []
    frames: list[int] = []
    names: tuple[str, ...] = ()
    files = _files(path)
    for file in files:
        content = read_json(file)
        entries = content
        if isinstance(content, dict):
            names = names or _names(content.get("meta_info"), file)
            entries = content.get("instance_info", content.get("predictions"))
        for frame, instances in _by_frame(entries, file):
            frames.append(frame)
            people += [_pose(entry, frame, file) for entry in instances]
    if len(set(frames)) < len(frames):
        twice = next(frame for frame in frames if frames.count(frame) > 1)
        raise InputError(f"has frame {twice} twice", where=path)
    found = [person for person in people if len(person.xy)]
    counts = sorted({len(person.xy) for person in found})
    if len(counts) > 1 or (names and counts not in ([], [len(names)])):
        named = f", but {len(names)} are named" if names else ""
        listed = ", ".join(map(str, counts[:8]))
        raise InputError(f"people have {listed} keypoints{named}", where=path)
    names = names or (names_of(counts[0]) if counts else ())
    return from_people(people, names, path, frames, sum(file.stat().st_size for file in files))


def _names(meta: Any, file: Path) -> tuple[str, ...]:
    """Return the names by number, from either of the tables that versions of MMPose write."""
    if not isinstance(meta, dict):
        return ()
    by_number = meta.get("keypoint_id2name")
    if isinstance(by_number, dict):
        order = sorted(by_number, key=lambda key: whole(key, "a keypoint's number", file))
        return tuple(str(by_number[key]) for key in order)
    numbers_of = meta.get("keypoint_name2id")
    if isinstance(numbers_of, dict):
        order = sorted(numbers_of, key=lambda k: whole(numbers_of[k], "a keypoint's number", file))
        return tuple(map(str, order))
    return ()


def _by_frame(entries: Any, file: Path) -> list[tuple[int, list[Any]]]:
    """Return the instances of each frame; a picture's file is all of one frame."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError("is no result of MMPose: it has no list of instances", where=file)
    if not any("instances" in entry for entry in entries):
        return [(frame_number(file.name, file), entries)]
    found = []
    for entry in entries:
        instances = entry.get("instances")
        if not isinstance(instances, list):
            raise InputError("has a frame whose instances are no list", where=file)
        found.append((whole(entry.get("frame_id"), "a frame_id", file), instances))
    return found


def _pose(entry: Any, frame: int, file: Path) -> PersonPose:
    if not isinstance(entry, dict) or "keypoints" not in entry:
        raise InputError(f"has an instance without keypoints in frame {frame}", where=file)
    xy = numbers(entry["keypoints"], file)
    if xy.size and (xy.ndim != 2 or xy.shape[1] not in (2, 3)):
        raise InputError(f"has keypoints that are no pairs x, y in frame {frame}", where=file)
    xy = xy.reshape(len(xy), -1)
    scores = numbers(entry.get("keypoint_scores", [None] * len(xy)), file)
    if scores.shape != (len(xy),):
        raise InputError(f"has other numbers of scores and keypoints in frame {frame}", where=file)
    track = entry.get("track_id")
    number = None if track is None else whole(track, "a track_id", file)
    return PersonPose(frame, number, xy[:, :2], scores)


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a video's file a camera."""
    names = {str(k): name for k, name in enumerate(keypoints.keypoints)}
    for name, triples in zip(keypoints.cameras, as_triples(keypoints), strict=True):
        frames = [
            {"frame_id": frame, "instances": [_instance(i, one) for i, one in enumerate(own)]}
            for frame, own in zip(keypoints.frames.tolist(), triples, strict=True)
        ]
        content = {"meta_info": {"keypoint_id2name": names}, "instance_info": frames}
        with atomic_file(folder / f"{name}.json") as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")


def _instance(track: int, triples: Any) -> dict[str, Any]:
    seen = triples[triples[:, 2] > 0, :2]
    low, high = (seen.min(0), seen.max(0)) if len(seen) else np.zeros((2, 2))
    return {
        "keypoints": triples[:, :2].tolist(),
        "keypoint_scores": triples[:, 2].tolist(),
        "bbox": [[*low.tolist(), *high.tolist()]],
        "bbox_score": float(triples[:, 2].mean()),
        "track_id": track,
    }


FORMAT = DetectionFormat("mmpose", "MMPose json", _matches, _read, write=_write)
