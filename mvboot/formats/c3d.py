"""C3D by ezc3d, with real residuals and camera masks; -1 marks a missing point.

Lengths are millimetres, as is customary. The residual is the mean distance of the agreeing rays
from the point, as C3D defines it; the format keeps it in one byte, so POINT:SCALE is set to make
the largest one fit. The mask has seven bits: with more cameras only the first seven appear in it.
"""

from pathlib import Path

import numpy as np

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.formats.trc import marker_names
from mvboot.keypoints import Keypoints3D
from mvboot.rig import UNITS_IN_M

MASK_BITS = 7
LARGEST_BYTE = 127
LABELS_PER_PARAMETER = 255
MAX_FRAMES = 65535


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
    if len(keypoints.frames) > MAX_FRAMES:
        raise InputError(
            f"C3D counts {MAX_FRAMES} frames at most, there are {len(keypoints.frames)}", path
        )
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
