"""COLMAP models, text and binary (`colmap_files`), written by pycolmap.

COLMAP's first pixel has its centre at (0.5, 0.5): half a pixel is taken off here and nowhere else.
Each posed image is a camera, called by the image's name, or by its folder. A model of one rig with
several sensors and several frames is the rig itself: its cameras sit still in the frame of the
reference sensor, and are called by the folder of their images. COLMAP stores no unit of length.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mvboot.errors import InputError, take_signals_back
from mvboot.files import atomic_folder
from mvboot.formats.colmap_files import Intrinsics, Model, read_model
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
from mvboot.geometry import Camera
from mvboot.rig import Rig

if TYPE_CHECKING:
    import pycolmap

HALF_PIXEL = 0.5
UNIT = 1e-3
"""How far the length of a quaternion may be from 1."""
FARTHEST = 1e100
IDENTITY = np.array([1.0, 0, 0, 0, 0, 0, 0])
LIMITS = Limits(
    "COLMAP", lenses=("pinhole", "brown", "fisheye"), coefficients=8, skew=False, size=True
)

Parameters = NDArray[np.float64]

# Focal lengths and centre first, then (lens, distortion coefficients in OpenCV's order).
LENSES: dict[str, Callable[[Parameters], tuple[Parameters, str, Parameters]]] = {
    "SIMPLE_PINHOLE": lambda p: (p[[0, 0, 1, 2]], "pinhole", p[3:]),
    "PINHOLE": lambda p: (p[:4], "pinhole", p[4:]),
    "SIMPLE_RADIAL": lambda p: (p[[0, 0, 1, 2]], "brown", p[3:]),
    "RADIAL": lambda p: (p[[0, 0, 1, 2]], "brown", p[3:]),
    "OPENCV": lambda p: (p[:4], "brown", p[4:]),
    "FULL_OPENCV": lambda p: (p[:4], "brown", p[4:]),
    "SIMPLE_RADIAL_FISHEYE": lambda p: (p[[0, 0, 1, 2]], "fisheye", np.pad(p[3:], (0, 3))),
    "RADIAL_FISHEYE": lambda p: (p[[0, 0, 1, 2]], "fisheye", np.pad(p[3:], (0, 2))),
    "OPENCV_FISHEYE": lambda p: (p[:4], "fisheye", p[4:]),
}


def _matches(path: Path) -> bool:
    return any((path / f"cameras{suffix}").is_file() for suffix in (".txt", ".bin"))


def _read(path: Path) -> RigFile:
    model = read_model(path)
    if not model.images:
        raise InputError("the COLMAP model has no posed image", where=path)
    if len(model.rigs) == 1 and model.rigs[0].poses and model.frames > 1:
        return RigFile(_rig_cameras(model, path))
    cameras = {}
    for name, image in zip(
        _names([image.name for image in model.images]), model.images, strict=True
    ):
        if name in cameras:
            raise InputError(f"two images are called {name}", where=path)
        with camera_errors(path, name):
            cameras[name] = _camera(model.cameras[image.camera], _pose(image.pose))
    return RigFile(cameras)


def _names(images: list[str]) -> list[str]:
    """Return names of cameras for those of images.

    The folder where each image has one of its own (``left/000.jpg``), else the path with ``_``.
    """
    folders = [str(PurePosixPath(image).parent) for image in images]
    if len(set(folders)) == len(images) and "." not in folders:
        images = folders
    return [image.replace("\\", "/").strip("/").replace("/", "_") for image in images]


def _rig_cameras(model: Model, path: Path) -> dict[str, Camera]:
    """Return the cameras of one rig that was in several places: they sit still in its own frame."""
    rig = model.rigs[0]
    cameras = {}
    for number, pose in sorted({rig.reference: IDENTITY, **rig.poses}.items()):
        if number not in model.cameras:
            raise InputError(f"the rig names camera {number}, of which there is none", where=path)
        name = _sensor_name(model, number)
        if pose is None:
            raise InputError(f"camera {name} has no pose in its rig", where=path)
        with camera_errors(path, name):
            cameras[name] = _camera(model.cameras[number], _pose(pose))
    return cameras


def _sensor_name(model: Model, number: int) -> str:
    folders = {
        str(PurePosixPath(image.name).parent) for image in model.images if image.camera == number
    }
    only = folders.pop() if len(folders) == 1 else "."
    return only.replace("/", "_") if only != "." else f"cam_{number}"


def _pose(pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [R | t] (3, 4) of a Hamilton quaternion (w, x, y, z) and a translation."""
    usable = bool((np.abs(pose) < FARTHEST).all())  # and no NaN
    if not usable or abs(float(np.linalg.norm(pose[:4])) - 1) > UNIT:
        raise ValueError("its pose has no unit quaternion")
    w, x, y, z = pose[:4]
    R = Rotation.from_quat([x, y, z, w]).as_matrix()
    return np.column_stack([R, pose[4:]])


