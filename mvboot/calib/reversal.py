"""The other way to see a scene without perspective: depth reversed, and the cameras turned with it.

Cameras that are far away see hardly any perspective, and without it every arrangement of cameras
has a mirrored twin that explains the pictures exactly alike (Necker's cube; Hartley and Zisserman,
chapter 14). The twin is a start for an adjustment: it ends far worse where perspective tells.
"""

from dataclasses import replace

import numpy as np
import torch

from mvboot.calib.bundle import Bundle
from mvboot.geometry import Pose

FLIP = torch.diag(torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64))


def reversed_twin(bundle: Bundle) -> Bundle:
    """Return the twin of free points at one instant and their cameras.

    Depth is reversed along the ray of the first camera through the middle of the points, about that
    middle, which every camera keeps at its place.
    """
    first = bundle.rig[bundle.rig.names[0]]
    middle = torch.from_numpy(np.median(bundle.points, axis=0))
    ray = middle - first.center
    ray = ray / ray.norm()
    mirror = torch.eye(3, dtype=torch.float64) - 2 * torch.outer(ray, ray)
    cameras = {}
    for name, camera in bundle.rig.cameras.items():
        pose = camera.cam_from_world
        R = FLIP @ pose.R @ mirror
        cameras[name] = camera.with_pose(Pose(R, pose.apply(middle) - R @ middle))
    points = middle.numpy() + (bundle.points - middle.numpy()) @ mirror.numpy()
    return replace(bundle, rig=replace(bundle.rig, cameras=cameras), points=points)
