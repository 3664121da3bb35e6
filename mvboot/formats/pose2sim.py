"""Pose2Sim ``Calib.toml``: anipose's tables with four coefficients, in metres, world z up."""

from dataclasses import replace
from pathlib import Path

from mvboot.files import atomic_file
from mvboot.formats.anipose import is_pose2sim, looks_like_cameras, read_rig
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    padded_coefficients,
    rodrigues,
    toml_table,
)
from mvboot.reading import read_toml
from mvboot.rig import Rig

LIMITS = Limits("Pose2Sim TOML", coefficients=4, skew=False, size=True)


def _matches(path: Path) -> bool:
    return looks_like_cameras(path) and is_pose2sim(path)


def _read(path: Path) -> RigFile:
    return replace(read_rig(path, read_toml(path)), usual_units="m", up="z")


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    tables = [
        toml_table(
            _quoted(name),
            {
                "name": name,
                "size": [float(v) for v in camera.size or ()],
                "matrix": camera.K.tolist(),
                "distortions": padded_coefficients(camera.lens, 4),
                "rotation": rodrigues(camera),
                "translation": camera.cam_from_world.t.tolist(),
                "fisheye": False,
            },
        )
        for name, camera in rig.in_units("m").cameras.items()
    ]
    metadata = toml_table("metadata", {"adjusted": False, "error": 0.0})
    with atomic_file(path) as partial:
        partial.write_text("\n".join([*tables, metadata]))


def _quoted(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else f'"{name}"'


FORMAT = RigFormat("pose2sim", "Pose2Sim TOML (m, z up)", _matches, _read, _write)
