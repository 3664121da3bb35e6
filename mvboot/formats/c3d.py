"""C3D by ezc3d, with real residuals and camera masks; -1 marks a missing point.

Lengths are millimetres, as is customary. The residual is the mean distance of the agreeing rays
from the point, as C3D defines it; the format keeps it in one byte, so POINT:SCALE is set to make
the largest one fit. The mask has seven bits: with more cameras only the first seven appear in it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.single import camera_centers, lost_mm, rounds
from mvboot.formats.trc import marker_names
from mvboot.keypoints import Keypoints3D
from mvboot.rig import UNITS_IN_M, Rig

MASK_BITS = 7
LARGEST_BYTE = 127
LABELS_PER_PARAMETER = 255
MAX_FRAMES = 65535


def require_c3d_frames(frames: NDArray[np.int64], where: Path | None = None) -> None:
    """Raise InputError for frame numbers (F,) that a C3D file cannot state.

    It counts 65,535 frames, keeps the first number in two bytes, and has no room for gaps.
    """
    if not len(frames):
        return
    if len(frames) > MAX_FRAMES:
        raise InputError(
            f"C3D counts {MAX_FRAMES} frames at most, there are {len(frames)}; export trc or csv, "
            "or fewer frames",
            where,
        )
    if not 0 <= frames[0] < MAX_FRAMES or frames[-1] > MAX_FRAMES:
        raise InputError(
            f"C3D numbers frames from 0 to {MAX_FRAMES}, these are {frames[0]} to {frames[-1]}; "
            "export trc or csv",
            where,
        )
    gaps = np.flatnonzero(np.diff(frames) != 1)
    if len(gaps):
        raise InputError(
            f"C3D has no gaps between frames, but {frames[gaps[0]]} is followed by "
            f"{frames[gaps[0] + 1]} ({len(gaps)} such places); export trc or csv",
            where,
        )


def require_single_precision(keypoints: Keypoints3D, where: Path | None = None) -> None:
    """Raise InputError where the world is so far from its origin that C3D's float32 rounds points.

    Allowed is what `single.rounds` allows.
    """
    _require_near(keypoints.xyz[keypoints.accepted], keypoints.units, where)


def require_near_cameras(rig: Rig) -> None:
    """Raise InputError for a rig so far from the origin that C3D would round what it films.

    Points lie about as far as the cameras, so that this can be said before there are any.
    """
    _require_near(camera_centers(rig), rig.units, None)


def _require_near(xyz: NDArray[np.float64], units: str, where: Path | None) -> None:
    if rounds(xyz, units):
        raise InputError(
            "C3D keeps numbers in single precision, which rounds this world by up to "
            f"{lost_mm(xyz, units):.3g} mm: it lies far from its origin; export trc or csv, or "
            "move the rig's origin",
            where,
        )


def write_c3d(keypoints: Keypoints3D, path: Path) -> None:
    """Write all individuals, in the rig's axes.

    InputError without a frame rate, without ezc3d, and for more frames than the header counts.
    """
    try:
        import ezc3d
    except ImportError:
        raise InputError("C3D needs ezc3d: pip install 'mvboot[export]'", where=path) from None
    if keypoints.fps is None:
        raise InputError("C3D needs the frame rate; state it with --fps", where=path)
    require_c3d_frames(keypoints.frames, path)
    require_single_precision(keypoints, path)
    names = marker_names(keypoints)
    frames = len(keypoints.frames)
    file = ezc3d.c3d()
    point = file["parameters"]["POINT"]
    point["UNITS"]["value"] = ["mm"]
    point["RATE"]["value"] = [keypoints.fps]
    point["LABELS"]["value"] = names[:LABELS_PER_PARAMETER]
    for part in range(1, -(-len(names) // LABELS_PER_PARAMETER)):
        start = part * LABELS_PER_PARAMETER
        file.add_parameter(
            "POINT", f"LABELS{part + 1}", names[start : start + LABELS_PER_PARAMETER]
        )
    accepted = keypoints.accepted.reshape(frames, -1).T
    in_mm = UNITS_IN_M[keypoints.units] / UNITS_IN_M["mm"]
    xyz = in_mm * keypoints.xyz.reshape(frames, -1, 3).transpose(2, 1, 0)
    points = np.zeros((4, len(names), frames))
    points[:3] = np.where(accepted, xyz, 0.0)
    points[3] = 1.0
    residual = np.where(accepted, in_mm * keypoints.residual.reshape(frames, -1).T, -1.0)
    point["SCALE"]["value"] = [-max(float(residual.max()) / LARGEST_BYTE, 1e-6)]
    views = keypoints.inliers.reshape(len(keypoints.cameras), frames, -1)[:MASK_BITS]
    mask = np.zeros((MASK_BITS, len(names), frames), dtype=np.bool_)
    mask[: len(views)] = views.transpose(0, 2, 1) & accepted
    file["data"]["points"] = points
    file["data"]["meta_points"] = {"residuals": residual[None], "camera_masks": mask}
    file["header"]["points"]["first_frame"] = int(keypoints.frames[0])
    with atomic_file(path) as partial:
        file.write(str(partial))
