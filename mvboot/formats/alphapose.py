"""AlphaPose result json, one file a camera: a list of people with ``image_id`` and ``keypoints``.

The frame is the last number in ``image_id``; ``idx`` is the track where tracking was on. COCO's
lists of results are the same, but for a visibility (1, 2) in place of the score of each point.
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
from mvboot.formats.skeletons import names_of
from mvboot.keypoints import Keypoints2D
from mvboot.reading import head, read_json


def _matches(path: Path) -> bool:
    text = head(path).lstrip() if path.suffix == ".json" else ""
    return text.startswith("[") and '"image_id"' in text


def _read(path: Path) -> CameraDetections:
    content = read_json(path)
    if not isinstance(content, list) or not content:
        raise InputError("is no list of people, or an empty one", where=path)
    poses = [_pose(entry, i, path) for i, entry in enumerate(content)]
    found = [pose for pose in poses if len(pose.xy)]
    counts = {len(pose.xy) for pose in found}
    if len(counts) > 1:
        listed = ", ".join(map(str, sorted(counts)[:8]))
        raise InputError(f"people have different numbers of keypoints ({listed})", where=path)
    names = names_of(counts.pop()) if counts else ()
    return from_people(_scored(poses), names, path, [pose.frame for pose in poses])


def _pose(entry: Any, i: int, path: Path) -> PersonPose:
    if not isinstance(entry, dict) or not {"keypoints", "image_id"} <= set(entry):
        raise InputError(f"is no AlphaPose file: entry {i} has no keypoints or image_id", path)
    xyc = triples(entry["keypoints"], path)
    image = entry["image_id"]
    if not isinstance(image, int | str):
        raise InputError(f"image_id {str(image)[:40]!r} holds no frame number", where=path)
    frame = whole(image, "an image_id", path) if isinstance(image, int) else _frame(image, path)
    return PersonPose(frame, _track(entry.get("idx"), path), xyc[:, :2], xyc[:, 2])


def _frame(image: str, path: Path) -> int:
    try:
        return frame_number(image, path)
    except InputError:
        raise InputError(f"image_id {image[-60:]!r} holds no frame number", path) from None


def _track(idx: Any, path: Path) -> int | None:
    """Return a track's number; trackers also write it in a list, or leave it empty."""
    while isinstance(idx, list):
        idx = idx[0] if idx else None
    return None if idx is None else whole(idx, "an idx", path)


def _scored(poses: list[PersonPose]) -> list[PersonPose]:
    """Return poses with a confidence of 1 where the file has COCO's visibility (0, 1, 2)."""
    values = np.concatenate([pose.confidence for pose in poses]) if poses else np.empty(0)
    if not (np.isin(values, (0, 1, 2)).all() and (values == 2).any()):
        return poses
    return [pose._replace(confidence=np.minimum(pose.confidence, 1.0)) for pose in poses]


def _write(keypoints: Keypoints2D, folder: Path) -> None:
    """Write a list of people a camera; AlphaPose names no keypoints, only counts."""
    for name, found in zip(keypoints.cameras, as_triples(keypoints), strict=True):
        people = [
            {
                "image_id": f"{frame:06d}.png",
                "category_id": 1,
                "keypoints": one.ravel().tolist(),
                "score": float(one[:, 2].mean()),
                "idx": i,
            }
            for frame, own in zip(keypoints.frames.tolist(), found, strict=True)
            for i, one in enumerate(own)
        ]
        with atomic_file(folder / f"{name}.json") as partial:
            partial.write_text(json.dumps(people))


FORMAT = DetectionFormat("alphapose", "AlphaPose json", _matches, _read, write=_write)
