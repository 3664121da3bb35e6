"""KeypointNet's terms on the views of a sample."""

from dataclasses import replace

import pytest
import torch

from mvboot.heatmaps import Bumps
from mvboot.losses import KeypointNetWeights
from mvboot.networks import KeypointPrediction, NetworkConfig, build_network
from mvboot.training.latent.crop_cameras import plain_views
from mvboot.training.latent.objective import (
    keypoint_views,
    known_facing,
    latent_terms,
    orientation_terms,
)

WORLD = ((0.5, 0.1, 0.1), (-0.6, 0, 0), (0.1, 0.4, -0.1), (0.1, -0.4, 0.2))
WEIGHTS = KeypointNetWeights(1.0, 0.2, 1.0, 1.0, 0.5, 1.0, noise=0.0)


def said(sample, blur=0.6, depth_error=0.0):
    """Return what a network would say that sees every keypoint where it is, and its depth."""
    blank = KeypointPrediction(torch.zeros(1, 1, 64, 64), 1, 0.0)
    maps = Bumps.at(blank.in_cells(sample.keypoints), 64, 64, blur).maps
    plain = plain_views(sample)
    points = torch.tensor(WORLD, dtype=torch.float64) / plain.unit[0]
    if bool(sample.mirrored[0]):
        points = points[[0, 1, 3, 2]]
    depth = [
        plain.cameras.cam_from_world[i].apply(points)[:, 2] - plain.distance[i]
        for i in range(len(sample))
    ]
    offset = torch.stack(depth)[..., None, None].expand_as(maps) + depth_error
    return KeypointPrediction(maps.clamp(min=1e-30).log(), 1, 0.0, offset)


def small_network(count):
    return build_network(NetworkConfig.keypointnet(count, width=8, backbone="small", stride=2))


@pytest.mark.parametrize("mirror", [False, True])
def test_true_keypoints_agree(spots, mirror):
    sample = spots(turn=0.3, mirror=mirror)
    found = latent_terms(said(sample), sample, WEIGHTS)
    assert found.losses["consistency"] < 1e-6 and found.losses["pose"] < 1e-3
    assert found.losses["separation"] == 0 and found.losses["silhouette"] < 1e-6
    cell = 1 / 32  # of a map of 64, whose longer side is 2
    assert found.losses["variance"].item() == pytest.approx(2 * (0.6 * cell) ** 2, rel=0.05)
    assert found.meters["angle_deg"] < 0.1 and found.meters["plain_gap_px"] < 1e-6


def test_wrong_depths_do_not(spots):
    sample = spots()
    found = latent_terms(said(sample, depth_error=0.3), sample, WEIGHTS)
    assert found.losses["consistency"] > 1e-3


def test_the_unit_of_the_world_changes_nothing(spots):
    network = small_network(3)
    values = []
    for unit in (1.0, 1000.0):
        sample = spots(unit=unit)
        terms = latent_terms(network(sample.images), sample, WEIGHTS)
        values.append(torch.stack([terms.losses[name] for name in sorted(terms.losses)]))
    torch.testing.assert_close(*values, rtol=1e-4, atol=1e-7)


def test_a_network_takes_steps_on_it(spots):
    sample = spots()
    noise = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, sample.images.shape, generator=noise, dtype=torch.uint8)
    network = small_network(4)
    weights = KeypointNetWeights.tf_code(4)
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    totals = []
    for _ in range(12):
        terms = latent_terms(network(images), sample, weights, noise)
        total = weights.total(terms.losses)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        totals.append(total.item())
    assert all(values.grad.isfinite().all() for values in network.parameters())
    assert totals[-1] < totals[0]


def test_masks_at_the_cells_of_the_network(spots):
    sample = spots()
    masks = torch.zeros_like(sample.masks)
    masks[:, :, :31] = 1
    half = replace(sample, masks=masks, has_mask=torch.tensor([True, False, True]))
    network = small_network(3)
    views, _ = keypoint_views(network(sample.images), half)
    assert views.mask.shape == (3, 32, 32) and views.mask[0].sum(1).tolist() == [16] * 32
    assert views.masked.tolist() == [True, False, True]
    unknown = replace(half, has_mask=torch.zeros(3, dtype=torch.bool))
    terms = latent_terms(network(sample.images), unknown, WEIGHTS)
    assert "silhouette" not in terms.losses


def test_orientation_is_learned_where_both_ends_are_labelled(spots):
    sample = spots()
    oriented = ("nose", "tail")
    truth = sample.keypoints[:, :2]
    maps = Bumps.at(truth, 64, 64, 0.6).maps.clamp(min=1e-30).log()
    seen = KeypointPrediction(maps, 1, 0.0)
    prediction = said(sample).facing(seen)
    found = orientation_terms(prediction, sample, oriented)
    assert found.losses["orientation"] < 1e-8 and found.meters["facing"] == 1
    back = orientation_terms(
        prediction.facing(replace(seen, logits=maps.flip(1))), sample, oriented
    )
    gap = ((truth[:, 0] - truth[:, 1]) / 32).square().sum(1).mean()
    assert back.losses["orientation"].item() == pytest.approx(gap.item(), rel=1e-4)
    assert back.meters["facing"] == 0
    unknown = sample.confidence.clone()
    unknown[:, 1] = 0
    blind = replace(sample, confidence=unknown)
    assert orientation_terms(prediction, blind, oriented).losses == {}
    assert known_facing(blind, oriented).isnan().all()
    right = (truth[:, 0, 0] > truth[:, 1, 0]).float()
    assert known_facing(sample, oriented).tolist() == right.tolist()


def test_a_mirrored_subject_faces_the_other_way(spots):
    plain, mirrored = (known_facing(spots(mirror=m), ("nose", "tail")) for m in (False, True))
    assert (plain + mirrored == 1).all()
