"""Calibrations as text in blocks, one for each camera: HUMBI's and OpenMonkeyStudio's files.

After a head of lines that start with a word (``NumCams 62``) each block starts with a line
``0 CAMERA``. Poses are stored as the camera's centre C and rotation R, so that t = -R C.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.rig_format import camera_errors
from mvboot.geometry import Camera
from mvboot.reading import read_text

Floats = NDArray[np.float64]
POSE = (3, 3, 3, 3)
"""Numbers in the lines of a block of extrinsics: C, then the rows of R."""


def read_blocks(path: Path, lines: tuple[int, ...]) -> dict[str, list[Floats]]:
    """Return the numbers of each camera, line by line.

    Parameters
    ----------
    path
        The file.
    lines
        How many numbers each line of a block has.

    Raises
    ------
    InputError
        A missing file, a block that is cut off or has other lines, a camera twice, no camera.
    """
    rows = [(n, line.split()) for n, line in enumerate(read_text(path).splitlines(), 1)]
    body = [(n, words) for n, words in rows if words and not words[0][0].isalpha()]
    found: dict[str, list[Floats]] = {}
    for start in range(0, len(body), 1 + len(lines)):
        number, title = body[start]
        if len(title) != 2 or title[1] in found:
            fault = "has a camera twice" if len(title) == 2 else "needs a line `0 CAMERA` here"
            raise InputError(fault, where=f"{path}:{number}")
        block = body[start + 1 : start + 1 + len(lines)]
        found[title[1]] = [_numbers(words, n, path) for n, words in block]
        if [len(values) for values in found[title[1]]] != list(lines):
            raise InputError(
                f"camera {title[1]} needs lines of {', '.join(map(str, lines))} numbers",
                where=f"{path}:{number}",
            )
    if not found:
        raise InputError("holds no camera", where=path)
    return found


def read_cameras(
    extrinsics: Path, intrinsics: Path, distortion: int, metres: float
) -> dict[str, Camera]:
    """Return the cameras that both files have, poses in metres.

    Parameters
    ----------
    extrinsics, intrinsics
        Files of C and R, and of K with ``distortion`` radial coefficients after it (0: none).
    distortion
        Number of radial coefficients of each camera.
    metres
        Length in metres of the files' unit.

    Raises
    ------
    InputError
        As for `read_blocks`, an unusable camera, no camera in both.
    """
    poses = read_blocks(extrinsics, POSE)
    lines = (3, 3, 3, distortion) if distortion else (3, 3, 3)
    inner = read_blocks(intrinsics, lines)
    cameras = {}
    for name in [name for name in poses if name in inner]:
        center, *R = poses[name]
        radial = [*inner[name][3], 0.0, 0.0] if distortion else None
        with camera_errors(extrinsics, name):
            t = -np.array(R) @ center * metres
            cameras[name] = Camera.from_opencv(np.array(inner[name][:3]), radial, np.array(R), t)
    if not cameras:
        raise InputError(f"shares no camera with {intrinsics.name}", where=extrinsics)
    return cameras


def _numbers(words: list[str], number: int, path: Path) -> Floats:
    try:
        return np.array([float(word) for word in words])
    except ValueError:
        raise InputError(f"needs numbers, has {' '.join(words)!r}", f"{path}:{number}") from None
