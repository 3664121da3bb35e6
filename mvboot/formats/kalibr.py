"""Kalibr ``camchain.yaml``: cameras ``cam0``, ``cam1``, ... in metres.

Each pose, ``T_cn_cnm1``, is relative to the camera before, so the world is the frame of ``cam0``.
A rig in another world is written with ``T_cam_world`` in ``cam0``, which Kalibr skips; other keys,
such as ``T_cam_imu``, are left alone. Source: github.com/ethz-asl/kalibr, wiki "yaml formats".
"""

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, RootModel, field_validator

from mvboot.config import dump_yaml, load_yaml
from mvboot.errors import InputError
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    camera_errors,
    padded_coefficients,
    pose_from_matrix,
    pose_matrix,
    used_coefficients,
)
from mvboot.geometry import Camera, Pose
from mvboot.reading import head
from mvboot.rig import Rig

LIMITS = Limits(
    "Kalibr camchain",
    lenses=("pinhole", "brown", "fisheye"),
    coefficients=4,
    skew=False,
    size=True,
)
LENSES = {"radtan": ("brown", 4), "equidistant": ("fisheye", 4), "none": ("pinhole", 0)}
"""Kalibr's distortion models: our lens and its number of coefficients."""
MODELS = {"pinhole": "none", "brown": "radtan", "fisheye": "equidistant"}

Row = tuple[float, float, float, float]
Matrix4 = tuple[Row, Row, Row, Row]


class _Camera(BaseModel):
    """One camera; other keys, such as ``cam_overlaps`` and ``T_cam_imu``, are left alone."""

    model_config = ConfigDict(allow_inf_nan=False)

    camera_model: str
    distortion_model: str
    intrinsics: list[float]
    distortion_coeffs: list[float]
    resolution: tuple[int, int]
    rostopic: str | None = None
    T_cn_cnm1: Matrix4 | None = None
    T_cam_world: Matrix4 | None = None

    @field_validator("camera_model")
    @classmethod
    def _is_pinhole(cls, value: str) -> str:
        if value != "pinhole":
            raise ValueError(
                f"{value!r} is no lens of OpenCV's; calibrate with Kalibr's pinhole-radtan or "
                "pinhole-equi"
            )
        return value

    @field_validator("distortion_model")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in LENSES:
            raise ValueError(f"{value!r} is no lens of OpenCV's; known are {', '.join(LENSES)}")
        return value


class _Camchain(RootModel[dict[str, _Camera]]):
    """The whole file."""


def _matches(path: Path) -> bool:
    text = head(path, 20_000)
    return bool(re.search(r"^cam\d+:", text, re.MULTILINE)) and "camera_model:" in text


def _read(path: Path) -> RigFile:
    entries = load_yaml(path, _Camchain).root
    names = [f"cam{number}" for number in range(len(entries))]
    for name in names:
        if name not in entries:
            raise InputError(
                f"{name} is missing: the {len(entries)} cameras of a camchain are called "
                f"{', '.join(names[:3])} and so on, each located from the one before",
                where=path,
            )
    cameras: dict[str, Camera] = {}
    before = Pose.identity()
    for name in names:
        with camera_errors(path, name):
            before = _link(entries[name], first=name == "cam0") @ before
            cameras[name] = _camera(entries[name], before)
    topics = {name: entries[name].rostopic for name in names if entries[name].rostopic}
    return RigFile(cameras, usual_units="m", provenance={"rostopics": topics} if topics else {})


def _link(entry: _Camera, first: bool) -> Pose:
    """Return the pose of a camera relative to the one before; of the first, to the world."""
    key, other = ("T_cam_world", "T_cn_cnm1") if first else ("T_cn_cnm1", "T_cam_world")
    if getattr(entry, other) is not None:
        place = "the first camera" if first else "a camera after the first"
        raise ValueError(f"{other} has no meaning in {place}; remove it")
    matrix = getattr(entry, key)
    if matrix is None:
        if first:
            return Pose.identity()
        raise KeyError(key)
    return pose_from_matrix(matrix, key)


def _camera(entry: _Camera, pose: Pose) -> Camera:
    lens, count = LENSES[entry.distortion_model]
    if len(entry.distortion_coeffs) != count:
        raise ValueError(
            f"distortion_model {entry.distortion_model} has {count} coefficients, "
            f"got {len(entry.distortion_coeffs)}"
        )
    if len(entry.intrinsics) != 4:
        raise ValueError(f"intrinsics are fu, fv, pu, pv, got {len(entry.intrinsics)} numbers")
    fu, fv, pu, pv = entry.intrinsics
    K = [[fu, 0, pu], [0, fv, pv], [0, 0, 1]]
    return Camera.from_opencv(
        K, entry.distortion_coeffs, pose.R, pose.t, size=entry.resolution, lens=lens
    )


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    content: dict[str, Any] = {}
    before = Pose.identity()
    for number, camera in enumerate(rig.in_units("m").cameras.values()):
        link = pose_matrix(camera.cam_from_world @ before.inverse())
        key = "T_cn_cnm1" if number else "T_cam_world"
        content[f"cam{number}"] = {key: link.tolist(), **_entry(f"cam{number}", camera)}
        before = camera.cam_from_world
    dump_yaml(content, path)


def _entry(name: str, camera: Camera) -> dict[str, Any]:
    K = camera.K.tolist()
    model = MODELS[camera.lens.name] if len(used_coefficients(camera.lens)) else "none"
    return {
        "camera_model": "pinhole",
        "distortion_model": model,
        "distortion_coeffs": padded_coefficients(camera.lens, LENSES[model][1]),
        "intrinsics": [K[0][0], K[1][1], K[0][2], K[1][2]],
        "rostopic": f"/{name}/image_raw",
        "resolution": list(camera.size or ()),
    }


FORMAT = RigFormat("kalibr", "Kalibr camchain.yaml (m)", _matches, _read, _write)
