"""DTU and IDR ``cameras*.npz``: ``world_mat_i`` (4x4 or 3x4 projection), ``scale_mat_i``.

Camera i is called ``cam_i``. ``scale_mat`` maps a unit sphere to the object: a hint for surface
fitting that leaves the projection alone. The file stores neither unit nor image size.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    array,
    camera_errors,
    camera_numbers,
    pinhole_camera,
    projection,
)
from mvboot.npz import NpzFile
from mvboot.rig import Rig

PREFIX = "world_mat_"
MOST_BYTES = 16 << 20
"""Matrices of more cameras than anybody has."""
LIMITS = Limits("DTU/IDR npz", lenses=("pinhole",), coefficients=0)


def load_arrays(path: Path) -> dict[str, NDArray[np.float64]]:
    """Return the arrays of an npz file; InputError where it is cut off, no npz, or too large."""
    with NpzFile(path, "an npz file of matrices", most=MOST_BYTES) as file:
        return file.several(file.names)


def array_names(path: Path) -> list[str]:
    """Return the names in an npz file, [] where it is none."""
    try:
        with NpzFile(path) as file:
            return list(file.names)
    except InputError:
        return []


def _numbers(names: list[str]) -> list[int]:
    ends = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
    return sorted(int(end) for end in ends if end.isdecimal())


def _matches(path: Path) -> bool:
    return path.suffix == ".npz" and bool(_numbers(array_names(path)))


def _read(path: Path) -> RigFile:
    arrays = load_arrays(path)
    cameras = {}
    for number in _numbers(list(arrays)):
        name = f"cam_{number}"
        with camera_errors(path, name):
            P = arrays[f"{PREFIX}{number}"]
            cameras[name] = pinhole_camera(array(P[:3], (3, 4), "world_mat"))
    return RigFile(cameras)


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    arrays = {}
    for number, camera in zip(camera_numbers(rig), rig.cameras.values(), strict=True):
        arrays[f"{PREFIX}{number}"] = np.vstack([projection(camera), [0, 0, 0, 1]])
        arrays[f"scale_mat_{number}"] = np.eye(4)
    # to a path, numpy would add .npz; its stub wants a bool for the arrays
    with atomic_file(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


FORMAT = RigFormat("idr", "DTU/IDR npz", _matches, _read, _write)
