"""Predictions: parts, coordinates and decisions."""

import torch

from mvboot.networks import ChartsPrediction, EmbeddingPrediction


def charts():
    """Return one row of four cells: background, part 1, part 2, part 2 by a hair."""
    logits = torch.tensor([[9.0, -9, -9, 0.5], [0, 9, 0, 0], [0, 0, 9, 0.1]])[None, :, None]
    uv = torch.arange(16.0).reshape(1, 2, 2, 1, 4) / 16
    zeros = torch.zeros(1, 1, 4)
    foreground = logits[:, 1:].logsumexp(1) - logits[:, 0]
    return ChartsPrediction(foreground, zeros, zeros + 0.5, 2, logits, uv)


def test_foreground_is_all_that_is_not_background():
    found = charts()
    torch.testing.assert_close(found.foreground, 1 - found.part_probabilities[:, 0])
    torch.testing.assert_close(found.part_probabilities.sum(1), torch.ones(1, 1, 4))


def test_the_subject_decides_before_the_part():
    found = charts().hard()
    assert found.part.tolist() == [[[0, 1, 2, 2]]]  # the last has a likelier background
    assert found.known.tolist() == [[[False, True, True, True]]]
    assert found.coordinates[0, :, 0].T.tolist() == [
        [0, 0],
        [1 / 16, 5 / 16],
        [10 / 16, 14 / 16],
        [11 / 16, 15 / 16],
    ]
    assert found.confidence.tolist() == [[[0.5] * 4]]


def test_the_likeliest_part_is_one_wherever_the_subject_may_be():
    assert charts().likeliest.tolist() == [[[1, 1, 2, 2]]]


def test_uv_of_stated_parts_keeps_its_gradient():
    found = charts()
    found.uv.requires_grad_()
    uv = found.uv_of(torch.tensor([[[2, 0, 1, 1]]]))
    assert uv[0, :, 0].T.tolist() == [[8 / 16, 12 / 16], [0, 0], [2 / 16, 6 / 16], [3 / 16, 7 / 16]]
    uv.sum().backward()
    assert found.uv.grad[0, :, 0, 0].tolist() == [[0, 0, 1, 1], [1, 0, 0, 0]]


def test_an_embedding_is_zero_off_the_subject():
    logit = torch.tensor([[[-1.0, 0.0, 1.0]]])
    values = torch.ones(1, 3, 1, 3, requires_grad=True)
    found = EmbeddingPrediction(logit, logit, logit.sigmoid(), 2, values).hard()
    assert found.part is None
    assert found.known.tolist() == [[[False, True, True]]]
    assert found.coordinates[0, :, 0].tolist() == [[0, 1, 1]] * 3
    assert found.coordinates.requires_grad
