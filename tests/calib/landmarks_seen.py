"""Landmarks seen by cameras whose poses are known exactly, for the tests of locating."""

from dataclasses import replace
from functools import cache

import numpy as np

from mvboot.calib.lengths import Distance
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.synthetic.scene import articulated_scene, project_all


@cache
def walker(cameras=4, frames=12, seed=0):
    return articulated_scene(cameras, frames, seed)


def walking(cameras=4, noise_px=0.0, outliers=0.0, missing=0.0, frames=12):
    """The rig, and what it sees of a walker."""
    scene = walker(cameras, frames)
    rng = np.random.default_rng(1)
    return scene.rig, scene.detections(rng, noise_px, outliers, missing)


def marks(rig, points, noise_px=0.0, frames=1, seed=0):
    """Named still landmarks (n, 3), as the cameras of a rig see them."""
    pixels = np.repeat(project_all(rig, points)[:, None, None], frames, axis=1)
    pixels = pixels + noise_px * np.random.default_rng(seed).standard_normal(pixels.shape)
    sure = np.where(np.isnan(pixels[..., 0]), np.nan, 1.0)
    names = tuple(f"mark{i}" for i in range(len(points)))
    return Keypoints2D(rig.names, np.arange(frames), ("room",), names, pixels, sure)


def room(count=60, seed=3):
    """Places all over the volume that the walker's rig sees."""
    return np.random.default_rng(seed).uniform((-0.8, -0.8, 0.0), (0.8, 0.8, 1.0), (count, 3))


def floor(count=60, seed=3):
    """Places on one plane."""
    return room(count, seed) * [1, 1, 0]


def telephoto(cameras=3, away=150.0):
    """The walker's rig from far away, as large in the pictures as before: no perspective."""
    rig = walker(cameras).rig
    moved = {}
    for name, camera in rig.cameras.items():
        K = camera.K.clone()
        K[0, 0] *= away
        K[1, 1] *= away
        plain = Camera.from_opencv(K, size=camera.size)
        pose = camera.cam_from_world
        t = pose.t.clone()
        t[2] *= away
        moved[name] = plain.with_pose(replace(pose, t=t))
    return Rig(moved, "m", up="z")


def between(rig, a=0, b=1):
    """The true distance of two cameras."""
    one, two = rig.names[a], rig.names[b]
    return Distance(one, two, float((rig[one].center - rig[two].center).norm()))
