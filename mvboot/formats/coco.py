"""COCO keypoints json, one file a camera: a dataset (images, annotations, categories).

The frame is the last number in ``file_name``, else the image id. Visibility v: 0 is missing, 1 and
2 are labels and count as certain; an annotation's ``score`` is its confidence. COCO counts
integer pixels from 0 at the centre of the first one: no shift.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.detection_format import CameraDetections, DetectionFormat, as_triples, clean
from mvboot.formats.people import PersonPose, from_people
from mvboot.keypoints import Keypoints2D
from mvboot.reading import head, read_json


def _matches(path: Path) -> bool:
    if path.suffix != ".json":
        return False
    text = head(path, 5_000_000)
    return '"annotations"' in text and '"images"' in text


def _read(path: Path) -> CameraDetections:
    content = read_json(path)
    try:
        return _detections(content, path)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"is no COCO keypoint file: {error!r} is missing or wrong", path) from None


def _detections(content: dict[str, Any], path: Path) -> CameraDetections:
    categories = [entry for entry in content["categories"] if entry.get("keypoints")]
    if len(categories) != 1:
        raise InputError(
            f"needs one category with keypoints, has {len(categories)}; split the file", where=path
        )
    names = tuple(str(name) for name in categories[0]["keypoints"])
    frame_of = {image["id"]: _frame(image) for image in content["images"]}
    if len(set(frame_of.values())) < len(frame_of):
        raise InputError("two images are of the same frame; is it one camera's file?", where=path)
    poses = [
        _pose(entry, frame_of, len(names), path)
        for entry in content["annotations"]
        if entry["category_id"] == categories[0]["id"]
    ]
    return from_people(poses, names, path, frames=frame_of.values())


def _frame(image: dict[str, Any]) -> int:
    numbers = re.findall(r"\d+", Path(str(image.get("file_name", ""))).stem)
    return int(numbers[-1]) if numbers else int(image["id"])


def _pose(entry: dict[str, Any], frame_of: dict[Any, int], count: int, path: Path) -> PersonPose:
    xyv = np.asarray(entry["keypoints"], dtype=np.float64).reshape(-1, 3)
    if len(xyv) != count:
        raise InputError(f"an annotation has {len(xyv)} keypoints instead of {count}", where=path)
    certain = np.where(xyv[:, 2] > 0, float(entry.get("score", 1.0)), 0.0)
    xy, confidence = clean(xyv[:, :2], certain, path)
    track = entry.get("track_id")
    return PersonPose(
        frame_of[entry["image_id"]], None if track is None else int(track), xy, confidence
    )


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a dataset a camera; COCO has one score for a whole annotation: the mean confidence."""
    category = {"id": 1, "name": "subject", "keypoints": list(keypoints.keypoints), "skeleton": []}
    for name, triples in zip(keypoints.cameras, as_triples(keypoints), strict=True):
        frames = keypoints.frames.tolist()
        images = [{"id": f, "file_name": f"{f:06d}.png"} for f in frames]
        people = [
            _annotation(frame, i, one)
            for frame, own in zip(frames, triples, strict=True)
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
