"""A tiny capture to train on, rendered once."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mvboot.datasets import SampleReader, sample_views
from mvboot.fields import converted
from mvboot.networks import EmbeddingPrediction, NetworkConfig, build_network, save_network
from mvboot.synthetic.capture import synthesise
from mvboot.synthetic.settings import SynthSettings
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

    monkeypatch.setattr("mvboot.training.rounds.predicted", predicted)
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
