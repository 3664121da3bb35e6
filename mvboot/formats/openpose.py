"""OpenPose json: one folder a camera, one file a frame, people in no particular order.

The frame is the last number in the file's name. Missing keypoints are 0, 0, 0. Body, hand and
face parts are read together, whichever a person has. ``person_id`` is used where OpenPose tracked
people; otherwise individuals are not identified across cameras and frames. An entry without
keypoints is nobody.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file, natural_key
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, as_triples
from mvboot.formats.frame_names import frame_number
from mvboot.formats.people import PersonPose, from_people
from mvboot.formats.points import triples
from mvboot.formats.skeletons import BODY_25, BODY_25B, BY_COUNT
from mvboot.keypoints import Keypoints2D
from mvboot.reading import head, read_json

NEIGHBOURS = (("Nose", "LEye"), ("Nose", "REye"), ("LHeel", "LAnkle"), ("RHeel", "RAnkle"))
"""Close to each other on any body, and other numbers in BODY_25 than in BODY_25B."""
CLEARLY = 0.5
PARTS = {
    "pose_keypoints": "keypoint",
    "face_keypoints": "face",
    "hand_left_keypoints": "hand_left",
    "hand_right_keypoints": "hand_right",
}
"""The parts of a person; their keys end in ``_2d`` since OpenPose 1.2."""


class _Person(NamedTuple):
    frame: int
    number: int
    parts: dict[str, NDArray[np.float64]]
    file: Path


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=natural_key)


def _matches(path: Path) -> bool:
    if not path.is_dir():
        return False
    first = next(iter(_files(path)), None)
    return first is not None and '"people"' in head(first)


def _read(folder: Path) -> CameraDetections:
    files: dict[int, Path] = {}
    for file in _files(folder):
        frame = frame_number(file.name, file)
        if frame in files:
            raise InputError(
                f"{files[frame].name} and {file.name} are both of frame {frame}; write {{frame}} "
                "where the frame's number stands in their names",
                where=folder,
            )
        files[frame] = file
    return _read_frames(files)


def _read_frames(files: Mapping[int, Path]) -> CameraDetections:
    people = [person for frame, file in files.items() for person in _people(file, frame)]
    stored = sum(file.stat().st_size for file in files.values())
    found = [person for person in people if person.parts]
    names = _keypoints(found)
    tracked = all(person.number >= 0 for person in found)
    poses = [_pose(person, names, tracked) for person in people]
    keypoints = tuple(name for part in names.values() for name in part)
    return from_people(poses, keypoints, next(iter(files.values())).parent, files, stored)


def _people(file: Path, frame: int) -> list[_Person]:
    content = read_json(file)
    entries = content.get("people") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise InputError("has no list of people", where=file)
    return [_person(entry, file, frame) for entry in entries]


def _person(entry: Any, file: Path, frame: int) -> _Person:
    if not isinstance(entry, dict):
        raise InputError("has a person that is no object with keypoints", where=file)
    stored = {part: entry.get(f"{part}_2d", entry.get(part)) for part in PARTS}
    known = {key for part in PARTS for key in (part, f"{part}_2d", f"{part}_3d")}
    other = sorted(set(entry) - known - {"person_id"})
    if other and not set(entry) & known:
        raise InputError(
            f"has a person without pose_keypoints_2d; there is {', '.join(other)[:100]}", where=file
        )
    parts = {part: triples(values, file) for part, values in stored.items() if values}
    return _Person(frame, _number(entry.get("person_id"), file), parts, file)


def _number(identity: Any, file: Path) -> int:
    """Return the number of a tracked person, -1 where there is none."""
    while isinstance(identity, list):
        identity = identity[0] if identity else None
    if identity is None:
        return -1
    if not isinstance(identity, int | float) or identity != int(identity):
        raise InputError(f"has the person_id {identity!r}, which is no number"[:200], where=file)
    return int(identity)


def _keypoints(people: list[_Person]) -> dict[str, tuple[str, ...]]:
    """Return the names of each part's points; parts that nobody has are left away."""
    names = {}
    for part in PARTS:
        having = [person for person in people if part in person.parts]
        counts = {len(person.parts[part]): person.file for person in reversed(having)}
        if len(counts) > 1:
            listed = ", ".join(f"{count} in {file.name}" for count, file in sorted(counts.items()))
            raise InputError(
                f"people have different numbers of keypoints ({listed[:200]})",
                where=having[0].file.parent,
            )
        for count in counts:
            names[part] = _names(part, count, having)
    return names


def _names(part: str, count: int, people: list[_Person]) -> tuple[str, ...]:
    if part != "pose_keypoints" or count not in BY_COUNT:
        return tuple(f"{PARTS[part]}_{i:02d}" for i in range(count))
    if count == len(BODY_25) and _is_25b([person.parts[part] for person in people]):
        return tuple(BODY_25B)
    return BY_COUNT[count]


def _pose(person: _Person, names: dict[str, tuple[str, ...]], tracked: bool) -> PersonPose:
    if not person.parts:
        return PersonPose(person.frame, None, np.empty((0, 2)), np.empty(0))
    absent = {part: np.full((len(known), 3), np.nan) for part, known in names.items()}
    xyc = np.concatenate([person.parts.get(part, absent[part]) for part in names])
    track = person.number if tracked else None
    return PersonPose(person.frame, track, xyc[:, :2], xyc[:, 2])


def _is_25b(points: list[NDArray[np.float64]]) -> bool:
    """Return whether 25 points of a body are those of BODY_25B: files do not say which model.

    By that what is close on a body is close in the pictures; BODY_25 where it is not clear.
    """
    gaps = [_gap(np.stack(points), names) for names in (BODY_25B, BODY_25)]
    return bool(gaps[0] < CLEARLY * gaps[1])


def _gap(points: NDArray[np.float64], names: list[str]) -> float:
    """Return the median distance of `NEIGHBOURS` in people (N, 25 or more, 3) by these names."""
    one, other = (points[:, [names.index(pair[side]) for pair in NEIGHBOURS]] for side in (0, 1))
    seen = (one[..., 2] > 0) & (other[..., 2] > 0)
    gaps = np.linalg.norm((one - other)[seen][:, :2], axis=1)
    return float(np.median(gaps)) if len(gaps) else float("nan")


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a folder a camera with a file a frame; OpenPose names no keypoints, only counts."""
    for name, found in zip(keypoints.cameras, as_triples(keypoints), strict=True):
        (folder / name).mkdir(parents=True)
        for frame, own in zip(keypoints.frames.tolist(), found, strict=True):
            people = [
                {"person_id": [i], "pose_keypoints_2d": one.ravel().tolist()}
                for i, one in enumerate(own)
            ]
            with atomic_file(folder / name / f"{frame:012d}_keypoints.json") as partial:
                partial.write_text(json.dumps({"version": 1.3, "people": people}))


FORMAT = DetectionFormat(
    "openpose", "OpenPose json folders", _matches, _read, write=_write, read_frames=_read_frames
)
