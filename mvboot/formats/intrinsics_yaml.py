"""``intrinsics.yaml``: cameras without poses, as a calibration of each camera alone gives them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mvboot.config import load_yaml, parse_yaml, yaml_text
from mvboot.files import atomic_file
from mvboot.formats.rig_format import camera_errors
from mvboot.formats.rig_yaml import Matrix3
from mvboot.formats.rigs import load_cameras
from mvboot.geometry import Camera
from mvboot.reading import read_text


class _CameraModel(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: tuple[int, int]
    lens: Literal["pinhole", "brown", "fisheye"]
    K: Matrix3
    distortion: list[float] = []


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_: Literal[1] = Field(alias="schema")
    intrinsics: dict[str, _CameraModel] = Field(min_length=1)
    provenance: dict[str, Any] = {}


def load_intrinsics(path: str | Path) -> dict[str, Camera]:
    """Read cameras by name, at no particular pose: from ``intrinsics.yaml`` or from any rig.

    InputError as for `load_rig`.
    """
    path = Path(path)
    if not _is_own(path):
        return load_cameras(path)
    cameras = {}
    for name, entry in load_yaml(path, _File).intrinsics.items():
        with camera_errors(path, name):
            cameras[name] = Camera.from_opencv(
                entry.K, entry.distortion, size=entry.size, lens=entry.lens
            )
    return cameras


def save_intrinsics(
    cameras: Mapping[str, Camera], path: str | Path, provenance: Mapping[str, Any]
) -> None:
    """Write the sizes, lenses and K of cameras; their poses are left out."""
    content = {
        "schema": 1,
        "intrinsics": {
            name: {
                "size": list(camera.size or ()),
                "lens": camera.lens.name,
                "K": camera.K.tolist(),
                "distortion": camera.lens.coefficients.tolist(),
            }
            for name, camera in cameras.items()
        },
        "provenance": dict(provenance),
    }
    with atomic_file(path) as partial:
        partial.write_text(yaml_text(content), encoding="utf-8")


def _is_own(path: Path) -> bool:
    if path.suffix not in (".yaml", ".yml") or not path.is_file():
        return False
    data = parse_yaml(read_text(path), path)
    return isinstance(data, Mapping) and "intrinsics" in data
