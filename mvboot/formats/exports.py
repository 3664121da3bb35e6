"""`save_keypoints3d`: one door to every written form of 3D keypoints."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.anipose_csv import write_anipose_csv
from mvboot.formats.c3d import require_c3d_frames, require_near_cameras, write_c3d
from mvboot.formats.deeplabcut3d import write_deeplabcut3d
from mvboot.formats.keypoints3d_table import write_keypoints3d
from mvboot.formats.movement import write_movement, write_movement_plural
from mvboot.formats.trc import write_trc
from mvboot.keypoints import Keypoints3D
from mvboot.rig import Rig


class Export(NamedTuple):
    """One written form: its suffix, a line for people, the writer, and what it needs or lacks."""

    suffix: str
    title: str
    write: Callable[[Keypoints3D, Path], None]
    needs_fps: bool = False
    one_individual: bool = False


EXPORTS = {
    "parquet": Export(".parquet", "long table with everything", write_keypoints3d),
    "csv": Export(".csv", "the same table as text", write_keypoints3d),
    "anipose": Export(".anipose.csv", "anipose's columns", write_anipose_csv, one_individual=True),
    "deeplabcut": Export(".dlc.h5", "DeepLabCut-style 3D", write_deeplabcut3d),
    "trc": Export(".trc", "OpenSim markers, y up", write_trc, needs_fps=True),
    "c3d": Export(
        ".c3d", "biomechanics, with residuals and camera mask", write_c3d, needs_fps=True
    ),
    "movement": Export(".nc", "movement netCDF, 0.17 and later", write_movement),
    "movement-plural": Export(".plural.nc", "movement netCDF before 0.17", write_movement_plural),
}


def save_keypoints3d(keypoints: Keypoints3D, path: str | Path, format: str | None = None) -> None:
    """Write 3D keypoints; the format comes from the longest known suffix, or by its name.

    Every keypoint is present in every form, missing as missing. InputError for an unknown format
    and for what a form cannot hold.
    """
    path = Path(path)
    if format is None:
        fitting = [name for name, form in EXPORTS.items() if path.name.endswith(form.suffix)]
        if not fitting:
            known = ", ".join(f"{name} ({form.suffix})" for name, form in EXPORTS.items())
            raise InputError(f"unknown suffix; known are {known}", where=path)
        format = max(fitting, key=lambda name: len(EXPORTS[name].suffix))
    named_export(format).write(keypoints, path)


def named_export(name: str) -> Export:
    """Return an export by name; InputError listing the known ones."""
    if name not in EXPORTS:
        raise InputError(f"unknown export {name!r}; known are {', '.join(EXPORTS)}")
    return EXPORTS[name]


def require_room(names: Iterable[str], frames: NDArray[np.int64], rig: Rig) -> None:
    """Raise InputError for exports that cannot hold these frames of this rig; call before work.

    C3D counts 65,535 frames, numbers them from the first in two bytes, knows no gaps, and rounds
    a world far from its origin.
    """
    if "c3d" in names:
        require_c3d_frames(frames)
        require_near_cameras(rig)


def joined(blocks: Sequence[Keypoints3D]) -> Keypoints3D:
    """Put consecutive blocks of one recording together along their frames."""
    return replace(
        blocks[0],
        frames=np.concatenate([block.frames for block in blocks]),
        xyz=np.concatenate([block.xyz for block in blocks]),
        error_px=np.concatenate([block.error_px for block in blocks]),
        residual=np.concatenate([block.residual for block in blocks]),
        score=np.concatenate([block.score for block in blocks]),
        covariance=np.concatenate([block.covariance for block in blocks]),
        reason=np.concatenate([block.reason for block in blocks]),
        inliers=np.concatenate([block.inliers for block in blocks], axis=1),
    )
