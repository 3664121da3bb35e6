"""Poses, lenses, cameras and epipolar geometry: batched, differentiable, in torch.

Conventions (stated here once, see docs/conventions.md): pixels are OpenCV's, the centre of the
first pixel is (0, 0); camera axes are x right, y down, z forward; poses are world-to-camera,
``x_in_cam = R @ x_in_world + t``; angles are radians. This package imports nothing else of ours.
"""

from mvboot.geometry.align import rotation_angle, rotation_between
from mvboot.geometry.camera import Camera, Linearization
from mvboot.geometry.epipolar import epipolar_distance, fundamental_matrix
from mvboot.geometry.fold import rayless_share
from mvboot.geometry.gap import image_size, pixel_gap
from mvboot.geometry.lens import Lens
from mvboot.geometry.lenses import Brown, Fisheye, Pinhole, make_lens
from mvboot.geometry.plain import PlainCameras, plain_camera
from mvboot.geometry.pose import Pose

__all__ = [
    "Brown",
    "Camera",
    "Fisheye",
    "Lens",
    "Linearization",
    "Pinhole",
    "PlainCameras",
    "Pose",
    "epipolar_distance",
    "fundamental_matrix",
    "image_size",
    "make_lens",
    "pixel_gap",
    "plain_camera",
    "rayless_share",
    "rotation_angle",
    "rotation_between",
]
