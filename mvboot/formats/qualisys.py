"""Qualisys ``.qca.txt``: an XML file in millimetres, world z up.

Intrinsics are stored in 1/64 px. The transform holds the camera centre and the rotation of
Qualisys' camera axes (x right, y up, z backward), so R = diag(1, -1, -1) M.
"""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    brown,
    camera_errors,
    numbers,
    numpy_pose,
    padded_coefficients,
    require_new,
)
from mvboot.geometry import Camera
from mvboot.reading import head, read_text
from mvboot.rig import Rig

STEPS_PER_PX = 64.0
OPENCV_FROM_QUALISYS = np.diag([1.0, -1.0, -1.0])
LIMITS = Limits("Qualisys .qca.txt", coefficients=5, size=True)


def _matches(path: Path) -> bool:
    text = head(path)
    return "<calibration" in text and "<camera" in text


def _read(path: Path) -> RigFile:
    try:
        root = ElementTree.fromstring(read_text(path))
    except ElementTree.ParseError as error:
        raise InputError(f"broken XML: {error}", where=path) from None
    cameras: dict[str, Camera] = {}
    for element in root.iter("camera"):
        name = element.get("serial") or ""
        if element.get("active", "1") == "0":
            continue
        require_new(name, cameras, path)
        with camera_errors(path, name):
            cameras[name] = _camera(element)
    return RigFile(cameras, usual_units="mm", up="z")


def _camera(element: ElementTree.Element) -> Camera:
    transform, intrinsic, field = (
        _attributes(element, tag) for tag in ("transform", "intrinsic", "fov_video")
    )
    if numbers(element.get("viewrotation", "0"), "viewrotation"):
        raise ValueError(
            f"its picture is turned by {element.get('viewrotation')} degrees (viewrotation); "
            "export the calibration without view rotation"
        )
    M = np.array([[transform[f"r{i}{j}"] for j in (1, 2, 3)] for i in (1, 2, 3)])
    center = np.array([transform["x"], transform["y"], transform["z"]])
    K = np.eye(3)
    K[0] = [intrinsic["focalLengthU"], intrinsic.get("skew", 0.0), intrinsic["centerPointU"]]
    K[1, 1:] = [intrinsic["focalLengthV"], intrinsic["centerPointV"]]
    K[:2] /= STEPS_PER_PX
    R = OPENCV_FROM_QUALISYS @ M
    radial = [intrinsic[f"radialDistortion{i}"] for i in (1, 2, 3)]
    tangential = [intrinsic[f"tangentalDistortion{i}"] for i in (1, 2)]
    return Camera.from_opencv(
        K,
        brown([*radial[:2], *tangential, radial[2]]),
        R,
        -R @ center,
        size=(int(field["right"] - field["left"]) + 1, int(field["bottom"] - field["top"]) + 1),
    )


def _attributes(element: ElementTree.Element, tag: str) -> dict[str, float]:
    child = element.find(tag)
    if child is None:
        raise KeyError(tag)
    return {key: float(numbers(value, f"{tag} {key}")) for key, value in child.attrib.items()}


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    root = ElementTree.Element("calibration", source="mvboot", type="regular")
    cameras = ElementTree.SubElement(root, "cameras")
    for name, camera in rig.in_units("mm").cameras.items():
        _write_camera(cameras, name, camera)
    ElementTree.indent(root)
    with atomic_file(path) as partial:
        ElementTree.ElementTree(root).write(partial, encoding="utf-8", xml_declaration=True)


def _write_camera(parent: ElementTree.Element, name: str, camera: Camera) -> None:
    R, t = numpy_pose(camera)
    M, center = OPENCV_FROM_QUALISYS @ R, -R.T @ t
    K = camera.K.numpy() * STEPS_PER_PX
    k1, k2, p1, p2, k3 = padded_coefficients(camera.lens, 5)
    width, height = camera.size or (0, 0)
    element = ElementTree.SubElement(
        parent, "camera", active="1", model="none", serial=name, viewrotation="0"
    )
    field = {"left": "0", "top": "0", "right": str(width - 1), "bottom": str(height - 1)}
    for tag in ("fov_marker", "fov_video"):
        ElementTree.SubElement(element, tag, field)
    transform = {f"r{i + 1}{j + 1}": repr(float(M[i, j])) for i in range(3) for j in range(3)}
    transform |= {axis: repr(float(v)) for axis, v in zip("xyz", center, strict=True)}
    ElementTree.SubElement(element, "transform", transform)
    intrinsic = {
        "focalLengthU": K[0, 0],
        "focalLengthV": K[1, 1],
        "centerPointU": K[0, 2],
        "centerPointV": K[1, 2],
        "skew": K[0, 1],
        "radialDistortion1": k1,
        "radialDistortion2": k2,
        "radialDistortion3": k3,
        "tangentalDistortion1": p1,
        "tangentalDistortion2": p2,
    }
    ElementTree.SubElement(
        element, "intrinsic", {key: repr(float(value)) for key, value in intrinsic.items()}
    )


FORMAT = RigFormat(
    "qualisys", "Qualisys .qca.txt (mm, z up)", _matches, _read, _write, suffixes=(".qca.txt",)
)
