"""Human3.6M cameras as json: shared intrinsics, one set of poses a subject, millimetres, z up.

A file with several subjects holds several rigs: ``cameras.json#S1`` picks one.
"""

import json
from pathlib import Path

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    array,
    brown,
    camera_errors,
    numpy_pose,
    padded_coefficients,
    table,
)
from mvboot.geometry import Camera
from mvboot.reading import head, read_json
from mvboot.rig import Rig

LIMITS = Limits("Human3.6M json", coefficients=5)


def _split(path: Path) -> tuple[Path, str | None]:
    name, _, subject = path.name.partition("#")
    return path.with_name(name), subject or None


def _matches(path: Path) -> bool:
    file, _ = _split(path)
    text = head(file, 20_000)
    return file.suffix == ".json" and '"intrinsics"' in text and '"calibration_matrix"' in text


def _read(path: Path) -> RigFile:
    file, subject = _split(path)
    content = table(read_json(file), "the file", file)
    subjects = table(content.get("extrinsics", {}), "extrinsics", file)
    inside = table(content.get("intrinsics", {}), "intrinsics", file)
    if subject is None and len(subjects) == 1:
        subject = next(iter(subjects))
    if subject not in subjects:
        raise InputError(
            f"holds the rigs of {', '.join(subjects)}; choose one as {file.name}#SUBJECT",
            where=path,
        )
    cameras = {}
    for name, pose in table(subjects[subject], f"extrinsics.{subject}", file).items():
        with camera_errors(file, name):
            intrinsics = table(inside[name], f"intrinsics.{name}", file)
            pose = table(pose, f"extrinsics.{subject}.{name}", file)
            cameras[name] = Camera.from_opencv(
                array(intrinsics["calibration_matrix"], (3, 3), "calibration_matrix"),
                brown(intrinsics["distortion"]),
                array(pose["R"], (3, 3), "R"),
                array(pose["t"], (3,), "t"),
            )
    return RigFile(cameras, usual_units="mm", up="z", provenance={"subject": subject})


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    file, subject = _split(path)
    intrinsics, poses = {}, {}
    for name, camera in rig.in_units("mm").cameras.items():
        R, t = numpy_pose(camera)
        intrinsics[name] = {
            "calibration_matrix": camera.K.tolist(),
            "distortion": padded_coefficients(camera.lens, 5),
        }
        poses[name] = {"R": R.tolist(), "t": t[:, None].tolist()}
    content = {"intrinsics": intrinsics, "extrinsics": {subject or "S1": poses}}
    with atomic_file(file) as partial:
        partial.write_text(json.dumps(content, indent=1))


FORMAT = RigFormat("human36m", "Human3.6M json (mm, z up)", _matches, _read, _write)
