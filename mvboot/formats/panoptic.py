"""CMU Panoptic ``calibration_*.json``: OpenCV cameras in centimetres, y down (up is -y)."""

import json
from pathlib import Path

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    array,
    brown,
    camera_errors,
    image_sides,
    numpy_pose,
    padded_coefficients,
    require_new,
    table,
)
from mvboot.geometry import Camera
from mvboot.reading import head, read_json
from mvboot.rig import Rig

LIMITS = Limits("CMU Panoptic json", coefficients=5, size=True)


def _matches(path: Path) -> bool:
    return path.suffix == ".json" and '"distCoef"' in head(path, 20_000)


def _read(path: Path) -> RigFile:
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("cameras"), list):
        raise InputError("has no list of cameras", where=path)
    cameras: dict[str, Camera] = {}
    for position, entry in enumerate(content["cameras"]):
        name = str(table(entry, f"cameras[{position}]", path).get("name", f"cam_{position}"))
        require_new(name, cameras, path)
        with camera_errors(path, name):
            cameras[name] = Camera.from_opencv(
                array(entry["K"], (3, 3), "K"),
                brown(entry["distCoef"]),
                array(entry["R"], (3, 3), "R"),
                array(entry["t"], (3,), "t"),
                size=image_sides(entry.get("resolution"), "resolution"),
            )
    return RigFile(cameras, usual_units="cm", up="-y")


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    cameras = []
    for name, camera in rig.in_units("cm").cameras.items():
        R, t = numpy_pose(camera)
        cameras.append(
            {
                "name": name,
                "type": "hd",
                "resolution": list(camera.size or ()),
                "K": camera.K.tolist(),
                "distCoef": padded_coefficients(camera.lens, 5),
                "R": R.tolist(),
                "t": t[:, None].tolist(),
            }
        )
    with atomic_file(path) as partial:
        partial.write_text(json.dumps({"calibDataSource": "mvboot", "cameras": cameras}, indent=1))


FORMAT = RigFormat("panoptic", "CMU Panoptic json (cm, -y up)", _matches, _read, _write)
