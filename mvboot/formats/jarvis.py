"""JARVIS: a folder with one OpenCV YAML file a camera, in the row-vector form x = [X 1][R; T] K.

So ``intrinsicMatrix`` and ``R`` stand transposed against OpenCV's. JARVIS itself uses k1 and k2 of
the five coefficients; all five are read. The file stores no unit of length and no image size.
"""

from pathlib import Path

import numpy as np

from mvboot.formats.file_storage import Storage, read_cameras, storage_files, writing
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    array,
    brown,
    numpy_pose,
    padded_coefficients,
)
from mvboot.geometry import Camera
from mvboot.reading import head
from mvboot.rig import Rig

LIMITS = Limits("JARVIS YAML", coefficients=5, names_files=True)


def _matches(path: Path) -> bool:
    files = storage_files(path)
    return bool(files) and all("intrinsicMatrix" in head(file) for file in files)


def _read(path: Path) -> RigFile:
    return RigFile(read_cameras(storage_files(path), _camera))


def _camera(storage: Storage) -> Camera:
    return Camera.from_opencv(
        array(storage.matrix("intrinsicMatrix"), (3, 3), "intrinsicMatrix").T,
        brown(storage.matrix("distortionCoefficients")),
        array(storage.matrix("R"), (3, 3), "R").T,
        storage.matrix("T"),
    )


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    for name, camera in rig.cameras.items():
        R, t = numpy_pose(camera)
        with writing(path / f"{name}.yaml") as storage:
            storage.write("intrinsicMatrix", np.ascontiguousarray(camera.K.numpy().T))
            storage.write("distortionCoefficients", np.array([padded_coefficients(camera.lens, 5)]))
            storage.write("R", np.ascontiguousarray(R.T))
            storage.write("T", t[:, None])


FORMAT = RigFormat("jarvis", "JARVIS YAML", _matches, _read, _write)
