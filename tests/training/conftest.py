"""A tiny capture to train on, rendered once."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mvboot.datasets import (
    Mirror,
    Sample,
    SampleReader,
    View,
    sample_views,
)
from mvboot.fields import Crop, converted
from mvboot.geometry import Camera
from mvboot.networks import EmbeddingPrediction, NetworkConfig, build_network, save_network
from mvboot.synthetic.scene import looking_at
from mvboot.synthetic.studio.capture import synthesise
from mvboot.synthetic.studio.settings import SynthSettings
from mvboot.training.run import MODEL


@pytest.fixture(scope="session")
def filmed(tmp_path_factory):
    """Return a capture of a person by four cameras, one held out, and four labelled frames."""
    settings = SynthSettings(
        cameras=4, frames=20, size=64, samples=1, occluders=0, labelled=4, seed=2,
        validation=0.2, held_out_cameras=("cam_04",),
    )  # fmt: skip
    return synthesise(settings, tmp_path_factory.mktemp("training") / "capture")


@pytest.fixture
def truthful(filmed, monkeypatch):
    """Replace what networks predict for rounds by the truth; return whose pictures were asked for.

    A trace of the network's weights stays in it, so that another network gives other labels.
    """
    asked = []

    def predicted(network, capture, views, size, margin):
        weights = [] if network is None else [p.double().sum() for p in network.parameters()]
        trace = 1e-3 * float(sum(weights, torch.zeros(()))) % 1e-3
        for view in views:
            asked.append(view)
            field = converted(filmed.field(*view), filmed.template, "embedding")
            field = field.on(field.grid.strided(2))
            yield replace(field, coordinates=field.coordinates + np.float32(trace))

    monkeypatch.setattr("mvboot.training.dense.rounds.predicted", predicted)
    return asked


@pytest.fixture(scope="session")
def teacher(filmed, tmp_path_factory):
    """Return a network that knows nothing but takes every cell for the subject."""
    network = build_network(NetworkConfig.for_template(filmed.template))
    torch.nn.init.constant_(network.head.read.bias[:1], 2.0)
    path = tmp_path_factory.mktemp("teacher") / MODEL
    save_network(network, path)
    return path


STRIDE = 2


@pytest.fixture(scope="session")
def sample(filmed):
    """Return the three training views of one instant."""
    reader = SampleReader(filmed, 64, STRIDE, all_fields=True, kind="embedding")
    return reader.read(sample_views(filmed, "train", 3)[0][0])


@pytest.fixture(scope="session")
def truth_about():
    """Return how to make a prediction that says the truth about a sample."""

    def about(sample):
        known = sample.fields.known
        logit = torch.where(known, 8.0, -8.0)
        blank = torch.zeros_like(logit)
        return EmbeddingPrediction(
            logit, blank, torch.ones_like(blank), STRIDE, sample.fields.coordinates
        )

    return about


@pytest.fixture(scope="session")
def truth(sample, truth_about):
    """Return a prediction that says the truth about `sample`."""
    return truth_about(sample)


SPOTS = {
    "nose": (0.5, 0.1, 0.1),
    "tail": (-0.6, 0.0, 0.0),
    "hand_left": (0.1, 0.4, -0.1),
    "hand_right": (0.1, -0.4, 0.2),
}


def filmed_spots(
    angles=(0.0, 40.0, 90.0), size=64, dist=None, turn=0.0, mirror=False, unit=1.0, off=0.0
):
    """Return a sample of cameras around `SPOTS`, with exact labels and crops that differ.

    Cameras stand 4 from the middle at angles in degrees, heights and sizes of crops are uneven.
    All of it may lie ``off`` the origin of the world in every direction, in units.
    """
    points = unit * np.array(list(SPOTS.values()))
    if mirror:  # names are those of the mirrored subject
        points = points[Mirror({"hand_left": "hand_right"}).order(tuple(SPOTS))]
    cameras, crops, keypoints = [], [], []
    for i, angle in enumerate(np.radians(angles)):
        center = 4 * unit * np.array([np.cos(angle), np.sin(angle), 0.3 * i])
        R = looking_at(center, np.zeros(3))
        K = [[600, 1.5, 330], [0, 610, 235], [0, 0, 1]]
        camera = Camera.from_opencv(K, dist, R, -R @ (center + off * unit), (640, 480))
        crop = Crop.around(
            camera.project(np.full(3, off * unit)), 4 + 0.4 * i, (size, size), turn * (i + 1)
        )
        cameras.append(camera)
        crops.append(crop.mirrored() if mirror else crop)
        keypoints.append(crops[-1].to_crop(camera.project(points + off * unit)))
    n, names = len(cameras), tuple(SPOTS)
    return Sample(
        images=torch.zeros(n, 3, size, size, dtype=torch.uint8),
        views=tuple(View(f"cam{i}", 0) for i in range(n)),
        group=torch.zeros(n, dtype=torch.int64),
        cameras=tuple(cameras),
        crops=tuple(crops),
        mirrored=torch.full((n,), mirror),
        labelled=torch.ones(n, dtype=torch.bool),
        masks=torch.ones(n, size, size),
        has_mask=torch.ones(n, dtype=torch.bool),
        fields=None,
        keypoint_names=names,
        keypoints=torch.from_numpy(np.stack(keypoints)),
        confidence=torch.ones(n, len(names)),
    )


@pytest.fixture
def spots():
    """Return the maker above."""
    return filmed_spots


@pytest.fixture(scope="session")
def dots(film_dots, tmp_path_factory):
    """Return a capture of three dots by four cameras, all labelled, 16 frames to train."""
    return film_dots(tmp_path_factory.mktemp("dots") / "capture")
