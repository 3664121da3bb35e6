"""VoxelPose json of Campus and Shelf: cameras ``"0"``, ``"1"``, ... called ``cam_N``, millimetres.

``T`` is the camera's centre in the world: x_in_cam = R (x_in_world - T). ``k`` is k1, k2, k3 and
``p`` is p1, p2. Source: ``project_point_radial`` of github.com/microsoft/voxelpose-pytorch.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    array,
    brown,
    camera_errors,
    camera_numbers,
    numpy_pose,
    padded_coefficients,
)
from mvboot.geometry import Camera
from mvboot.reading import head, read_json
from mvboot.rig import Rig

KEYS = ("R", "T", "fx", "fy", "cx", "cy", "k", "p")
LIMITS = Limits("VoxelPose json", skew=False)


def _matches(path: Path) -> bool:
    text = head(path, 20_000)
    return path.suffix == ".json" and all(f'"{key}"' in text for key in KEYS)


def _read(path: Path) -> RigFile:
    content = read_json(path)
    if not isinstance(content, dict):
        raise InputError("holds no cameras by number", where=path)
    cameras = {}
    for number, entry in content.items():
        name = f"cam_{number}"
        if not isinstance(entry, dict):
            raise InputError(f"camera {name}: holds no {', '.join(KEYS)}", where=path)
        with camera_errors(path, name):
            cameras[name] = _camera(entry)
    return RigFile(cameras, usual_units="mm")


def _camera(entry: Mapping[str, Any]) -> Camera:
    fx, fy, cx, cy = (float(array(entry[key], (1,), key)[0]) for key in ("fx", "fy", "cx", "cy"))
    R, center = array(entry["R"], (3, 3), "R"), array(entry["T"], (3,), "T")
    k, p = array(entry["k"], (3,), "k"), array(entry["p"], (2,), "p")
    return Camera.from_opencv(
        [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], brown([*k[:2], *p, k[2]]), R, -R @ center
    )


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    cameras = rig.in_units("mm").cameras.values()
    content = {
        str(number): _entry(camera)
        for number, camera in zip(camera_numbers(rig), cameras, strict=True)
    }
    with atomic_file(path) as partial:
        partial.write_text(json.dumps(content, indent=1))


def _entry(camera: Camera) -> dict[str, Any]:
    K = camera.K.tolist()
    k1, k2, p1, p2, k3 = padded_coefficients(camera.lens, 5)
    return {
        "k": [[k1], [k2], [k3]],
        "p": [[p1], [p2]],
        "R": numpy_pose(camera)[0].tolist(),
        "T": [[value] for value in camera.center.tolist()],
        "fx": K[0][0],
        "fy": K[1][1],
        "cx": K[0][2],
        "cy": K[1][2],
    }


FORMAT = RigFormat("voxelpose", "VoxelPose json (mm)", _matches, _read, _write)
