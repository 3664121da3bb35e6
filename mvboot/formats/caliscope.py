"""Caliscope ``camera_array.toml``: tables ``[cameras.N]``, metres, camera N is called ``cam_N``.

Cameras marked ``ignore`` are left out, as Caliscope does; ``rotation_count`` only turns the
picture for display and leaves the pixels of the calibration alone.
"""

from pathlib import Path
from typing import Any

from mvboot.files import atomic_file
from mvboot.formats.anipose import camera_from_table, has_pose, unposed
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    camera_errors,
    camera_numbers,
    padded_coefficients,
    require_new,
    rodrigues,
    table,
    toml_table,
)
from mvboot.geometry import Camera
from mvboot.reading import head, read_toml
from mvboot.rig import Rig

LIMITS = Limits("Caliscope TOML", lenses=("pinhole", "brown", "fisheye"), size=True)


def _matches(path: Path) -> bool:
    return path.suffix == ".toml" and "[cameras." in head(path)


def _read(path: Path) -> RigFile:
    cameras: dict[str, Camera] = {}
    ignored: list[str] = []
    without: list[str] = []
    for number, entry in table(read_toml(path).get("cameras", {}), "cameras", path).items():
        camera = table(entry, f"cameras.{number}", path)
        name = f"cam_{camera.get('cam_id', number)}"
        require_new(name, [*cameras, *ignored, *without], path)
        if camera.get("ignore"):
            ignored.append(name)
            continue
        if not has_pose(camera):
            without.append(name)
            continue
        with camera_errors(path, name):
            cameras[name] = camera_from_table(camera)
    provenance = {"ignored_cameras": ignored, **unposed(without, cameras, path)}
    return RigFile(cameras, usual_units="m", provenance=provenance)


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    metric = rig.in_units("m")
    tables = [
        toml_table(f"cameras.{number}", _table(number, metric[name]))
        for number, name in zip(camera_numbers(rig), rig.names, strict=True)
    ]
    with atomic_file(path) as partial:
        partial.write_text("\n".join(tables))


def _table(number: int, camera: Camera) -> dict[str, Any]:
    fisheye = camera.lens.name == "fisheye"
    return {
        "cam_id": number,
        "rotation_count": 0,
        "ignore": False,
        "size": list(camera.size or ()),
        "matrix": camera.K.tolist(),
        "distortions": padded_coefficients(camera.lens, 4 if fisheye else 5),
        "translation": camera.cam_from_world.t.tolist(),
        "rotation": rodrigues(camera),
        "fisheye": fisheye,
    }


FORMAT = RigFormat("caliscope", "Caliscope camera_array.toml (m)", _matches, _read, _write)