def focal_and_centre(camera: Camera) -> list[float]:
    """Return COLMAP's fx, fy, cx, cy of a camera; its pixels begin half a pixel before ours."""
    K = camera.K.numpy()
    return [K[0, 0], K[1, 1], K[0, 2] + HALF_PIXEL, K[1, 2] + HALF_PIXEL]


def matrix_of(fx: float, fy: float, cx: float, cy: float) -> list[list[float]]:
    """Return K of COLMAP's fx, fy, cx, cy."""
    return [[fx, 0, cx - HALF_PIXEL], [0, fy, cy - HALF_PIXEL], [0, 0, 1]]


def _camera(camera: Intrinsics, pose: NDArray[np.float64]) -> Camera:
    if camera.model not in LENSES:
        raise ValueError(
            f"camera model {camera.model} is not supported; known are {', '.join(LENSES)}"
        )
    (fx, fy, cx, cy), lens, distortion = LENSES[camera.model](camera.params)
    return Camera.from_opencv(
        matrix_of(fx, fy, cx, cy),
        brown(distortion) if lens == "brown" else distortion,
        pose[:, :3],
        pose[:, 3],
        size=(camera.width, camera.height),
        lens=lens,
    )


def _write(rig: Rig, path: Path) -> None:
    import pycolmap  # slow to load

    take_signals_back()
    LIMITS.check(rig, path)
    model = pycolmap.Reconstruction()
    bundle = pycolmap.Rig(rig_id=1)
    for number, camera in enumerate(rig.cameras.values(), start=1):
        colmap_camera = _colmap_camera(number, camera)
        model.add_camera(colmap_camera)
        R, t = numpy_pose(camera)
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(R), t)
        if number == 1:
            bundle.add_ref_sensor(colmap_camera.sensor_id)
            rig_from_world = pose
        else:
            bundle.add_sensor(colmap_camera.sensor_id, pose * rig_from_world.inverse())
    model.add_rig(bundle)
    frame = pycolmap.Frame(frame_id=1, rig_id=1, rig_from_world=rig_from_world)
    for number in range(1, len(rig) + 1):
        frame.add_data_id(pycolmap.data_t(model.cameras[number].sensor_id, number))
    model.add_frame(frame)
    for number, name in enumerate(rig.names, start=1):
        image = pycolmap.Image(name=name, camera_id=number, image_id=number)
        image.frame_id = 1
        model.add_image(image)
    model.register_frame(1)
    with atomic_folder(path, overwrite=True) as folder:
        model.write_text(str(folder))


def _colmap_camera(number: int, camera: Camera) -> "pycolmap.Camera":
    import pycolmap

    focal = focal_and_centre(camera)
    used = len(used_coefficients(camera.lens))
    if camera.lens.name == "fisheye":
        model, count = "OPENCV_FISHEYE", 4
    elif used == 0:
        model, count = "PINHOLE", 0
    elif used <= 4:
        model, count = "OPENCV", 4
    else:
        model, count = "FULL_OPENCV", 8
    width, height = camera.size or (0, 0)
    return pycolmap.Camera(
        camera_id=number,
        model=model,
        width=width,
        height=height,
        params=[*focal, *padded_coefficients(camera.lens, count)],
    )


FORMAT = RigFormat("colmap", "COLMAP model", _matches, _read, _write)
