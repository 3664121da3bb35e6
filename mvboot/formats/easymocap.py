"""EasyMocap: ``intri.yml`` and ``extri.yml`` in one folder, metres, floor at z = 0, z up.

Keys carry the camera's name: ``K_<name>``, ``dist_<name>``, optional ``H_`` and ``W_`` in the one,
``R_<name>`` (Rodrigues) or ``Rot_<name>`` (3x3) and ``T_<name>`` in the other.
"""

from pathlib import Path

import numpy as np

from mvboot.formats.file_storage import Storage, check_key_names, writing
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    brown,
    camera_errors,
    numpy_pose,
    padded_coefficients,
)
from mvboot.geometry import Camera
from mvboot.rig import Rig

LIMITS = Limits("EasyMocap", coefficients=5)


def _folder(path: Path) -> Path:
    return path.parent if path.name in ("intri.yml", "extri.yml") else path


def _matches(path: Path) -> bool:
    folder = _folder(path)
    return (folder / "intri.yml").is_file() and (folder / "extri.yml").is_file()


def _read(path: Path) -> RigFile:
    intri, extri = Storage(_folder(path) / "intri.yml"), Storage(_folder(path) / "extri.yml")
    with camera_errors(intri.path, "list"):
        names = intri.strings("names")
    cameras = {}
    for name in names:
        with camera_errors(path, name):
            cameras[name] = _camera(name, intri, extri)
    return RigFile(cameras, usual_units="m", up="z")


def _camera(name: str, intri: Storage, extri: Storage) -> Camera:
    width, height = intri.number(f"W_{name}"), intri.number(f"H_{name}")
    has_size = width is not None and height is not None and width > 0 and height > 0
    return Camera.from_opencv(
        intri.matrix(f"K_{name}"),
        brown(intri.matrix(f"dist_{name}", f"D_{name}")),
        extri.matrix(f"Rot_{name}", f"R_{name}"),
        extri.matrix(f"T_{name}"),
        size=(int(width or 0), int(height or 0)) if has_size else None,
    )


def _write(rig: Rig, path: Path) -> None:
    import cv2  # slow to load

    LIMITS.check(rig, path)
    check_key_names(rig, path)
    metric = rig.in_units("m").cameras
    with writing(path / "intri.yml") as intri, writing(path / "extri.yml") as extri:
        for storage in (intri, extri):
            storage.startWriteStruct("names", cv2.FileNode_SEQ)
            for name in rig.names:
                storage.write("", name)
            storage.endWriteStruct()
        for name, camera in metric.items():
            R, t = numpy_pose(camera)
            intri.write(f"K_{name}", camera.K.numpy())
            intri.write(f"dist_{name}", np.array([padded_coefficients(camera.lens, 5)]))
            if camera.size:
                intri.write(f"W_{name}", camera.size[0])
                intri.write(f"H_{name}", camera.size[1])
            extri.write(f"R_{name}", camera.cam_from_world.rotvec.numpy()[:, None])
            extri.write(f"Rot_{name}", R)
            extri.write(f"T_{name}", t[:, None])


FORMAT = RigFormat("easymocap", "EasyMocap intri.yml/extri.yml (m, z up)", _matches, _read, _write)
