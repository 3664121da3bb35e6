"""Middlebury multi-view ``*_par.txt``: a count, then ``name K(9) R(9) t(3)`` a line; no unit."""

from pathlib import Path

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    camera_errors,
    numbers,
    numpy_pose,
    refuse_rotation,
    require_new,
)
from mvboot.geometry import Camera
from mvboot.reading import head, read_text
from mvboot.rig import Rig

NUMBERS = 21
LIMITS = Limits("Middlebury _par.txt", lenses=("pinhole",), coefficients=0)


def _matches(path: Path) -> bool:
    lines = head(path).splitlines()
    return (
        path.suffix == ".txt"
        and len(lines) > 1
        and lines[0].strip().isdigit()
        and len(lines[1].split()) == NUMBERS + 1
    )


def _read(path: Path) -> RigFile:
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    if not lines or not lines[0].strip().isdecimal():
        raise InputError("the first line must be the number of cameras", where=f"{path}:1")
    if len(lines) - 1 != int(lines[0]):
        raise InputError(
            f"announces {int(lines[0])} cameras but has {len(lines) - 1} lines of them; "
            "the file seems cut off",
            where=path,
        )
    cameras: dict[str, Camera] = {}
    for number, line in enumerate(lines[1:], start=2):
        name, *words = line.split()
        if len(words) != NUMBERS:
            raise InputError(
                f"needs a name and {NUMBERS} numbers, got {len(words)}", where=f"{path}:{number}"
            )
        with camera_errors(path, name):
            values = numbers(words, f"line {number}")
            require_new(name, cameras, path)
            refuse_rotation(values[:9].reshape(3, 3))
            cameras[name] = Camera.from_opencv(
                values[:9].reshape(3, 3), None, values[9:18].reshape(3, 3), values[18:]
            )
    return RigFile(cameras)


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    lines = [str(len(rig))]
    for name, camera in rig.cameras.items():
        if len(name.split()) != 1:
            raise InputError(f"camera name {name!r} has a space; Middlebury cannot store it", path)
        R, t = numpy_pose(camera)
        values = [*camera.K.numpy().ravel(), *R.ravel(), *t]
        lines.append(" ".join([name, *(repr(float(value)) for value in values)]))
    with atomic_file(path) as partial:
        partial.write_text("\n".join(lines) + "\n")


FORMAT = RigFormat("middlebury", "Middlebury _par.txt", _matches, _read, _write)
