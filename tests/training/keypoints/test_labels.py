"""Labels of keypoints: by name, on the crop, and left stays left."""

from dataclasses import replace

import pytest
import torch

from mvboot.errors import InputError
from mvboot.heatmaps import Bumps
from mvboot.networks import KeypointPrediction
from mvboot.training.keypoints.labels import keypoint_labels, labelled_keypoint_terms

NAMES = ("hand_right", "nose")


def perfect(sample, names, stride=2):
    blank = KeypointPrediction(torch.zeros(1, 1, 32, 32), stride, 1.0)
    cells = blank.in_cells(keypoint_labels(sample, names).points)
    return KeypointPrediction((Bumps.at(cells, 32, 32, 1.0).maps.log() + 20).float(), stride, 1.0)


def test_a_perfect_prediction_costs_nothing(spots):
    sample = spots(turn=0.4)
    found = labelled_keypoint_terms(perfect(sample, NAMES), sample, NAMES)
    assert found.losses["keypoints"].item() < 1e-4
    assert found.meters["error_px"] < 0.02
    swapped = labelled_keypoint_terms(perfect(sample, NAMES), sample, NAMES[::-1])
    assert swapped.losses["keypoints"].item() > 1 and swapped.meters["error_px"] > 3


def test_left_stays_left_in_a_mirror(spots):
    """The mirrored subject's left hand is where the right one was, seen in a mirror."""
    plain = keypoint_labels(spots(), ("hand_left", "hand_right", "nose")).points
    mirrored = keypoint_labels(spots(mirror=True), ("hand_right", "hand_left", "nose")).points
    torch.testing.assert_close(mirrored[..., 0], 63 - plain[..., 0])
    torch.testing.assert_close(mirrored[..., 1], plain[..., 1])


def test_views_without_labels_do_not_count(spots):
    sample = spots()
    one = replace(sample, confidence=sample.confidence * torch.tensor([[1.0], [0.0], [0.0]]))
    prediction = perfect(sample, NAMES)
    wrong = replace(prediction, logits=prediction.logits.flip(1))
    alone = replace(wrong, logits=torch.cat([wrong.logits[:1], prediction.logits[1:]]))
    here, there = (
        labelled_keypoint_terms(said, one, NAMES).losses["keypoints"] for said in (wrong, alone)
    )
    torch.testing.assert_close(here, there)
    none = replace(sample, confidence=0 * sample.confidence)
    assert labelled_keypoint_terms(wrong, none, NAMES).losses["keypoints"].item() == 0


def test_missing_labels_have_no_weight(spots):
    sample = spots()
    keypoints = sample.keypoints.clone()
    keypoints[1, 0] = torch.nan
    labels = keypoint_labels(replace(sample, keypoints=keypoints), ("nose", "tail"))
    assert labels.weight.tolist() == [[1, 1], [0, 1], [1, 1]]
    terms = labelled_keypoint_terms(
        perfect(sample, ("nose", "tail")), replace(sample, keypoints=keypoints), ("nose", "tail")
    )
    assert terms.losses["keypoints"].isfinite()


def test_a_label_beyond_the_crop_says_that_nothing_is_there(spots):
    sample = spots()
    beyond = replace(sample, keypoints=sample.keypoints + 500)
    prediction = perfect(sample, NAMES)
    nowhere = replace(prediction, logits=torch.full_like(prediction.logits, -40.0))
    costs = [
        labelled_keypoint_terms(said, beyond, NAMES).losses["keypoints"].item()
        for said in (nowhere, prediction)
    ]
    assert costs[0] < 1e-6 and costs[1] > 10


def test_unknown_names(spots):
    with pytest.raises(InputError, match="no labels of beak; there are nose, tail"):
        keypoint_labels(spots(), ("nose", "beak"))
