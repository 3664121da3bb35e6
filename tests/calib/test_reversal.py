"""The mirrored twin: the same pictures from far away, other ones from near."""

import numpy as np
import pytest
import torch
from landmarks_seen import room, telephoto

from mvboot.calib.bundle import Bundle
from mvboot.calib.reversal import reversed_twin
from mvboot.geometry import Pose
from mvboot.synthetic.scene import project_all


def gap_px(away):
    """How far apart the pictures of a scene and of its twin are."""
    rig, points = telephoto(3, away), room()
    still = Pose(torch.eye(3, dtype=torch.float64)[None], torch.zeros(1, 3, dtype=torch.float64))
    twin = reversed_twin(Bundle(rig, still, points))
    for camera in twin.rig.cameras.values():
        assert float(torch.linalg.det(camera.cam_from_world.R)) == pytest.approx(1)
    return np.abs(project_all(twin.rig, twin.points) - project_all(rig, points)).max()


def test_the_pictures_of_the_twin_differ_by_perspective_alone():
    near, far = gap_px(100.0), gap_px(1000.0)
    assert far < 3 and near == pytest.approx(10 * far, rel=0.2)
