"""aniposelib and OpenCV on the problems of `calibration.py`: from their forms to rigs and back."""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from calibration_problem import Problem, timed

from mvboot import Rig
from mvboot.calib.shots import Shots
from mvboot.geometry import Camera


def anipose_solvers(only_extrinsics: bool) -> dict[str, Callable[[Problem], Rig]]:
    """Return aniposelib's two ways from a problem to a rig; ImportError where it is missing."""
    from aniposelib.cameras import CameraGroup

    def solver(method: Callable) -> Callable[[Problem], Rig]:
        def solve(p: Problem) -> Rig:
            np.random.seed(0)  # noqa: NPY002 - its resampling draws from there
            group = anipose_group(p.start.rig)
            method(group, *anipose_points(p), only_extrinsics=only_extrinsics, verbose=False)
            return anipose_rig(group, p.truth)

        return solve

    return {
        "aniposelib `bundle_adjust`": solver(CameraGroup.bundle_adjust),
        "aniposelib `bundle_adjust_iter`": solver(CameraGroup.bundle_adjust_iter),
    }


def anipose_group(rig: Rig):
    from aniposelib.cameras import Camera as Planar
    from aniposelib.cameras import CameraGroup, FisheyeCamera

    cameras = []
    for name, camera in rig.cameras.items():
        wide = camera.lens.name == "fisheye"
        lens = np.zeros(4 if wide else 5)
        lens[0] = camera.lens.coefficients[0]
        pose = camera.cam_from_world
        cameras.append(
            (FisheyeCamera if wide else Planar)(
                matrix=camera.K.numpy(),
                dist=lens,
                size=camera.size,
                rvec=pose.rotvec.numpy(),
                tvec=pose.t.numpy(),
                name=name,
            )
        )
    return CameraGroup(cameras)


def anipose_points(p: Problem) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return pixels (C, N, 2), and which board each point is on, where, and posed how.

    It takes a board's start from a camera drawn by chance; every camera gives it the same one.
    """
    shots = p.shots
    cameras, instants, points = shots.seen.shape
    some = shots.seen.any(0).ravel()
    poses = [
        camera.cam_from_world @ p.start.rig_from_points for camera in p.start.rig.cameras.values()
    ]
    turns = np.stack([pose.rotvec.numpy() for pose in poses]).repeat(points, 1)[:, some]
    shifts = np.stack([pose.t.numpy() for pose in poses]).repeat(points, 1)[:, some]
    about = {
        "objp": np.tile(shots.board.points, (instants, 1))[some],
        "ids": np.repeat(np.arange(instants), points)[some],
        "rvecs": turns,
        "tvecs": shifts,
    }
    return shots.pixels.reshape(cameras, -1, 2)[:, some].copy(), about


def anipose_rig(group, like: Rig) -> Rig:
    cameras = {}
    for camera in group.cameras:
        wide = like[camera.name].lens.name
        R = cv2.Rodrigues(camera.rvec)[0]
        lens = camera.dist[:4]
        cameras[camera.name] = Camera.from_opencv(
            camera.matrix, lens, R, camera.tvec, like[camera.name].size, wide
        )
    return replace(like, cameras=cameras)


def opencv_multiview(shots: Shots, like: Rig) -> tuple[np.ndarray, float, Rig]:
    """Return the times, RMS as a length in px, and the rig in the first camera's frame."""
    board = [shots.board.points.astype(np.float32)] * len(shots.numbers)
    pixels = np.nan_to_num(shots.pixels, nan=-1.0).astype(np.float32)
    mask = (shots.counts > 0).astype(np.uint8)
    models = np.full((len(mask), 1), cv2.CALIB_MODEL_PINHOLE, np.uint8)
    seconds, (length, K, lens, R, t) = timed(
        cv2.calibrateMultiview,
        board,
        [list(p) for p in pixels],
        list(shots.sizes),
        mask,
        models,
        None,
        None,
        None,
        None,
    )
    cameras = {
        name: Camera.from_opencv(K[c], lens[c].ravel(), R[c], t[c].ravel(), shots.sizes[c])
        for c, name in enumerate(shots.cameras)
    }
    return seconds, length, replace(like, cameras=cameras)


def opencv_stereo(shots: Shots) -> tuple[float, Rig]:
    """Return the RMS as a length in px, and the rig in the first camera's frame."""
    board = [shots.board.points.astype(np.float32)] * len(shots.numbers)
    views = [list(pixels.astype(np.float32)) for pixels in shots.pixels]
    alone = [
        cv2.calibrateCamera(board, seen, size, None, None)[1:3]
        for seen, size in zip(views, shots.sizes, strict=True)
    ]
    length, K1, lens1, K2, lens2, R, t, *_ = cv2.stereoCalibrate(
        board,
        *views,
        *alone[0],
        *alone[1],
        shots.sizes[0],
        flags=cv2.CALIB_USE_INTRINSIC_GUESS,
        criteria=(cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 1000, 1e-12),
    )
    first = Camera.from_opencv(K1, lens1.ravel(), size=shots.sizes[0])
    second = Camera.from_opencv(K2, lens2.ravel(), R, t.ravel(), shots.sizes[1])
    return length, Rig(dict(zip(shots.cameras, (first, second), strict=True)), shots.board.units)
