"""OpenPose: a folder with one XML file a camera, named by its serial number.

``CameraMatrix`` is [R | t], world to camera; ``Distortion`` has eight coefficients. The file
stores neither the unit of length nor the image size.
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

LIMITS = Limits("OpenPose XML", coefficients=8, names_files=True)


def _matches(path: Path) -> bool:
    files = storage_files(path)
    return bool(files) and all("<CameraMatrix" in head(file) for file in files)


def _read(path: Path) -> RigFile:
    return RigFile(read_cameras(storage_files(path), _camera))


def _camera(storage: Storage) -> Camera:
    pose = array(storage.matrix("CameraMatrix"), (3, 4), "CameraMatrix")
    return Camera.from_opencv(
        storage.matrix("Intrinsics"), brown(storage.matrix("Distortion")), pose[:, :3], pose[:, 3]
    )


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    for name, camera in rig.cameras.items():
        R, t = numpy_pose(camera)
        with writing(path / f"{name}.xml") as storage:
            storage.write("CameraMatrix", np.column_stack([R, t]))
            storage.write("Intrinsics", camera.K.numpy())
            storage.write("Distortion", np.array(padded_coefficients(camera.lens, 8))[:, None])


FORMAT = RigFormat("openpose", "OpenPose XML", _matches, _read, _write)
