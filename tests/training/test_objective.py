from dataclasses import replace

import pytest
import torch

from mvboot.datasets import SampleReader, sample_views
from mvboot.losses import unnormalised
from mvboot.networks import EmbeddingPrediction
from mvboot.training.objective import Consistency, distilled_terms, labelled_terms

STRIDE, SIZE, SIGMA = 2, 64, 0.05


@pytest.fixture(scope="module")
def sample(filmed):
    reader = SampleReader(filmed, SIZE, STRIDE, all_fields=True, kind="embedding")
    return reader.read(sample_views(filmed, "train", 3)[0][0])


@pytest.fixture(scope="module")
def truth(sample):
    return said(sample.fields.coordinates, sample.fields.known)


def said(values, known):
    logit = torch.where(known, 8.0, -8.0)
    blank = torch.zeros_like(logit)
    return EmbeddingPrediction(logit, blank, torch.ones_like(blank), STRIDE, values)


def consistency(prediction, sample, sigma=SIGMA, **options):
    return Consistency(**options).terms(prediction, sample, sigma)


def test_true_fields_cost_only_the_floor(truth, sample):
    found = consistency(truth, sample)
    loss, floor = float(found.losses["multiview"]), found.meters["floor"]
    assert found.meters["pairs"] == 3
    assert found.meters["visibility"] > 0.2
    assert floor < loss < 1.5 * floor + 0.5
    wide = consistency(truth, sample, 3 * SIGMA)
    assert wide.meters["floor"] > 2 * floor, "the floor grows with sigma"


def test_wrong_fields_cost_more(truth, sample):
    rng = torch.Generator().manual_seed(0)
    noise = 0.1 * torch.randn(truth.embedding.shape, generator=rng)
    noisy = replace(truth, embedding=truth.embedding + noise)
    constant = replace(truth, embedding=torch.zeros_like(truth.embedding))
    true, wrong, chance = (
        float(consistency(p, sample).losses["multiview"]) for p in (truth, noisy, constant)
    )
    assert true < wrong < chance


def test_without_normalisation_nothing_matches_anything(truth, sample):
    far = replace(truth, embedding=truth.embedding + torch.arange(3)[:, None, None, None] * 5.0)
    found = consistency(far, sample, reduction=unnormalised)
    assert not found.losses or float(found.losses["multiview"]) < 1e-3


def test_the_unit_of_the_world_changes_nothing(truth, sample):
    scaled = replace(
        sample,
        cameras=tuple(
            replace(camera, cam_from_world=camera.cam_from_world.scaled(1000.0))
            for camera in sample.cameras
        ),
    )
    one, other = (float(consistency(truth, s).losses["multiview"]) for s in (sample, scaled))
    assert one == pytest.approx(other, rel=1e-6)


def test_labels_are_met_and_missed(truth, sample):
    labelled = replace(sample, labelled=torch.tensor([True, True, False]))
    met = labelled_terms(truth, labelled, 0.05).losses
    assert float(met["surface"]) == 0
    assert float(met["foreground"]) < 1e-3
    values = truth.embedding.clone()
    values[2] += 1.0  # the view that is no label does not count
    assert (
        float(labelled_terms(replace(truth, embedding=values), labelled, 0.05).losses["surface"])
        == 0
    )
    values[1] += 0.1 / 8**0.5  # 10 cm everywhere: Huber at 2 units
    missed = labelled_terms(replace(truth, embedding=values), labelled, 0.05).losses
    assert float(missed["surface"]) == pytest.approx((2 - 0.5) / 2, rel=1e-4)


def test_a_teacher_is_met_and_missed(truth):
    same = distilled_terms(truth, truth, 0.05)
    assert float(same.losses["surface"]) == 0
    assert same.meters["drift"] == 0
    moved = replace(truth, embedding=truth.embedding + 0.02 / 8**0.5)
    apart = distilled_terms(moved, truth, 0.05)
    assert apart.meters["drift"] == pytest.approx(0.02, rel=1e-3)


def test_the_gradient_of_the_consistency_pulls_towards_agreement(truth, sample):
    rng = torch.Generator().manual_seed(1)
    values = truth.embedding + 0.03 * torch.randn(truth.embedding.shape, generator=rng)
    values.requires_grad_()
    before = consistency(replace(truth, embedding=values), sample).losses["multiview"]
    before.backward()
    step = values.detach() - 0.5 * values.grad / values.grad.abs().max() * 0.02
    after = consistency(replace(truth, embedding=step), sample).losses["multiview"]
    assert float(after) < float(before)
    assert torch.isfinite(values.grad).all()
