"""DANNCE and Label3D ``*dannce.mat``: MATLAB's row-vector cameras [X 1][R; t] K, millimetres.

K and the rotation stand transposed against OpenCV's; K may be skewed. The pixel origin is kept as
it is stored: the files' own 2D and 3D labels agree without a shift.
"""

from pathlib import Path
from typing import Any

import numpy as np

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.mat import cells, read_mat, variables
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    array,
    brown,
    camera_errors,
    numpy_pose,
    padded_coefficients,
)
from mvboot.geometry import Camera
from mvboot.rig import Rig

LIMITS = Limits("DANNCE .mat", coefficients=5)


def _matches(path: Path) -> bool:
    return path.suffix == ".mat" and "params" in variables(path)


def _read(path: Path) -> RigFile:
    content = read_mat(path)
    if "params" not in content:
        raise InputError("has no variable `params` with the cameras", where=path)
    params = cells(content["params"])
    names = camera_names(content, len(params), path)
    cameras = {}
    for name, entry in zip(names, params, strict=True):
        with camera_errors(path, name):
            cameras[name] = _camera(entry)
    return RigFile(cameras, usual_units="mm")


def camera_names(content: dict[str, Any], count: int, path: Path) -> list[str]:
    """Return ``camnames``, or ``Camera1``, ``Camera2``, ... (DANNCE's own) where it is missing."""
    if "camnames" not in content:
        return [f"Camera{i + 1}" for i in range(count)]
    names = [str(name) for name in cells(content["camnames"])]
    if len(names) != count:
        raise InputError(f"has {count} cameras but {len(names)} camera names", where=path)
    return names


def _camera(entry: Any) -> Camera:
    if not isinstance(entry, dict):
        raise ValueError("its parameters are no struct with K, r, t, RDistort and TDistort")
    radial = np.ravel(entry.get("RDistort", []))
    tangential = np.resize(np.ravel(entry.get("TDistort", [0.0, 0.0])), 2)
    k1, k2, k3 = [*radial, 0.0, 0.0, 0.0][:3]
    rotation = entry["r"] if "r" in entry else entry["R"]
    return Camera.from_opencv(
        array(entry["K"], (3, 3), "K").T,
        brown([k1, k2, *tangential, k3]),
        array(rotation, (3, 3), "r").T,
        array(entry["t"], (3,), "t"),
    )


def _write(rig: Rig, path: Path) -> None:
    from scipy.io import savemat  # slow to load

    LIMITS.check(rig, path)
    params = np.empty((len(rig), 1), dtype=object)
    names = np.empty((1, len(rig)), dtype=object)
    for i, (name, camera) in enumerate(rig.in_units("mm").cameras.items()):
        R, t = numpy_pose(camera)
        k1, k2, p1, p2, k3 = padded_coefficients(camera.lens, 5)
        names[0, i] = name
        params[i, 0] = {
            "K": camera.K.numpy().T,
            "r": R.T,
            "t": t[None],
            "RDistort": np.array([[k1, k2, k3]]),
            "TDistort": np.array([[p1, p2]]),
        }
    with atomic_file(path) as partial:
        savemat(partial, {"params": params, "camnames": names})


FORMAT = RigFormat("dannce", "DANNCE/Label3D .mat (mm)", _matches, _read, _write, (".mat",))
