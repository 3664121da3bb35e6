"""Keypoints of a capture: in px of the original pictures, with covariance and confidence."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d

from mvboot.datasets import Capture, CaptureWriter, SampleReader, View
from mvboot.errors import InputError
from mvboot.geometry import Camera
from mvboot.inference.keypoints import detected
from mvboot.networks import KeypointPrediction, KeypointTarget, NetworkConfig, build_network
from mvboot.rig import Rig
from mvboot.synthetic.scene import looking_at
from mvboot.triangulation.recording import triangulate_keypoints

W, H = 160, 120
POINTS = {"red": (0.3, 0.0, 0.1), "green": (-0.2, 0.3, 0.0), "blue": (0.0, -0.3, -0.2)}
BLOB_PX = 4.0


class ByColour:
    """A stand-in for a network: the logit of each keypoint is how much there is of its colour."""

    config = SimpleNamespace(target=KeypointTarget(names=tuple(POINTS), blur=1.0))
    stride = 2

    def parameters(self):
        return iter([torch.zeros(1)])

    def __call__(self, images):
        found = avg_pool2d(images.float() / 255, self.stride).clamp(min=1e-9).log()
        return KeypointPrediction(found + 8, self.stride, 1.0)


def ring():
    cameras = {}
    for c in range(3):
        center = np.array([3 * np.cos(1.2 * c), 3 * np.sin(1.2 * c), 0.5 * c])
        R = looking_at(center, np.zeros(3))
        K = [[160, 0, W / 2], [0, 160, H / 2], [0, 0, 1]]
        cameras[f"cam{c}"] = Camera.from_opencv(K, [-0.1, 0, 0, 0], R, -R @ center, (W, H))
    return Rig(cameras, units="m")


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    folder, rig = tmp_path_factory.mktemp("detect") / "capture", ring()
    y, x = np.mgrid[:H, :W]
    with CaptureWriter(folder, rig, fps=30.0) as writer:
        for name in rig.names:
            for frame in (0, 1):
                places = rig[name].project(np.array(list(POINTS.values())) + [0, 0, 0.02 * frame])
                gaps = (x[..., None] - places[:, 0]) ** 2 + (y[..., None] - places[:, 1]) ** 2
                picture = 255 * np.exp(-gaps / (2 * BLOB_PX**2))
                writer.files.write_picture(name, frame, picture.round().astype(np.uint8))
                writer.files.write_mask(name, frame, (gaps.min(-1) < 400).astype(np.float32))
    return Capture.open(folder)


VIEWS = [View("cam2", 1), View("cam0", 0), View("cam1", 0), View("cam2", 0)]


def test_keypoints_lie_in_the_original_pictures(capture):
    found = detected(ByColour(), capture, VIEWS, 96, 0.2)
    assert found.cameras == ("cam0", "cam1", "cam2") and found.frames.tolist() == [0, 1]
    assert found.keypoints == tuple(POINTS) and found.individuals == ("subject",)
    assert found.present[:, :, 0, 0].tolist() == [[True, False], [True, False], [True, True]]
    for view in VIEWS:
        truth = capture.rig[view.camera].project(
            np.array(list(POINTS.values())) + [0, 0, 0.02 * view.frame]
        )
        at = found.cameras.index(view.camera), view.frame, 0
        assert np.abs(found.xy[at] - truth).max() < 0.5
        assert (found.confidence[at] > 0.3).all()


def test_covariances_are_in_px_of_the_original(capture):
    found = detected(ByColour(), capture, VIEWS, 64, 0.2)
    for view in VIEWS:
        sample = SampleReader(capture, 64, 2, 0.2).read([view])
        on_crop = ByColour()(sample.images).decoded().covariance[0].numpy()
        scale = sample.crops[0].scale
        assert scale > 1.2
        at = found.cameras.index(view.camera), view.frame, 0
        np.testing.assert_allclose(found.covariance[at], scale**2 * on_crop, rtol=1e-4)


def test_they_triangulate_with_their_covariance(capture):
    found = detected(ByColour(), capture, VIEWS, 96, 0.2)
    points = triangulate_keypoints(capture.rig, found)
    gap = np.abs(points.xyz[0, 0] - np.array(list(POINTS.values())))
    assert gap.max() < 0.02
    assert (np.linalg.eigvalsh(points.covariance[0, 0]) > 0).all()


def test_what_is_refused(capture):
    charts = NetworkConfig.model_validate(
        {"target": {"kind": "charts", "topology": "0" * 16, "parts": ["a"]}, "width": 8}
    )
    with pytest.raises(InputError, match="predicts charts, not keypoints"):
        detected(build_network(charts), capture, VIEWS, 96, 0.2)
    with pytest.raises(InputError, match="no pictures"):
        detected(ByColour(), capture, [], 96, 0.2)
