"""L_M: what it costs, what it cannot see, and where its gradient goes."""

from dataclasses import replace

import pytest
import torch

from mvboot.losses import Penalty
from mvboot.training.dense.consistency import Consistency
from mvboot.training.dense.matched_views import MatchedViews
from mvboot.training.dense.settings import Matching

SIGMA = 0.05
PLAIN = {"distance": "squared", "transfer": False, "anchored": False, "widest_deg": 180.0}
"""The three training cameras stand far apart."""


def consistency(prediction, sample, sigma=SIGMA, **options):
    return Consistency(Matching(**(PLAIN | options))).terms(prediction, sample, sigma)


@pytest.mark.slow
def test_true_fields_cost_only_the_floor(truth, sample):
    found = consistency(truth, sample)
    loss, floor = float(found.losses["multiview"]), found.meters["floor"]
    assert found.meters["pairs"] == 3
    assert found.meters["visibility"] > 0.2
    assert floor < loss < 1.5 * floor + 0.5
    wide = consistency(truth, sample, 3 * SIGMA)
    assert wide.meters["floor"] > 2 * floor, "the floor grows with sigma"


@pytest.mark.slow
def test_cameras_too_far_apart_are_no_pair(truth, sample):
    apart = next(angle for angle in range(1, 181) if sample.pairs(angle))
    near = consistency(truth, sample, widest_deg=float(apart))
    assert near.meters["pairs"] == len(sample.pairs(apart)) < 3
    assert not consistency(truth, sample, widest_deg=apart - 1.0).losses


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
    found = consistency(far, sample, distance="squared", normalised=False)
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


@pytest.mark.parametrize("distance", ["robust", "squared", "unsquared"])
def test_every_distance_prefers_the_truth(truth, sample, distance):
    rng = torch.Generator().manual_seed(0)
    noise = 0.15 * torch.randn(truth.embedding.shape, generator=rng)
    noisy = replace(truth, embedding=truth.embedding + noise)
    for transfer in (False, True):
        true, wrong = (
            float(consistency(p, sample, distance=distance, transfer=transfer).losses["multiview"])
            for p in (truth, noisy)
        )
        assert true < 0.8 * wrong


def test_a_robust_loss_is_bounded(truth, sample):
    shuffled = truth.embedding[:, :, torch.randperm(truth.embedding.shape[2])]
    found = consistency(replace(truth, embedding=shuffled), sample, distance="robust")
    assert float(found.losses["multiview"]) < 4.61  # -log of the share of hopeless pixels


def test_a_limit_truncates_other_distances(truth, sample):
    constant = replace(truth, embedding=torch.zeros_like(truth.embedding))
    found = consistency(constant, sample, limit=0.5)
    assert float(found.losses["multiview"]) <= 0.5 + 1e-6


def test_labels_stand_in_for_predictions(truth, sample):
    wrong = replace(truth, embedding=truth.embedding.clone())
    wrong.embedding[0] += 0.03
    labelled = replace(sample, labelled=torch.tensor([True, False, False]))
    anchored = consistency(wrong, labelled, anchored=True).losses["multiview"]
    true = consistency(truth, labelled, anchored=True).losses["multiview"]
    assert float(anchored) == pytest.approx(float(true), rel=1e-6)
    assert float(consistency(wrong, labelled).losses["multiview"]) > 1.05 * float(true)


def test_labels_of_views_have_no_gradient(truth, sample):
    values = truth.embedding.clone().requires_grad_()
    labelled = replace(sample, labelled=torch.tensor([True, False, False]))
    prediction = replace(truth, embedding=values)
    consistency(prediction, labelled, anchored=True).losses["multiview"].backward()
    assert float(values.grad[0].abs().max()) == 0
    assert float(values.grad[1:].abs().max()) > 0


def test_rows_of_transfer_vanish_at_true_matches(truth, sample):
    matched = MatchedViews.of(truth, sample, 0.02)
    rows = Consistency(Matching()).along(matched, sample.pairs())
    assert set(rows) == {(a, b) for a in range(3) for b in range(3) if a != b}
    for (a, b), row in rows.items():
        gap = torch.cdist(matched.values[a], matched.values[b])
        gap[:, ~matched.subject[b]] = torch.inf
        nearest, match = gap.min(1)
        there = matched.subject[a] & (nearest < 0.04) & row.any(-1)
        if int(there.sum()) < 10:
            continue
        pixels = torch.nn.functional.pad(matched.pixels[b][match], (0, 1), value=1.0)
        length = torch.linalg.vector_norm(row[:, :2], dim=1)
        off = ((pixels.double() * row).sum(1) / length)[there].abs()
        assert float(off.median()) < matched.side(a, b)
        error = matched.error((a, b), Penalty("unsquared"), row)
        assert error.forth.lines.shape[-2:] == (2, 3)
