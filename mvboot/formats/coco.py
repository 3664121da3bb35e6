"""COCO keypoints json, one file a camera: a dataset (images, annotations, categories).

The frame is the last number in ``file_name``, else the image id. Visibility v says only what is
labelled: 0 is missing, 1 and 2 are labels and count as certain; an annotation's ``score`` is its
confidence. Where v is anything else, it is a detector's score of that point. COCO counts integer
pixels from 0 at the centre of the first one: no shift.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, as_triples
from mvboot.formats.frame_names import frame_number
from mvboot.formats.people import PersonPose, from_people
from mvboot.formats.points import triples, whole
from mvboot.keypoints import Keypoints2D
from mvboot.reading import head, read_json

VISIBILITY = (0, 1, 2)


def _matches(path: Path) -> bool:
    if path.suffix != ".json":
        return False
    text = head(path, 5_000_000)
    return '"annotations"' in text and '"images"' in text


def _read(path: Path) -> CameraDetections:
    content = read_json(path)
    images, annotations, kinds = (
        _entries(content, key, path) for key in ("images", "annotations", "categories")
    )
    categories = [entry for entry in kinds if entry.get("keypoints")]
    if len(categories) != 1 or not isinstance(categories[0]["keypoints"], list):
        raise InputError(
            f"needs one category with keypoints, has {len(categories)}; split the file", where=path
        )
    names = tuple(str(name) for name in categories[0]["keypoints"])
    frame_of = {_id(image, "id", path): _frame(image, path) for image in images}
    if len(set(frame_of.values())) < len(images):
        raise InputError("two images are of the same frame; is it one camera's file?", where=path)
    labelled = [
        entry
        for entry in annotations
        if entry.get("keypoints") and entry.get("category_id") == categories[0].get("id")
    ]
    poses = [_pose(entry, frame_of, len(names), path) for entry in labelled]
    return from_people(poses, names, path, frame_of.values())


def _entries(content: Any, key: str, path: Path) -> list[dict[str, Any]]:
    entries = content.get(key) if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"is no COCO keypoint file: it has no list {key!r}", where=path)
    return entries


def _id(entry: dict[str, Any], key: str, path: Path) -> int | str:
    value = entry.get(key)
    if not isinstance(value, int | str):
        raise InputError(f"has an entry whose {key!r} is {str(value)[:40]}", where=path)
    return value


def _frame(image: dict[str, Any], path: Path) -> int:
    name = image.get("file_name")
    if isinstance(name, str) and any(letter.isdigit() for letter in Path(name).stem):
        return frame_number(name, path)
    return whole(image.get("id"), "an image id", path)


def _pose(
    entry: dict[str, Any], frame_of: dict[int | str, int], count: int, path: Path
) -> PersonPose:
    xyv = triples(entry["keypoints"], path)
    if len(xyv) != count:
        raise InputError(f"an annotation has {len(xyv)} keypoints instead of {count}", where=path)
    image = _id(entry, "image_id", path)
    if image not in frame_of:
        raise InputError(f"has an annotation of the image {image!r}, which is not listed", path)
    track = entry.get("track_id")
    number = None if track is None else whole(track, "a track_id", path)
    return PersonPose(frame_of[image], number, xyv[:, :2], _certain(xyv[:, 2], entry, path))


def _certain(v: Any, entry: dict[str, Any], path: Path) -> Any:
    """Return the confidence of points: v where it is a score, the annotation's score, or 1."""
    if not np.isin(v, VISIBILITY).all():
        return v
    score = entry.get("score")
    if score is not None and not isinstance(score, int | float):
        raise InputError(f"has a score {str(score)[:40]!r}, which is no number", where=path)
    return np.where(v > 0, 1.0 if score is None else float(score), 0.0)


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a dataset a camera; COCO has one score for a whole annotation: the mean confidence."""
    category = {"id": 1, "name": "subject", "keypoints": list(keypoints.keypoints), "skeleton": []}
    for name, found in zip(keypoints.cameras, as_triples(keypoints), strict=True):
        frames = keypoints.frames.tolist()
        images = [{"id": f, "file_name": f"{f:06d}.png"} for f in frames]
        people = [
            _annotation(frame, i, one)
            for frame, own in zip(frames, found, strict=True)
            for i, one in enumerate(own)
            if (one[:, 2] > 0).any()
        ]
        for number, person in enumerate(people, start=1):
            person["id"] = number
        content = {"images": images, "annotations": people, "categories": [category]}
        with atomic_file(folder / f"{name}.json") as partial:
            partial.write_text(json.dumps(content), encoding="utf-8")


def _annotation(frame: int, individual: int, triples: Any) -> dict[str, Any]:
    seen = triples[:, 2] > 0
    places = triples[seen, :2]
    left, top = places.min(0)
    width, height = np.ptp(places, axis=0)
    return {
        "image_id": frame,
        "category_id": 1,
        "track_id": individual,
        "keypoints": np.where(seen[:, None], triples * [1, 1, 0] + [0, 0, 2], 0).ravel().tolist(),
        "num_keypoints": int(seen.sum()),
        "bbox": [float(left), float(top), float(width), float(height)],
        "area": float(width * height),
        "iscrowd": 0,
        "score": float(triples[seen, 2].mean()),
    }


FORMAT = DetectionFormat("coco", "COCO keypoints json", _matches, _read, write=_write)
