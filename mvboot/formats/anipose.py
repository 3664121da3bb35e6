"""aniposelib TOML, also written by sleap-anipose, Lightning Pose and FreeMoCap.

One table a camera: OpenCV's K, distortion, Rodrigues vector and translation, world to camera. The
file stores no unit of length (it is that of the calibration board); `save` notes it in the
metadata table, which the other tools skip. Tables are read in any order: cameras go by ``name``.
"""

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
    padded_coefficients,
    rodrigues,
    toml_table,
)
from mvboot.geometry import Camera
from mvboot.reading import head, read_toml
from mvboot.rig import Rig

NOT_CAMERAS = ("metadata", "capture_volume", "charuco", "checkerboard")
LIMITS = Limits("anipose TOML", lenses=("pinhole", "brown", "fisheye"), size=True)


def camera_tables(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tables of a parsed TOML file that describe cameras."""
    return {
        key: table
        for key, table in content.items()
        if key not in NOT_CAMERAS and isinstance(table, dict)
    }


def camera_from_table(table: Mapping[str, Any]) -> Camera:
    """Build a camera from one table; KeyError or ValueError where it is incomplete or wrong."""
    fisheye = bool(table.get("fisheye", False))
    distortion = table["distortions"]
    return Camera.from_opencv(
        array(table["matrix"], (3, 3), "matrix"),
        distortion if fisheye else brown(distortion),
        table["rotation"],
        array(table["translation"], (3,), "translation"),
        size=table.get("size"),
        lens="fisheye" if fisheye else "brown",
    )


def read_cameras(path: Path, content: Mapping[str, Any]) -> dict[str, Camera]:
    """Build every camera of a parsed file, named by its ``name``, else by its table."""
    cameras: dict[str, Camera] = {}
    for key, table in camera_tables(content).items():
        name = str(table.get("name", key))
        if name in cameras:
            raise InputError(f"two cameras are called {name!r}", where=path)
        with camera_errors(path, name):
            cameras[name] = camera_from_table(table)
    return cameras


def looks_like_cameras(path: Path) -> bool:
    """Whether a TOML file has camera tables of this kind."""
    text = head(path, 200_000)
    return path.suffix == ".toml" and "matrix" in text and "[cameras." not in text


def is_pose2sim(path: Path) -> bool:
    """Whether every camera has four distortion coefficients and says that it is no fisheye."""
    try:
        tables = camera_tables(read_toml(path)).values()
    except InputError:
        return False
    return bool(tables) and all(
        len(table.get("distortions", ())) == 4 and table.get("fisheye") is False for table in tables
    )


def _matches(path: Path) -> bool:
    return looks_like_cameras(path) and not is_pose2sim(path)


def _read(path: Path) -> RigFile:
    content = read_toml(path)
    metadata = content.get("metadata", {})
    return RigFile(read_cameras(path, content), units=metadata.get("units"), up=metadata.get("up"))


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    digits = len(str(len(rig) - 1))
    tables = [
        toml_table(f"cam_{i:0{digits}d}", _table(name, rig[name]))
        for i, name in enumerate(rig.names)
    ]
    metadata = {"units": rig.units} | ({"up": rig.up} if rig.up else {})
    with atomic_file(path) as partial:
        partial.write_text("\n".join([*tables, toml_table("metadata", metadata)]))


def _table(name: str, camera: Camera) -> dict[str, Any]:
    fisheye = camera.lens.name == "fisheye"
    return {
        "name": name,
        "size": list(camera.size or ()),
        "matrix": camera.K.tolist(),
        "distortions": padded_coefficients(camera.lens, 4 if fisheye else 5),
        "rotation": rodrigues(camera),
        "translation": camera.cam_from_world.t.tolist(),
        "fisheye": fisheye,
    }


FORMAT = RigFormat("anipose", "aniposelib TOML", _matches, _read, _write, suffixes=(".toml",))
