"""AlphaPose result json, one file a camera: a list of people with ``image_id`` and ``keypoints``.

The frame is the last number in ``image_id``; ``idx`` is the track where tracking was on.
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.detection_format import (
    CameraDetections,
    DetectionFormat,
    as_triples,
    clean,
)
from mvboot.formats.people import PersonPose, from_people
from mvboot.keypoints import Keypoints2D
from mvboot.reading import head, read_json

COCO_17 = (
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow "
    "right_elbow left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle"
).split()
HALPE_EXTRA = (
    "head neck hip left_big_toe right_big_toe left_small_toe right_small_toe left_heel right_heel"
).split()
HALPE_26 = [*COCO_17, *HALPE_EXTRA]
NAMES = {len(names): tuple(names) for names in (COCO_17, HALPE_26)}


def _matches(path: Path) -> bool:
    text = head(path).lstrip() if path.suffix == ".json" else ""
    return text.startswith("[") and '"image_id"' in text


def _read(path: Path) -> CameraDetections:
    content = read_json(path)
    if not isinstance(content, list) or not content:
        raise InputError("is no list of people, or an empty one", where=path)
    try:
        poses = [_pose(entry, path) for entry in content]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"is no AlphaPose file: {error!r} is missing or wrong", path) from None
    counts = {len(pose.xy) for pose in poses}
    if len(counts) > 1:
        raise InputError("people have different numbers of keypoints", where=path)
    count = counts.pop()
    names = NAMES.get(count, tuple(f"keypoint_{i:02d}" for i in range(count)))
    return from_people(poses, names, path)


def _pose(entry: dict[str, Any], path: Path) -> PersonPose:
    xyc = np.asarray(entry["keypoints"], dtype=np.float64).reshape(-1, 3)
    numbers = re.findall(r"\d+", Path(str(entry["image_id"])).stem)
    if not numbers:
        raise InputError(f"image_id {entry['image_id']!r} holds no frame number", where=path)
    xy, confidence = clean(xyc[:, :2], xyc[:, 2], path)
    track = entry.get("idx")
    return PersonPose(
        int(numbers[-1]), int(track) if isinstance(track, int | float) else None, xy, confidence
    )


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a list of people a camera; AlphaPose names no keypoints, only counts."""
    for name, triples in zip(keypoints.cameras, as_triples(keypoints), strict=True):
        people = [
            {
                "image_id": f"{frame:06d}.png",
                "category_id": 1,
                "keypoints": one.ravel().tolist(),
                "score": float(one[:, 2].mean()),
                "idx": i,
            }
            for frame, own in zip(keypoints.frames.tolist(), triples, strict=True)
            for i, one in enumerate(own)
        ]
        with atomic_file(folder / f"{name}.json") as partial:
            partial.write_text(json.dumps(people))


FORMAT = DetectionFormat("alphapose", "AlphaPose json", _matches, _read, write=_write)
