"""Plain 3x4 projection matrices: a folder of text files, or one npy/npz array (C, 3, 4).

A text file holds twelve numbers in three rows and names its camera; a leading ``CONTOUR`` line, as
the PMVS tools write it, is skipped. Cameras of an npy array are ``cam_0``, ``cam_1``, ...; the
arrays of an npz name theirs. Neither unit nor image size is stored, and no lens.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file, natural_key
from mvboot.formats.idr import array_names, load_arrays
from mvboot.formats.rig_format import (
    Limits,
    RigFile,
    RigFormat,
    array,
    camera_errors,
    pinhole_camera,
    projection,
)
from mvboot.reading import head, read_text
from mvboot.rig import Rig

LIMITS = Limits("plain projection matrices", lenses=("pinhole",), coefficients=0, names_files=True)


def _numbers(text: str) -> list[float] | None:
    words = text.split()
    words = words[1:] if words[:1] == ["CONTOUR"] else words
    try:
        return [float(word) for word in words]
    except ValueError:
        return None


def _text_files(path: Path) -> list[Path]:
    return sorted(path.glob("*.txt"), key=natural_key) if path.is_dir() else [path]


def _matches(path: Path) -> bool:
    if path.suffix == ".npy":
        return True
    if path.suffix == ".npz":
        return _are_matrices(path)
    if path.is_file() and path.suffix != ".txt":
        return False
    files = _text_files(path)
    return bool(files) and all(len(_numbers(head(file)) or ()) == 12 for file in files)


def _are_matrices(path: Path) -> bool:
    if not array_names(path):
        return False
    return all(values.shape[-2:] == (3, 4) for values in load_arrays(path).values())


def _read(path: Path) -> RigFile:
    cameras = {}
    for name, P in _matrices(path).items():
        with camera_errors(path, name):
            cameras[name] = pinhole_camera(array(P, (3, 4), "a projection matrix"))
    return RigFile(cameras)


def _matrices(path: Path) -> dict[str, NDArray[np.float64]]:
    if path.suffix == ".npy":
        return _stacked(path)
    if path.suffix == ".npz":
        return load_arrays(path)
    matrices = {}
    for file in _text_files(path):
        numbers = _numbers(read_text(file))
        if numbers is None or len(numbers) != 12:
            raise InputError("needs the twelve numbers of a 3x4 projection matrix", where=file)
        matrices[file.stem] = np.array(numbers).reshape(3, 4)
    return matrices


def _stacked(path: Path) -> dict[str, NDArray[np.float64]]:
    try:
        stack = np.load(path, mmap_mode="r", allow_pickle=False)  # no memory is taken yet
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"is no readable npy file ({error})", where=path) from None
    if stack.ndim != 3 or stack.shape[1:] != (3, 4):
        raise InputError(f"needs an array (C, 3, 4), got {stack.shape}", where=path)
    return {f"cam_{i}": np.array(P) for i, P in enumerate(stack)}


def _write(rig: Rig, path: Path) -> None:
    LIMITS.check(rig, path)
    for name, camera in rig.cameras.items():
        with atomic_file(path / f"{name}.txt") as partial:
            np.savetxt(partial, projection(camera), fmt="%.17g")


FORMAT = RigFormat("projection", "plain 3x4 projection matrices", _matches, _read, _write)
