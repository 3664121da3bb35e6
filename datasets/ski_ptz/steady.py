"""A camera that turns and zooms, as one of fixed K that only turns."""

from math import ceil

import cv2
import numpy as np
import torch
from scipy.spatial.transform import Rotation

from mvboot.datasets.conversion import add_pictures
from mvboot.datasets.pictures import require_size
from mvboot.formats.pictures import read_colour
from mvboot.formats.rig_format import camera_errors
from mvboot.geometry import Camera
from mvboot.geometry.camera import checked_intrinsics

SIDE = 256
"""Width and height of the pictures of the data set in px."""


def steadied(rows, name, path):
    """Return one camera with fixed K and a pose for each frame, and how its pictures must move.

    The file has another K for each picture, because the camera zooms and each picture is a crop.
    A pinhole camera that turns about its centre changes its pictures by a homography: here it
    looks at the middle of each crop, with the median focal length, into a picture large enough
    for the widest crop. The homographies (3, 3) are the identity where nothing changed.
    InputError naming the camera ``name`` and ``path`` for unusable numbers.
    """
    turned, places, warps = [], [], {}
    with camera_errors(path, name):
        inner = {f: picture_intrinsics(row) for f, row in sorted(rows.items())}
        focal = np.median([np.diag(K)[:2] for K in inner.values()], axis=0)
        side = max(ceil(SIDE * (focal / np.diag(K)[:2]).max() - 1e-9) for K in inner.values())
        steady = np.array([[focal[0], 0, side / 2], [0, focal[1], side / 2], [0, 0, 1]])
        for frame, K in inner.items():
            middle = np.linalg.solve(K, [SIDE / 2, SIDE / 2, 1.0])
            turn = Rotation.align_vectors([[0, 0, 1.0]], [middle])[0].as_matrix()
            warps[frame] = steady @ turn @ np.linalg.inv(K)
            turned.append(turn @ rows[frame]["R_cam_2_world"].reshape(3, 3).T)
            places.append(-turned[-1] @ rows[frame]["cam_position"])
        camera = Camera.from_opencv(
            steady, None, np.array(turned), np.array(places), (side, side), frames=list(inner)
        )
    return camera, warps


def picture_intrinsics(row):
    """Return K in px of one picture; ValueError unless it is one in shares of the picture."""
    K = np.diag([SIDE, SIDE, 1.0]) @ row["cam_intrinsic"].reshape(3, 3)
    return checked_intrinsics(torch.as_tensor(K)).numpy()


def write_picture(files, name, frame, path, warp, size):
    """Write a picture through its homography; as it is where that is the identity."""
    if np.allclose(warp / warp[2, 2], np.eye(3), atol=1e-9) and size == (SIDE, SIDE):
        add_pictures(files, name, {frame: path})
        return
    picture = read_colour(path)
    require_size(picture, (SIDE, SIDE), path, "pictures of this data set")
    files.write_picture(
        name, frame, cv2.warpPerspective(picture, warp, size, flags=cv2.INTER_CUBIC)
    )
