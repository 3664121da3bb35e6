"""Synthetic problems that mvboot and its peers solve, and what errors they are left with.

Helps `calibration.py`.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from mvboot import Rig
from mvboot.calib.boards import Board, Charuco
from mvboot.calib.bundle import TERMS, Bundle, Held
from mvboot.calib.intrinsics import board_poses as poses_in_view
from mvboot.calib.shots import Shots
from mvboot.calib.uncertainty import POSE, CameraCovariance
from mvboot.geometry import Camera, Pose
from mvboot.synthetic.boards import board_poses, board_shots
from mvboot.synthetic.scene import ring_rig

BOARD = Charuco(8, 11, "m", 0.04, 0.03, "DICT_4X4_250")
SHOTS, NOISE_PX = 40, 0.3
FOCAL_ERROR, POSE_ERROR_DEG = 0.03, 2.0
CLEAR_POINTS = 12
"""Points from which on a synthetic view counts; fewer may lie almost on one line."""


@dataclass(frozen=True)
class Problem:
    """A rig, what it saw of a board, and where to start."""

    truth: Rig
    shots: Shots
    start: Bundle


def problem(seed: int) -> Problem:
    """Return six cameras, the last one a fisheye, with lenses and detections aniposelib can use."""
    rng = np.random.default_rng(seed)
    truth = one_focal_and_k1(ring_rig(6, 1.5, 1.0, rng, fisheye=True))
    shots = synthetic_shots(truth, BOARD, SHOTS, rng)
    while (shots.seen.sum(0) == 1).any():
        shots = shots.where(shots.seen & (shots.seen.sum(0) > 1)).without_poor(CLEAR_POINTS)
    return Problem(truth, shots, posed(disturbed(truth, rng), shots))


def with_true_intrinsics(p: Problem) -> Problem:
    """Return the problem with only poses wrong at the start."""
    cameras = {n: p.truth[n].with_pose(p.start.rig[n].cam_from_world) for n in p.truth}
    return replace(p, start=posed(replace(p.truth, cameras=cameras), p.shots))


def synthetic_shots(rig: Rig, board: Board, count: int, rng: np.random.Generator) -> Shots:
    shown = board_poses(rig, board, count, rng)
    return board_shots(rig, board, shown, rng, NOISE_PX).without_poor(CLEAR_POINTS)


def one_focal_and_k1(rig: Rig) -> Rig:
    cameras = {}
    for name, camera in rig.cameras.items():
        wide = camera.lens.name == "fisheye"
        focal = 600.0 if wide else 1100.0
        K = [[focal, 0, camera.K[0, 2]], [0, focal, camera.K[1, 2]], [0, 0, 1]]
        lens = [0.02 if wide else -0.12, 0, 0, 0]
        plain = Camera.from_opencv(K, lens, size=camera.size, lens=camera.lens.name)
        cameras[name] = plain.with_pose(camera.cam_from_world)
    return replace(rig, cameras=cameras)


def disturbed(rig: Rig, rng: np.random.Generator) -> Rig:
    """Return cameras without distortion, too long or too short, all but the first one moved.

    Each is turned about an axis of its own and its centre moved by the same angle as seen from
    the origin.
    """
    cameras, angle = {}, np.radians(POSE_ERROR_DEG)
    for c, (name, camera) in enumerate(rig.cameras.items()):
        K = camera.K.clone()
        K[[0, 1], [0, 1]] *= 1 + FOCAL_ERROR * (-1) ** c
        axis, away = (v / np.linalg.norm(v) for v in rng.standard_normal((2, 3)))
        turn = Pose.from_rotation(angle * axis, np.zeros(3))
        center = camera.center.numpy()
        moved = center + angle * np.linalg.norm(center) * away
        R = turn.R.numpy() @ camera.cam_from_world.R.numpy()
        pose = Pose.from_rotation(R, -R @ moved) if c else camera.cam_from_world
        lens = np.zeros(len(camera.lens.coefficients))
        plain = Camera.from_opencv(K, lens, size=camera.size, lens=camera.lens.name)
        cameras[name] = plain.with_pose(pose)
    return replace(rig, cameras=cameras)


def posed(rig: Rig, shots: Shots) -> Bundle:
    """Return the rig with each board where the camera that sees most of it says."""
    motion = []
    for s, c in enumerate(shots.counts.argmax(0)):
        camera = rig[shots.cameras[c]]
        alone = camera.with_pose(Pose.identity())
        cam_from_board, _ = poses_in_view(alone, shots.board.points, shots.pixels[c, s])[0]
        motion.append(camera.cam_from_world.inverse() @ cam_from_board)
    R, t = torch.stack([m.R for m in motion]), torch.stack([m.t for m in motion])
    return Bundle(rig, Pose(R, t), shots.board.points)


def all_held(rig: Rig, *names: str) -> Held:
    return Held({camera: frozenset(names) for camera in rig})


def from_first(rig: Rig) -> dict[str, Pose]:
    first = rig[rig.names[0]].cam_from_world.inverse()
    return {name: camera.cam_from_world @ first for name, camera in rig.cameras.items()}


def pose_gaps(found: Rig, truth: Rig) -> tuple[np.ndarray, np.ndarray]:
    """Return turn in degrees and distance in mm (C - 1,) of all cameras against the first one."""
    a, b = from_first(found), from_first(truth)
    names = truth.names[1:]
    turns = [np.degrees((a[n] @ b[n].inverse()).rotvec.norm().item()) for n in names]
    moves = [1000 * (a[n].center - b[n].center).norm().item() for n in names]
    return np.array(turns), np.array(moves)


def figures(found: Rig, truth: Rig) -> np.ndarray:
    """Return the errors (4,): focal length in %, k1, rotation in degrees, centre in mm (RMS)."""
    focal = [100 * (found[n].K.diagonal()[:2] / truth[n].K.diagonal()[:2] - 1) for n in truth]
    k1 = [(found[n].lens.coefficients - truth[n].lens.coefficients)[0].item() for n in truth]
    return np.array([root_mean_square(x) for x in (np.stack(focal), k1, *pose_gaps(found, truth))])


def root_mean_square(values) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def neighbours(count: int, rng: np.random.Generator) -> Rig:
    """Return cameras that stand side by side: some of a ring of eight."""
    ring = ring_rig(8, 1.5, 1.0, rng)
    return replace(ring, cameras={name: ring[name] for name in ring.names[:count]})


def in_sigmas(
    found: Rig, truth: Rig, spread: dict[str, CameraCovariance]
) -> Iterator[tuple[str, float]]:
    """Yield the name of each free parameter and its error over its standard deviation.

    The first camera of both rigs stands at the same place.
    """
    for name, uncertain in spread.items():
        gaps = parameter_gaps(found[name], truth[name])
        for parameter in uncertain.names:
            yield parameter, gaps[parameter] / uncertain.deviation(parameter)
        if POSE[0] in uncertain.names:
            moved = (truth[name].center - found[name].center).numpy()
            yield from (("centre", x) for x in moved / np.sqrt(uncertain.center.diagonal()))


def parameter_gaps(found: Camera, truth: Camera) -> dict[str, float]:
    K = (truth.K - found.K).numpy()
    lens = (truth.lens.coefficients - found.lens.coefficients).tolist()
    turn = (truth.cam_from_world @ found.cam_from_world.inverse()).rotvec
    shift = truth.cam_from_world.t - found.cam_from_world.t
    return {
        **dict(zip(("fx", "fy", "cx", "cy"), (K[0, 0], K[1, 1], K[0, 2], K[1, 2]), strict=True)),
        **dict(zip(TERMS[truth.lens.name], lens, strict=False)),
        **dict(zip(POSE, [*turn.tolist(), *shift.tolist()], strict=True)),
    }


def timed(function: Callable, *arguments) -> tuple[np.ndarray, object]:
    """Return seconds (2,) on the clock and of CPU time, and the result."""
    start = np.array([time.perf_counter(), time.process_time()])
    result = function(*arguments)
    return np.array([time.perf_counter(), time.process_time()]) - start, result
