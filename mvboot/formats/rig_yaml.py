"""``rig.yaml``, our own format: the only one that expresses every rig.

The schema (DESIGN 4) is a pydantic model; ``python -m mvboot.formats.rig_yaml`` prints it as JSON
schema, which is kept in ``docs/rig.schema.json``.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mvboot.config import load_yaml, parse_yaml, yaml_text
from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.rig_format import RigFile, RigFormat, camera_errors
from mvboot.geometry import Camera
from mvboot.reading import head, read_text
from mvboot.rig import Rig
from mvboot.units import Unit

POSE_COLUMNS = ("frame", "rx", "ry", "rz", "tx", "ty", "tz")

FILL_IN = "FILL_IN"
"""Stands for a value in what ``mvboot rig template`` writes."""

Vector3 = tuple[float, float, float]
Matrix3 = tuple[Vector3, Vector3, Vector3]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)


class CameraModel(_Strict):
    """One camera: intrinsics as K or as fx, fy, cx, cy, skew; pose fixed or per frame."""

    size: tuple[int, int] | None = Field(None, description="image width and height in pixels")
    lens: Literal["pinhole", "brown", "fisheye"] = "pinhole"
    K: Matrix3 | None = Field(None, description="intrinsic matrix in pixels")
    fx: float | None = None
    fy: float | None = None
    cx: float | None = None
    cy: float | None = None
    skew: float = 0.0
    distortion: list[float] = Field(default=[], description="coefficients in OpenCV's order")
    rotation: Vector3 | Matrix3 | None = Field(
        None, description="Rodrigues vector in radians or 3x3 matrix, world to camera"
    )
    translation: Vector3 | None = Field(None, description="world to camera, in the rig's units")
    frames: str | None = Field(
        None, description=f"CSV or Parquet file of per-frame poses: {', '.join(POSE_COLUMNS)}"
    )

    @model_validator(mode="after")
    def _complete(self) -> "CameraModel":
        if self.K is None and None in (self.fx, self.fy, self.cx, self.cy):
            raise ValueError("needs K, or all of fx, fy, cx, cy")
        if self.K is not None and self.fx is not None:
            raise ValueError("has both K and fx; keep one")
        if self.frames is None and (self.rotation is None or self.translation is None):
            raise ValueError("needs rotation and translation, or frames: a file of poses")
        if self.frames is not None and self.rotation is not None:
            raise ValueError("has both rotation and frames; keep one")
        return self

    def matrix(self) -> Any:
        """Return K (3, 3)."""
        return self.K or [[self.fx, self.skew, self.cx], [0, self.fy, self.cy], [0, 0, 1]]


class RigModel(_Strict):
    """The whole file."""

    schema_: Literal[1] = Field(alias="schema", description="version of this format")
    units: Unit = Field(description="unit of length of the world")
    up: Literal["x", "y", "z", "-x", "-y", "-z"] | None = Field(
        None, description="axis of the world that points up, the floor through the origin"
    )
    cameras: dict[str, CameraModel] = Field(min_length=1)
    provenance: dict[str, Any] = {}


def _matches(path: Path) -> bool:
    text = head(path, 200_000)
    return path.suffix in (".yaml", ".yml") and "cameras:" in text and "opencv-matrix" not in text


def _read(path: Path) -> RigFile:
    _require_filled(path)
    model = load_yaml(path, RigModel)
    cameras = {}
    for name, entry in model.cameras.items():
        with camera_errors(path, name):
            cameras[name] = _camera(entry, path)
    return RigFile(cameras, units=model.units, up=model.up, provenance=dict(model.provenance))


def _require_filled(path: Path) -> None:
    """Raise InputError for the first value of ``mvboot rig template`` that nobody filled in."""
    text = read_text(path)
    if FILL_IN not in text:
        return
    for key in _unfilled(parse_yaml(text, path)):
        lines = [line.partition("#")[0] for line in text.splitlines()]
        number = next((i for i, line in enumerate(lines, 1) if FILL_IN in line), 1)
        raise InputError(
            f"{key} is still to be filled in: put its value in place of {FILL_IN}",
            where=f"{path}:{number}",
        )


def _unfilled(value: Any, key: str = "") -> Iterator[str]:
    if value == FILL_IN:
        yield key
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _unfilled(part, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for part in value:
            yield from _unfilled(part, key)


def _camera(entry: CameraModel, path: Path) -> Camera:
    frames, rotation, translation = None, entry.rotation, entry.translation
    if entry.frames is not None:
        frames, rotation, translation = _read_poses(path.parent / entry.frames)
    return Camera.from_opencv(
        entry.matrix(), entry.distortion, rotation, translation, entry.size, entry.lens, frames
    )


def _read_poses(path: Path) -> tuple[Any, Any, Any]:
    if not path.is_file():
        raise InputError("no such file of poses", where=path)
    import pandas as pd  # slow to load, and few rigs move

    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (ValueError, OSError) as error:
        raise InputError(f"is no readable table of poses ({error})", where=path) from None
    missing = [column for column in POSE_COLUMNS if column not in table]
    if missing:
        raise InputError(f"lacks the columns {', '.join(missing)}", where=path)
    try:
        values = table[list(POSE_COLUMNS)].to_numpy(dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise InputError(f"holds something that is no number ({error})", where=path) from None
    if len(values) == 0 or not np.isfinite(values).all() or (values[:, 0] % 1).any():
        raise InputError(
            "needs whole frame numbers, and numbers for each of their poses, in one row or more",
            where=path,
        )
    return values[:, 0].astype(np.int64), values[:, 1:4], values[:, 4:]


def _write(rig: Rig, path: Path) -> None:
    content: dict[str, Any] = {"schema": 1, "units": rig.units}
    if rig.up:
        content["up"] = rig.up
    content["cameras"] = {name: _entry(name, rig[name], path) for name in rig.names}
    if rig.provenance:
        content["provenance"] = dict(rig.provenance)
    with atomic_file(path) as partial:
        partial.write_text(yaml_text(content), encoding="utf-8")


def _entry(name: str, camera: Camera, path: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {"size": list(camera.size)} if camera.size else {}
    entry |= {"lens": camera.lens.name, "K": camera.K.tolist()}
    if len(camera.lens.coefficients):
        entry["distortion"] = camera.lens.coefficients.tolist()
    if camera.is_moving:
        return entry | {"frames": _write_poses(name, camera, path)}
    return entry | {
        "rotation": camera.cam_from_world.R.tolist(),
        "translation": camera.cam_from_world.t.tolist(),
    }


def _write_poses(name: str, camera: Camera, path: Path) -> str:
    pose = camera.cam_from_world
    assert camera.frames is not None
    import pandas as pd

    values = np.column_stack([pose.rotvec.numpy(), pose.t.numpy()])
    table = pd.DataFrame(values, columns=list(POSE_COLUMNS[1:]))
    table.insert(0, "frame", camera.frames.numpy())
    file = path.with_name(f"{path.stem}.{name}.poses.csv")
    with atomic_file(file) as partial:
        table.to_csv(partial, index=False)
    return file.name


FORMAT = RigFormat("rig.yaml", "rig.yaml", _matches, _read, _write, suffixes=(".yaml", ".yml"))

if __name__ == "__main__":
    print(json.dumps(RigModel.model_json_schema(by_alias=True), indent=2))
