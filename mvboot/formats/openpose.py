"""OpenPose json: one folder a camera, one file a frame, people in no particular order.

The frame is the last number in the file's name. Missing keypoints are 0, 0, 0. Body, hand and
face parts that the files hold are read together. ``person_id`` is used where OpenPose tracked
people; otherwise individuals are not identified across cameras and frames.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file, natural_key
from mvboot.formats.detection_format import (
    CameraDetections,
    DetectionFormat,
    as_triples,
    clean,
)
from mvboot.keypoints import Keypoints2D
from mvboot.reading import head, read_json

BODY_25 = (
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist MidHip RHip RKnee RAnkle LHip LKnee "
    "LAnkle REye LEye REar LEar LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel"
).split()
BODY_25B = (
    "Nose LEye REye LEar REar LShoulder RShoulder LElbow RElbow LWrist RWrist LHip RHip LKnee "
    "RKnee LAnkle RAnkle UpperNeck HeadTop LBigToe LSmallToe LHeel RBigToe RSmallToe RHeel"
).split()
COCO_18 = (
    "Nose Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle "
    "REye LEye REar LEar"
).split()
MPI_15 = (
    "Head Neck RShoulder RElbow RWrist LShoulder LElbow LWrist RHip RKnee RAnkle LHip LKnee LAnkle "
    "Chest"
).split()
BODY_NAMES = {len(names): names for names in (BODY_25, COCO_18, MPI_15)}
NEIGHBOURS = (("Nose", "LEye"), ("Nose", "REye"), ("LHeel", "LAnkle"), ("RHeel", "RAnkle"))
"""Close to each other on any body, and other numbers in BODY_25 than in BODY_25B."""
CLEARLY = 0.5
PARTS = {
    "pose_keypoints_2d": "keypoint",
    "face_keypoints_2d": "face",
    "hand_left_keypoints_2d": "hand_left",
    "hand_right_keypoints_2d": "hand_right",
}


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=natural_key)


def _matches(path: Path) -> bool:
    if not path.is_dir():
        return False
    first = next(iter(_files(path)), None)
    return first is not None and '"people"' in head(first)


def _read(folder: Path) -> CameraDetections:
    people = {}
    for file in _files(folder):
        frame = _frame(file)
        if frame in people:
            raise InputError(f"two files are of frame {frame}", where=folder)
        people[frame] = _people(file)
    frames = np.array(sorted(people), dtype=np.int64)
    keypoints = _keypoints(people, folder)
    tracked = all(person["id"] >= 0 for group in people.values() for person in group)
    individuals = _individuals(people, tracked)
    xyc = np.full((len(frames), len(individuals), len(keypoints), 3), np.nan)
    for f, frame in enumerate(frames):
        for slot, person in enumerate(people[int(frame)]):
            i = individuals.index(f"person_{person['id'] if tracked else slot}")
            xyc[f, i] = person["points"]
    xy, confidence = clean(xyc[..., :2], xyc[..., 2], folder)
    return CameraDetections(frames, individuals, keypoints, xy, confidence, True, identified=False)


def _frame(file: Path) -> int:
    numbers = re.findall(r"\d+", file.stem.removesuffix("_keypoints"))
    if not numbers:
        raise InputError("the file name holds no frame number", where=file)
    return int(numbers[-1])


def _people(file: Path) -> list[dict[str, Any]]:
    content = read_json(file)
    if not isinstance(content, dict) or not isinstance(content.get("people"), list):
        raise InputError("has no list of people", where=file)
    return [_person(entry, file) for entry in content["people"]]


def _person(entry: dict[str, Any], file: Path) -> dict[str, Any]:
    identity = entry.get("person_id", [-1])
    parts = {part: entry[part] for part in PARTS if entry.get(part)}
    if any(len(values) % 3 for values in parts.values()):
        raise InputError("has keypoints that are not triples x, y, confidence", where=file)
    points: list[NDArray[np.float64]] = [
        np.asarray(values, dtype=np.float64).reshape(-1, 3) for values in parts.values()
    ]
    names = [name for part, values in parts.items() for name in _names(part, len(values) // 3)]
    number = identity[0] if isinstance(identity, list) and identity else -1
    return {
        "id": int(number),
        "names": names,
        "points": np.concatenate(points or [np.empty((0, 3))]),
    }


def _names(part: str, count: int) -> list[str]:
    if part == "pose_keypoints_2d" and count in BODY_NAMES:
        return BODY_NAMES[count]
    return [f"{PARTS[part]}_{i:02d}" for i in range(count)]


def _keypoints(people: dict[int, list[dict[str, Any]]], folder: Path) -> tuple[str, ...]:
    kinds = {tuple(person["names"]) for group in people.values() for person in group}
    if len(kinds) > 1:
        raise InputError("people have different numbers of keypoints", where=folder)
    found = kinds.pop() if kinds else tuple(BODY_25)
    if found[: len(BODY_25)] != tuple(BODY_25) or not _is_25b(people):
        return found
    return (*BODY_25B, *found[len(BODY_25) :])


def _is_25b(people: dict[int, list[dict[str, Any]]]) -> bool:
    """Return whether 25 points of a body are those of BODY_25B: files do not say which model.

    By that what is close on a body is close in the pictures; BODY_25 where it is not clear.
    """
    points = [person["points"] for group in people.values() for person in group]
    gaps = [_gap(np.stack(points), names) for names in (BODY_25B, BODY_25)] if points else [1, 1]
    return bool(gaps[0] < CLEARLY * gaps[1])


def _gap(points: NDArray[np.float64], names: list[str]) -> float:
    """Return the median distance of `NEIGHBOURS` in people (N, 25 or more, 3) by these names."""
    one, other = (points[:, [names.index(pair[side]) for pair in NEIGHBOURS]] for side in (0, 1))
    seen = (one[..., 2] > 0) & (other[..., 2] > 0)
    gaps = np.linalg.norm((one - other)[seen][:, :2], axis=1)
    return float(np.median(gaps)) if len(gaps) else float("nan")


def _individuals(people: dict[int, list[dict[str, Any]]], tracked: bool) -> tuple[str, ...]:
    if tracked:
        ids = sorted({person["id"] for group in people.values() for person in group})
        return tuple(f"person_{number}" for number in ids) or ("person_0",)
    most = max((len(group) for group in people.values()), default=1)
    return tuple(f"person_{slot}" for slot in range(max(1, most)))


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a folder a camera with a file a frame; OpenPose names no keypoints, only counts."""
    for name, triples in zip(keypoints.cameras, as_triples(keypoints), strict=True):
        (folder / name).mkdir(parents=True)
        for frame, own in zip(keypoints.frames.tolist(), triples, strict=True):
            people = [
                {"person_id": [i], "pose_keypoints_2d": one.ravel().tolist()}
                for i, one in enumerate(own)
            ]
            with atomic_file(folder / name / f"{frame:012d}_keypoints.json") as partial:
                partial.write_text(json.dumps({"version": 1.3, "people": people}))


FORMAT = DetectionFormat(
    "openpose", "OpenPose json folders", _matches, _read, takes_folder=True, write=_write
)
