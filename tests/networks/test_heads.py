"""Heads: ranges of what they say."""

import math

import pytest
import torch

from mvboot.networks import ChartsTarget, EmbeddingTarget
from mvboot.networks.heads import (
    BOX_MARGIN,
    EMBEDDING_ERROR,
    LOG_VARIANCE_LIMIT,
    UV_ERROR,
    build_head,
    uncertainty,
)

MESH = "0123456789abcdef"
EMBEDDING = EmbeddingTarget(topology=MESH, units="m", center=(1.0, -2.0), scale=(0.5, 0.25))
CHARTS = ChartsTarget(topology=MESH, parts=("a", "b", "c"))


def read(target, size):
    """Return what a head says about random features of a size, by random weights."""
    torch.manual_seed(0)
    head = build_head(16, target, 2)
    torch.nn.init.normal_(head.read.weight)
    with torch.no_grad():
        return head(size * torch.randn(2, 16, 5, 6))


def test_an_embedding_stays_in_its_box():
    center, scale = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 0.25])
    far = read(EMBEDDING, 100.0).embedding
    normalised = (far - center[:, None, None]) / scale[:, None, None]
    assert normalised.abs().max() == pytest.approx(BOX_MARGIN, rel=1e-5)
    normalised = (read(EMBEDDING, 1.0).embedding - center[:, None, None]) / scale[:, None, None]
    assert normalised.abs().min() < 0.1


def test_values_at_first_are_the_middle():
    torch.manual_seed(0)
    features = torch.relu(torch.randn(1, 16, 4, 4))
    found = build_head(16, EMBEDDING, 2)(features)
    middle = torch.tensor([1.0, -2.0])[:, None, None]
    assert (found.embedding[0] - middle).abs().max() < 0.1
    found = build_head(16, CHARTS, 2)(features)
    assert (found.uv - 0.5).abs().max() < 0.1
    assert (found.part_probabilities - 0.25).abs().max() < 0.1


@pytest.mark.parametrize("target", [EMBEDDING, CHARTS])
def test_shapes_and_ranges(target):
    for size in (1.0, 1e4):
        found = read(target, size)
        for layer in (found.foreground, found.confidence):
            assert layer.shape == (2, 5, 6)
            assert ((layer >= 0) & (layer <= 1)).all()
        assert found.stride == 2
        if target is CHARTS:
            assert found.part_logits.shape == (2, 4, 5, 6)
            assert found.uv.shape == (2, 3, 2, 5, 6)
            assert ((found.uv >= 0) & (found.uv <= 1)).all()
            torch.testing.assert_close(found.foreground, 1 - found.part_probabilities[:, 0])


def test_confidence_is_a_half_at_the_unit_of_error():
    variance, confidence = uncertainty(torch.zeros(1, 1, 1), 0.2)
    assert variance.exp().sqrt().item() == pytest.approx(0.2)
    assert confidence.item() == 0.5
    variance, confidence = uncertainty(torch.tensor([[[-1.0, 1.0, 1e9, -1e9]]]), 0.2)
    expected = 1 / (1 + variance.exp() / 0.2**2)
    torch.testing.assert_close(confidence, expected)
    assert variance.max().item() == pytest.approx(LOG_VARIANCE_LIMIT + 2 * math.log(0.2))


def test_the_unit_of_error_is_the_targets():
    torch.manual_seed(0)
    features = torch.zeros(1, 16, 1, 1)
    for target, error in ((EMBEDDING, EMBEDDING_ERROR * 0.5), (CHARTS, UV_ERROR)):
        found = build_head(16, target, 2)(features)
        assert found.log_variance.exp().sqrt().item() == pytest.approx(error)
