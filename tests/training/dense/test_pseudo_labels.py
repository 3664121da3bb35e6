import numpy as np
import pytest
import torch

from mvboot.datasets import SampleReader, View
from mvboot.networks import NetworkConfig, build_network
from mvboot.training.dense.pseudo_labels import relabelled_terms


@pytest.fixture(params=["embedding", "charts"])
def one(request, filmed):
    """Return a network and a sample of which only the cells of the upper half are labelled."""
    reader = SampleReader(filmed, 64, 2, 0.15, kind=request.param)
    frame = filmed.model.labelled[0]
    sample = reader.read([View("cam_01", frame)])
    sample.fields.known[:, 16:] = False
    if sample.fields.part is not None:
        sample.fields.part[:, 16:] = 0
    network = build_network(NetworkConfig.for_template(filmed.template, request.param))
    return network, sample


def test_only_relabelled_cells_teach(one):
    network, sample = one
    prediction = network(sample.images)
    terms = relabelled_terms(prediction, sample, 0.05)
    assert set(terms.losses) <= {"surface", "parts"}
    assert terms.meters["cells"] == float(sample.fields.known.sum()) > 0
    tensors = [getattr(prediction, name) for name in ("embedding", "part_logits", "uv")
               if hasattr(prediction, name)]  # fmt: skip
    total = sum(terms.losses.values())
    for gradient in torch.autograd.grad(total, tensors):
        touched = gradient.abs().flatten(0, -3).sum(0) > 0
        assert touched.any() and not (touched & ~sample.fields.known[0]).any()


def test_confidence_weighs(one):
    network, sample = one
    prediction = network(sample.images)
    before = relabelled_terms(prediction, sample, 0.05).losses["surface"]
    rows = np.flatnonzero(sample.fields.known[0].any(1).numpy())
    sample.fields.confidence[:, rows[1] :] = 0
    assert not torch.allclose(relabelled_terms(prediction, sample, 0.05).losses["surface"], before)
    sample.fields.confidence[:] = 0
    assert all(float(v) == 0 for v in relabelled_terms(prediction, sample, 0.05).losses.values())
