"""TRC (OpenSim): tab-separated markers; missing ones are empty cells.

OpenSim's y axis points up. Where the world's up axis is known the coordinates are turned so that
it becomes y (a cyclic change of axes, no mirror); where it is not they are written as they are.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.keypoints import Keypoints3D

UNITS = {"m": ("m", 1.0), "mm": ("mm", 1.0), "cm": ("mm", 10.0), "um": ("mm", 0.001)}
"""What OpenSim reads: metres or millimetres; others are written as millimetres."""

Y_UP = {
    "y": np.eye(3),
    "z": np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]),
    "x": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    "-y": np.diag([1.0, -1, -1]),
    "-z": np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "-x": np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
}
"""Rotations that carry each up axis to +y."""


def write_trc(keypoints: Keypoints3D, path: Path) -> None:
    """Write all individuals; several ones prefix their name. InputError without a frame rate."""
    if keypoints.fps is None:
        raise InputError("TRC needs the frame rate; state it with --fps", where=path)
    units, factor = UNITS[keypoints.units]
    rotation = Y_UP[keypoints.up] if keypoints.up else np.eye(3)
    xyz = factor * keypoints.xyz @ rotation.T
    names = marker_names(keypoints)
    values = xyz.reshape(len(keypoints.frames), -1)
    rate, first, count = f"{keypoints.fps:g}", int(keypoints.frames[0]), len(keypoints.frames)
    header = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\t"
        "OrigNumFrames",
        f"{rate}\t{rate}\t{count}\t{len(names)}\t{units}\t{rate}\t{first}\t{count}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"{axis}{i}" for i in range(1, len(names) + 1) for axis in "XYZ"),
        "",
    ]
    rows = [
        _row(int(frame), int(frame) / keypoints.fps, row)
        for frame, row in zip(keypoints.frames, values, strict=True)
    ]
    with atomic_file(path) as partial:
        partial.write_text("\n".join([*header, *rows]) + "\n", encoding="utf-8")


def marker_names(keypoints: Keypoints3D) -> list[str]:
    """Return one name for each individual and keypoint: ``individual_keypoint`` if several.

    InputError for names with control characters: TRC separates names by tabs and line ends.
    """
    names = list(keypoints.keypoints)
    if len(keypoints.individuals) > 1:
        names = [f"{who}_{name}" for who in keypoints.individuals for name in names]
    for name in names:
        if not name.isprintable():
            raise InputError(f"marker {name[:40]!r} has tabs or line ends in its name; rename it")
    return names


def _row(frame: int, time: float, values: NDArray[np.float64]) -> str:
    cells = ("" if np.isnan(value) else f"{value:.15g}" for value in values)
    return "\t".join([str(frame), f"{time:.6f}", *cells])
