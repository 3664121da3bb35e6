"""MC-Calib ``calibrated_cameras_data.yml``: all cameras in one file, called ``camera_N``.

``camera_pose_matrix`` (4, 4) carries points from the camera to the world. The unit is that of the
board's ``square_size``, which the file does not store. Source: github.com/rameau-fr/MC-Calib.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mvboot.errors import InputError
from mvboot.formats.file_storage import writing
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    array,
    brown,
    camera_errors,
    padded_coefficients,
    pose_from_matrix,
    pose_matrix,
)
from mvboot.formats.storage_text import parse_storage
from mvboot.geometry import Camera
from mvboot.reading import head
from mvboot.rig import Rig

LENSES = ("brown", "fisheye")
"""By ``distortion_type``."""
LIMITS = Limits("MC-Calib", lenses=("pinhole", *LENSES), size=True)


def _matches(path: Path) -> bool:
    text = head(path, 20_000)
    return "nb_camera" in text and "camera_pose_matrix" in text


def _read(path: Path) -> RigFile:
    entries = _entries(parse_storage(path), path)
    _require_one_world(entries, path)
    cameras = {}
    for name, entry in entries.items():
        with camera_errors(path, name):
            cameras[name] = _camera(entry)
    return RigFile(cameras)


def _entries(content: Mapping[str, Any], path: Path) -> dict[str, Mapping[str, Any]]:
    """Return the cameras by name; InputError unless there are as many as the file says."""
    if "nb_camera" not in content:
        raise InputError("nb_camera is missing", where=path)
    entries: dict[str, Mapping[str, Any]] = {
        name: entry
        for name, entry in content.items()
        if name.startswith("camera_") and isinstance(entry, dict)
    }
    said, count = content["nb_camera"], len(entries)
    if said != count:
        raise InputError(
            f"holds {count} cameras, but nb_camera is {said}: the file is cut off, or MC-Calib did "
            f"not locate the others; nb_camera: {count} goes on without them",
            where=path,
        )
    return entries


def _require_one_world(entries: Mapping[str, Any], path: Path) -> None:
    """Raise InputError for cameras of several groups: each group has a world of its own."""
    groups: dict[Any, list[str]] = {}
    for name, entry in entries.items():
        groups.setdefault(str(entry.get("camera_group")), []).append(name)
    if len(groups) > 1:
        (_, first), (_, second), *_ = groups.items()
        raise InputError(
            f"{first[0]} and {second[0]} are in different groups (camera_group): nothing locates "
            "one in the world of the other; record a board that links them, or split the file",
            where=path,
        )


def _camera(entry: Mapping[str, Any]) -> Camera:
    kind = entry["distortion_type"]
    if kind not in (0, 1):
        raise ValueError(f"distortion_type must be 0 (perspective) or 1 (fisheye), got {kind!r}")
    pose = pose_from_matrix(entry["camera_pose_matrix"], "camera_pose_matrix").inverse()
    distortion = np.asarray(entry["distortion_vector"], dtype=np.float64).reshape(-1)
    return Camera.from_opencv(
        array(entry["camera_matrix"], (3, 3), "camera_matrix"),
        distortion if kind == 1 else brown(distortion),
        pose.R,
        pose.t,
        size=(entry["img_width"], entry["img_height"]),
        lens=LENSES[kind],
    )


def _write(rig: Rig, path: Path) -> None:
    import cv2  # slow to load

    LIMITS.check(rig, path)
    with writing(path) as storage:
        storage.write("nb_camera", len(rig))
        for number, camera in enumerate(rig.cameras.values()):
            fisheye = camera.lens.name == "fisheye"
            distortion = padded_coefficients(camera.lens, 4 if fisheye else 5)
            width, height = camera.size or (0, 0)
            storage.startWriteStruct(f"camera_{number}", cv2.FileNode_MAP)
            storage.write("camera_matrix", camera.K.numpy())
            storage.write("distortion_vector", np.array([distortion]))
            storage.write("distortion_type", int(fisheye))
            storage.write("camera_group", 0)
            storage.write("img_width", width)
            storage.write("img_height", height)
            storage.write("camera_pose_matrix", pose_matrix(camera.cam_from_world.inverse()))
            storage.endWriteStruct()


FORMAT = RigFormat("mc_calib", "MC-Calib yml", _matches, _read, _write)
