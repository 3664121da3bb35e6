"""aniposelib TOML, also written by sleap-anipose, Lightning Pose and FreeMoCap.

One table a camera: OpenCV's K, distortion, Rodrigues vector and translation, world to camera. The
file stores no unit of length (it is that of the calibration board); `save` notes it in the
metadata table, which the other tools skip. Tables are read in any order: cameras go by ``name``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    image_sides,
    numbers,
    one_of,
    padded_coefficients,
    require_new,
    rodrigues,
    table,
    toml_table,
)
from mvboot.geometry import Camera
from mvboot.reading import head, read_toml
from mvboot.rig import UNITS_IN_M, UP_AXES, Rig

NOT_CAMERAS = ("metadata", "capture_volume", "charuco", "checkerboard")
CAMERA_KEYS = {"name", "size", "matrix", "distortions"}
LIMITS = Limits("anipose TOML", lenses=("pinhole", "brown", "fisheye"), size=True)


def camera_tables(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the tables of a parsed TOML file that describe cameras."""
    return {
        key: value
        for key, value in content.items()
        if key not in NOT_CAMERAS and isinstance(value, dict)
    }


def camera_from_table(table: Mapping[str, Any]) -> Camera:
    """Build a camera from one table; KeyError or ValueError where it is incomplete or wrong."""
    fisheye = table.get("fisheye", False)
    if not isinstance(fisheye, bool):
        raise ValueError(f"fisheye must be true or false, got {fisheye!r:.40}")
    distortion = table["distortions"]
    return Camera.from_opencv(
        array(table["matrix"], (3, 3), "matrix"),
        numbers(distortion, "distortions") if fisheye else brown(distortion),
        numbers(table["rotation"], "rotation"),
        array(table["translation"], (3,), "translation"),
        size=image_sides(table.get("size"), "size"),
        lens="fisheye" if fisheye else "brown",
    )


def has_pose(table: Mapping[str, Any]) -> bool:
    """Whether a camera was solved: tools leave out, or empty, the poses of those that were not."""
    return all(_is_there(table.get(key)) for key in ("rotation", "translation"))


def _is_there(value: Any) -> bool:
    if isinstance(value, list):
        return any(_is_there(part) for part in value)
    return value not in (None, "", "null", "None", "none") and value == value  # no NaN


def unposed(names: Sequence[str], cameras: Mapping[str, Camera], path: Path) -> dict[str, Any]:
    """Return the provenance that tells which cameras were left out for having no pose.

    InputError where there is no other camera.
    """
    if not names:
        return {}
    many = len(names) > 1
    told = f"camera{'s' if many else ''} {', '.join(names)} {'have' if many else 'has'} no pose"
    if not cameras:
        raise InputError(f"{told} (rotation, translation), and no other camera has one", where=path)
    return {"notes": [f"{told} in {path.name} and {'are' if many else 'is'} left out"]}


def read_rig(path: Path, content: Mapping[str, Any]) -> RigFile:
    """Build every camera of a parsed file, named by its ``name``, else by its table.

    Cameras without a pose are left out and named in the notes.
    """
    cameras: dict[str, Camera] = {}
    without: list[str] = []
    for key, camera in camera_tables(content).items():
        name = str(camera.get("name", key))
        require_new(name, [*cameras, *without], path)
        if not has_pose(camera) and CAMERA_KEYS & set(camera):
            without.append(name)
            continue
        with camera_errors(path, name):
            cameras[name] = camera_from_table(camera)
    return RigFile(cameras, provenance=unposed(without, cameras, path))


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
        isinstance(camera.get("distortions"), list)
        and len(camera["distortions"]) == 4
        and camera.get("fisheye") is False
        for camera in tables
    )


def _matches(path: Path) -> bool:
    return looks_like_cameras(path) and not is_pose2sim(path)


def _read(path: Path) -> RigFile:
    content = read_toml(path)
    metadata = table(content.get("metadata", {}), "metadata", path)
    return replace(
        read_rig(path, content),
        units=one_of(metadata.get("units"), UNITS_IN_M, "metadata.units", path),
        up=one_of(metadata.get("up"), UP_AXES, "metadata.up", path),
    )


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
