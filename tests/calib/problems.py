"""Bundles with exact truth for the tests of calibration: rigs, boards and what was seen of them."""

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
import recordings
import torch

from mvboot.calib.boards import Charuco
from mvboot.calib.bundle import Bundle, Observations
from mvboot.calib.detect import detector_of
from mvboot.calib.intrinsics import board_observations
from mvboot.calib.shots import Shots
from mvboot.geometry import Camera, Pose
from mvboot.rig import Rig
from mvboot.synthetic.boards import board_poses, board_shots
from mvboot.synthetic.scene import project_all

BOARD = Charuco(7, 8, "mm", 25.0, 18.0, "DICT_5X5_250")
BROWN = (-0.2, 0.06, 1e-3, -8e-4, 0.02, 0.03, -0.01, 4e-3, 1e-3, -8e-4, 5e-4, 4e-4, 0.01, -0.015)
LENSES = {f"brown{n}": ("brown", BROWN[:n]) for n in (4, 5, 8, 12, 14)}
LENSES |= {
    "pinhole": ("pinhole", ()),
    "brown1": ("brown", (-0.2, 0.0, 0.0, 0.0)),
    "brown2": ("brown", (-0.25, 0.12, 0.0, 0.0)),
    "fisheye": ("fisheye", (-0.03, 0.01, -4e-3, 1e-3)),
}


@dataclass(frozen=True)
class Problem:
    """A rig before a board: the truth, and what its cameras saw."""

    truth: Bundle
    shots: Shots

    @property
    def observations(self):
        return board_observations(self.shots)


@cache
def rig_of(lenses, skew=0.0):
    """Cameras on an arc in mm, 640 x 480 px, focal length about 780 px; one for each lens."""
    models, cameras = {}, recordings.four_cameras().in_units("mm").cameras
    for (name, camera), lens in zip(cameras.items(), lenses, strict=False):
        K = camera.K.clone()
        K[0, 1] = skew
        pose, (kind, coefficients) = camera.cam_from_world, LENSES[lens]
        models[name] = Camera.from_opencv(K, coefficients, pose.R, pose.t, camera.size, kind)
    return Rig(models, "mm")


def problem(lens="brown5", cameras=3, shots=14, noise_px=0.0, seed=0, skew=0.0):
    """A board shown to cameras of one lens, or of one lens each."""
    lenses = (lens,) * cameras if isinstance(lens, str) else lens
    rig = rig_of(lenses, skew)
    seen, motion = shown_to(rig, shots, noise_px, seed)
    return Problem(Bundle(rig, motion, BOARD.points), seen)


def one_camera(lens="pinhole", focal=780.0, size=(640, 480), coefficients=None):
    """A rig of a single camera, "one", at the origin."""
    kind, usual = LENSES[lens]
    K = [[focal, 0, size[0] / 2 + 3], [0, 1.002 * focal, size[1] / 2 - 4], [0, 0, 1]]
    camera = Camera.from_opencv(K, coefficients or usual, size=size, lens=kind)
    return Rig({"one": camera}, "mm")


def shown_to(rig, shots=25, noise_px=0.2, seed=0, board=BOARD, **how):
    """A board shown to a rig: what was seen, and where the board was."""
    rng = np.random.default_rng(seed)
    motion = board_poses(rig, board, shots, rng, **how)
    return board_shots(rig, board, motion, rng, noise_px), motion


def found_in(board, cameras):
    """The board in real pictures: paths by instant for each camera, whatever its look."""
    numbers = sorted(set().union(*cameras.values()))
    pixels = np.full((len(cameras), len(numbers), len(board.points), 2), np.nan)
    detector, sizes = detector_of(board), []
    for c, paths in enumerate(cameras.values()):
        for number, path in paths.items():
            picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
            pixels[c, numbers.index(number)] = detector.detect(picture, detector.looks()[0])
        sizes.append(picture.shape[::-1])
    return Shots(board, tuple(cameras), tuple(sizes), np.array(numbers), pixels)


def cloud(count=60, noise_px=0.0, seed=0):
    """Free points at one instant, seen by every camera of a rig."""
    rig, rng = rig_of(("brown5",) * 4), np.random.default_rng(seed)
    points = 300 * rng.uniform(-0.2, 0.2, (count, 3)) + [0.0, 0.0, 300.0]
    pixels = project_all(rig, points)
    camera, point = np.nonzero(~np.isnan(pixels[..., 0]))
    exact = pixels[camera, point]
    seen = Observations(
        camera,
        np.zeros_like(camera),
        point,
        exact + noise_px * rng.standard_normal(exact.shape),
        np.ones_like(camera),
    )
    return Bundle(rig, Pose.identity()[None], points), seen


def turned(pose, rng, degrees=2.0, share=0.02):
    """A pose, or each of several, turned by an angle and moved by a share of its distance."""
    shape = pose.batch_shape
    axis, aside = (torch.from_numpy(directions(rng, shape)) for _ in range(2))
    step = share * pose.t.norm(dim=-1, keepdim=True) * aside
    turn = Pose.from_rotation(np.radians(degrees) * axis, torch.zeros_like(axis))
    return Pose(turn.R @ pose.R, pose.t + step)


def directions(rng, shape):
    vectors = rng.standard_normal((*shape, 3))
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def refocused(camera, factor):
    """The camera with another focal length and without distortion: what a start knows."""
    K = camera.K.clone()
    K[0, 0] *= factor
    K[1, 1] *= factor
    lens = type(camera.lens)(torch.zeros_like(camera.lens.coefficients))
    return replace(camera, K=K, lens=lens)


def disturbed(bundle, rng, intrinsics=True, poses=True, motion=True):
    """A start: 3 % off in focal length, no distortion, 2 degrees and 2 % off in every pose."""
    cameras = {}
    for number, (name, camera) in enumerate(bundle.rig.cameras.items()):
        if intrinsics:
            camera = refocused(camera, 0.97 if number % 2 else 1.03)
        if poses and number > 0:
            camera = camera.with_pose(turned(camera.cam_from_world, rng))
        cameras[name] = camera
    moved = bundle.rig_from_points
    if motion:
        seen = bundle.rig[bundle.rig.names[0]].cam_from_world  # distances from the first camera
        moved = seen.inverse() @ turned(seen @ moved, rng)
    return replace(bundle, rig=Rig(cameras, bundle.rig.units), rig_from_points=moved)


def same_pose(a, b, degrees, distance):
    """Whether poses agree within an angle and a distance in units."""
    angle = (a @ b.inverse()).rotvec.norm(dim=-1)
    apart = (a.center - b.center).norm(dim=-1)
    return bool((angle <= np.radians(degrees)).all() and (apart <= distance).all())


def same_view(a, b, tolerance_px):
    """Whether two cameras see what lies in the picture at the same pixels, poses aside."""
    width, height = a.size
    grid = np.stack(np.meshgrid(np.linspace(20, width - 20, 9), np.linspace(20, height - 20, 7)))
    pixels = grid.reshape(2, -1).T
    still = Pose.identity()
    _, rays = a.with_pose(still).ray(pixels)
    gap = b.with_pose(still).project(rays) - pixels
    return bool(np.nanmax(np.linalg.norm(gap, axis=-1)) <= tolerance_px)
