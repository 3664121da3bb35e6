"""Cameras as OpenCV FileStorage files: a folder with one file a camera, named by the file.

Also the pair ``intrinsics.yml`` (M1 D1 M2 D2) and ``extrinsics.yml`` (R T) that OpenCV's stereo
calibration writes: cameras ``left`` and ``right``, the world is the left camera's frame.
"""

from pathlib import Path

import numpy as np

from mvboot.errors import InputError
from mvboot.formats.file_storage import Storage, read_cameras, storage_files, writing
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    brown,
    camera_errors,
    numpy_pose,
    padded_coefficients,
    used_coefficients,
)
from mvboot.formats.storage_text import parse_storage
from mvboot.geometry import Brown, Camera
from mvboot.reading import head
from mvboot.rig import Rig

K_NAMES = ("camera_matrix", "cameraMatrix", "Camera_Matrix", "K")
DISTORTION_NAMES = (
    "distortion_coefficients",
    "dist_coeffs",
    "distCoeffs",
    "Distortion_Coefficients",
    "dist",
    "D",
)
ROTATION_NAMES = ("R", "rotation_matrix", "rotation", "rvec", "Rot")
TRANSLATION_NAMES = ("T", "t", "translation", "translation_vector", "tvec")
FOREIGN = ("intrinsicMatrix", "<CameraMatrix", "K_", "camera_pose_matrix")
"""Keys of other formats of FileStorage files: JARVIS, OpenPose, EasyMocap, MC-Calib."""

LIMITS = Limits(
    "OpenCV FileStorage",
    lenses=("pinhole", "brown", "fisheye"),
    coefficients=14,
    names_files=True,
)


def _is_camera_file(path: Path) -> bool:
    text = head(path, 100_000)
    return "opencv-matrix" in text and not any(key in text for key in FOREIGN)


def _is_image_list(path: Path) -> bool:
    """Whether a file lists pictures, as OpenCV's calibration samples leave them beside results.

    It has one entry, and that is words: a list of them, or in XML one text.
    """
    if "opencv-matrix" in head(path):
        return False
    try:
        content = list(parse_storage(path).values())
    except InputError:
        return False
    words = content[0] if len(content) == 1 else None
    listed = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return bool(words) and (listed or isinstance(words, str))


def _camera_files(path: Path) -> list[Path]:
    files = storage_files(path)
    return [file for file in files if not (path.is_dir() and _is_image_list(file))]


def _matches(path: Path) -> bool:
    files = _camera_files(path)
    return bool(files) and all(_is_camera_file(file) for file in files)


def _read(path: Path) -> RigFile:
    if path.is_dir() and (path / "intrinsics.yml").is_file():
        return RigFile(_stereo_pair(path))
    return RigFile(read_cameras(_camera_files(path), _camera))


def _camera(storage: Storage) -> Camera:
    lens = "fisheye" if storage.number("fisheye") else "brown"
    distortion = np.zeros(0)
    if storage.first(*DISTORTION_NAMES):
        distortion = storage.matrix(*DISTORTION_NAMES).reshape(-1)
    width, height = storage.number("image_width"), storage.number("image_height")
    return Camera.from_opencv(
        storage.matrix(*K_NAMES),
        distortion if lens == "fisheye" else brown(distortion),
        storage.matrix(*ROTATION_NAMES),
        storage.matrix(*TRANSLATION_NAMES),
        size=(int(width), int(height)) if width and height else None,
        lens=lens,
    )


def _stereo_pair(folder: Path) -> dict[str, Camera]:
    if not (folder / "extrinsics.yml").is_file():
        raise InputError("intrinsics.yml needs extrinsics.yml beside it", where=folder)
    intrinsics, extrinsics = Storage(folder / "intrinsics.yml"), Storage(folder / "extrinsics.yml")
    with camera_errors(folder, "left"):
        left = Camera.from_opencv(intrinsics.matrix("M1"), brown(intrinsics.matrix("D1")))
    with camera_errors(folder, "right"):
        right = Camera.from_opencv(
            intrinsics.matrix("M2"),
            brown(intrinsics.matrix("D2")),
            extrinsics.matrix("R"),
            extrinsics.matrix("T"),
        )
    return {"left": left, "right": right}


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    for name, camera in rig.cameras.items():
        R, t = numpy_pose(camera)
        fisheye = camera.lens.name == "fisheye"
        used = len(used_coefficients(camera.lens))
        count = next(n for n in Brown.counts if n >= used)  # OpenCV takes no other number of them
        with writing(path / f"{name}.yml") as storage:
            if camera.size:
                storage.write("image_width", camera.size[0])
                storage.write("image_height", camera.size[1])
            storage.write("camera_matrix", camera.K.numpy())
            distortion = padded_coefficients(camera.lens, 4 if fisheye else count)
            storage.write("distortion_coefficients", np.array([distortion]))
            storage.write("fisheye", int(fisheye))
            storage.write("R", R)
            storage.write("T", t[:, None])


FORMAT = RigFormat("opencv", "OpenCV FileStorage", _matches, _read, _write)
