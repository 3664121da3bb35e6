"""The sparse epipolar term on the views of a sample."""

from dataclasses import replace

import pytest
import torch

from mvboot.heatmaps import Bumps
from mvboot.networks import KeypointPrediction
from mvboot.training.config import KeypointMatching
from mvboot.training.keypoints.consistency import KeypointConsistency
from mvboot.training.keypoints.labels import keypoint_labels

NAMES = ("nose", "tail", "hand_left")
LENS = (-0.1, 0.02, 0.001, 0.0)


def said(sample, shift=(0.0, 0.0), blur=1.0):
    """Return perfect maps, but for those of one of three views, which are shifted."""
    blank = KeypointPrediction(torch.zeros(1, 1, 32, 32), 2, blur)
    points = keypoint_labels(sample, NAMES).points.clone()
    points[1] += torch.tensor(shift)
    maps = Bumps.at(blank.in_cells(points), 32, 32, blur).maps
    return KeypointPrediction((maps.log() + 20).clamp(min=-60).float(), 2, blur)


@pytest.mark.parametrize("distance", ["squared", "unsquared", "robust"])
@pytest.mark.parametrize("mirror", [False, True])
def test_true_keypoints_cost_least(spots, distance, mirror):
    """Along the lines a shift costs hardly anything, across them much."""
    sample = spots(dist=LENS, turn=0.5, mirror=mirror)
    term = KeypointConsistency(KeypointMatching(distance=distance, limit=None))
    true, *others = (
        float(term.terms(said(sample, shift), sample).losses["multiview"])
        for shift in ((0.0, 0.0), (6.0, 0.0), (-6.0, 0.0), (0.0, 6.0), (0.0, -6.0))
    )
    assert min(others) > 0.99 * true and max(others) > 1.4 * true


def test_meters(spots):
    sample = spots(turn=0.2)
    meters = KeypointConsistency().terms(said(sample), sample).meters
    assert meters["pairs"] == 3 and meters["confidence"] > 0.99
    assert meters["epipolar_px"] < 6  # half a cell of each view, in px of the original


def test_the_unit_of_the_world_changes_nothing(spots):
    values = []
    for unit in (1.0, 1000.0):
        sample = spots(unit=unit)
        values.append(
            KeypointConsistency().terms(said(sample, (4.0, 0.0)), sample).losses["multiview"]
        )
    torch.testing.assert_close(*values, rtol=1e-4, atol=0)


def test_unsure_keypoints_count_less(spots):
    sample = spots()
    prediction = said(sample, (8.0, 0.0))
    unsure = prediction.logits.clone()
    unsure[1] -= 20  # a map that thinks its keypoint is nowhere with a chance of one half
    whole = KeypointConsistency().terms(prediction, sample).losses["multiview"]
    half = KeypointConsistency().terms(replace(prediction, logits=unsure), sample)
    torch.testing.assert_close(half.losses["multiview"], whole, rtol=1e-3, atol=0)
    only_one = prediction.logits.clone()
    only_one[1, 1:] -= 60  # two of three keypoints count in no pair with that view
    rest = KeypointConsistency().terms(replace(prediction, logits=only_one), sample)
    alone = replace(prediction, logits=prediction.logits[:, :1])
    assert rest.losses["multiview"].isfinite() and alone.logits.shape[1] == 1


def test_labels_stand_in_for_predictions(spots):
    sample = spots()
    labels = keypoint_labels(sample, NAMES)
    wrong = said(sample, (8.0, 0.0))
    only_wrong_view = labels._replace(weight=labels.weight * torch.tensor([[0.0], [1.0], [0.0]]))
    true = KeypointConsistency().terms(said(sample), sample).losses["multiview"]
    anchored = KeypointConsistency().terms(wrong, sample, only_wrong_view).losses["multiview"]
    torch.testing.assert_close(anchored, true, rtol=0.02, atol=0)
    free = KeypointConsistency(KeypointMatching(anchored=False)).terms(
        wrong, sample, only_wrong_view
    )
    assert free.losses["multiview"] > 1.3 * true


def test_one_view_is_no_pair(spots):
    sample = spots(angles=(0.0,))
    found = KeypointConsistency().terms(
        KeypointPrediction(torch.zeros(1, 3, 32, 32), 2, 1.0), sample
    )
    assert found.losses == {} and found.meters == {"pairs": 0.0}


def test_keypoints_that_mean_another_spot_there_do_not_count(spots):
    sample = spots()
    prediction = said(sample, (8.0, 0.0))
    same = torch.ones(len(sample), len(NAMES), dtype=torch.bool)
    alone = same.clone()
    alone[1] = False  # the view that is off
    term = KeypointConsistency()
    values = [
        float(term.terms(prediction, sample, same_spot=counted).losses["multiview"])
        for counted in (same, alone)
    ]
    right = float(term.terms(said(sample), sample, same_spot=alone).losses["multiview"])
    assert values[0] > 1.2 * values[1]
    assert values[1] < 1.5 * right
