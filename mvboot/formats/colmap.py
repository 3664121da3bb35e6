"""COLMAP models, text and binary, read and written by pycolmap.

COLMAP's first pixel has its centre at (0.5, 0.5): half a pixel is taken off here and nowhere else.
Each posed image is a camera, called by the image's name. A model of one rig with several sensors
and several frames is the rig itself: its cameras sit still in the frame of the reference sensor,
and are called by the folder of their images. COLMAP stores no unit of length.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pycolmap
from numpy.typing import NDArray

from mvboot.errors import InputError, take_signals_back
from mvboot.files import atomic_folder
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

take_signals_back()

HALF_PIXEL = 0.5
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
    try:
        model = pycolmap.Reconstruction(str(path))
    except (RuntimeError, ValueError, IndexError, OSError) as error:
        message = str(error).splitlines()[0] if str(error) else "unknown error"
        raise InputError(f"is no readable COLMAP model ({message})", where=path) from None
    posed = {image_id: image for image_id, image in model.images.items() if image.has_pose}
    if not posed:
        raise InputError("the COLMAP model has no posed image", where=path)
    if _is_one_rig(model):
        return RigFile(_rig_cameras(model, path))
    cameras = {}
    for _, image in sorted(posed.items()):
        with camera_errors(path, image.name):
            cameras[image.name] = _camera(
                model.cameras[image.camera_id], image.cam_from_world().matrix()
            )
    return RigFile(cameras)


def _is_one_rig(model: pycolmap.Reconstruction) -> bool:
    """Whether the model is one rig of several sensors seen in several frames."""
    rigs = list(model.rigs.values())
    return len(rigs) == 1 and rigs[0].num_sensors() > 1 and model.num_reg_frames() > 1


def _rig_cameras(model: pycolmap.Reconstruction, path: Path) -> dict[str, Camera]:
    rig = next(iter(model.rigs.values()))
    cameras = {}
    for camera_id, camera in sorted(model.cameras.items()):
        sensor = camera.sensor_id
        if not rig.has_sensor(sensor):
            continue
        name = _sensor_name(model, camera_id)
        pose = np.eye(3, 4)
        if not rig.is_ref_sensor(sensor):
            pose = rig.sensor_from_rig(sensor).matrix()
        with camera_errors(path, name):
            cameras[name] = _camera(camera, pose)
    return cameras


def _sensor_name(model: pycolmap.Reconstruction, camera_id: int) -> str:
    folders = {
        str(Path(image.name).parent)
        for image in model.images.values()
        if image.camera_id == camera_id
    }
    only = folders.pop() if len(folders) == 1 else "."
    return only if only != "." else f"cam_{camera_id}"


def _camera(camera: pycolmap.Camera, pose: NDArray[np.float64]) -> Camera:
    model = camera.model.name
    if model not in LENSES:
        raise ValueError(f"camera model {model} is not supported; known are {', '.join(LENSES)}")
    (fx, fy, cx, cy), lens, distortion = LENSES[model](np.asarray(camera.params))
    K = [[fx, 0, cx - HALF_PIXEL], [0, fy, cy - HALF_PIXEL], [0, 0, 1]]
    return Camera.from_opencv(
        K,
        brown(distortion) if lens == "brown" else distortion,
        pose[:, :3],
        pose[:, 3],
        size=(camera.width, camera.height),
        lens=lens,
    )


def _write(rig: Rig, path: Path) -> None:
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


def _colmap_camera(number: int, camera: Camera) -> pycolmap.Camera:
    K = camera.K.numpy()
    focal = [K[0, 0], K[1, 1], K[0, 2] + HALF_PIXEL, K[1, 2] + HALF_PIXEL]
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
