"""Labels and teachers as targets."""

from dataclasses import replace

import pytest
import torch

from mvboot.training.dense.objective import distilled_terms, labelled_terms


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
