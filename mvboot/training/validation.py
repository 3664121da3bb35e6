"""How good a network is on held-out frames: without ground truth, and with it where known."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.geometry.epipolar import fundamental_matrix
from mvboot.losses import EpipolarError, Penalty, hard_matches
from mvboot.networks import DensePrediction
from mvboot.networks.prediction import EmbeddingPrediction
from mvboot.training.objective import matching_values, subject_weight, undistorted_cells

SIGMA = 0.01
"""Only says how far parts of charts are apart; hard matches know no width."""


@dataclass(frozen=True)
class Held:
    """What one sample of held-out views says, each a list of one value a cell.

    ``epipolar_px`` are distances of hard matches from epipolar lines; ``drift`` and ``error`` are
    distances in canonical space from the teacher's fields and from true ones.
    """

    epipolar_px: Tensor
    drift: Tensor
    error: Tensor


@torch.no_grad()
def held_out(prediction: DensePrediction, teacher: DensePrediction | None, sample: Sample) -> Held:
    """Look at the views of a sample, cell by cell on the predicted subject."""
    cells = undistorted_cells(sample, prediction.stride)
    weight = subject_weight(prediction, sample)
    values = matching_values(prediction, SIGMA)
    errors = []
    for a, b in sample.pairs():
        F = fundamental_matrix(sample.cameras[a], sample.cameras[b])
        error = EpipolarError(cells[a], cells[b], F, Penalty("unsquared"))
        for u, v, residuals in ((a, b, error.forth), (b, a, error.back)):
            found = hard_matches(values[u], values[v], residuals, weight[u], weight[v])
            errors.append(found.error[found.index >= 0])
    nothing = values.new_zeros(0)
    return Held(
        torch.cat(errors) if errors else nothing,
        nothing if teacher is None else _gap(prediction, teacher, weight),
        _error(prediction, sample),
    )


def _gap(prediction: DensePrediction, teacher: DensePrediction, weight: Tensor) -> Tensor:
    own, other = (matching_values(values, SIGMA) for values in (prediction, teacher))
    gap: Tensor = torch.linalg.vector_norm(own - other, dim=-1)
    return gap[weight > 0]


def _error(prediction: DensePrediction, sample: Sample) -> Tensor:
    fields = sample.fields
    if fields is None or not isinstance(prediction, EmbeddingPrediction):
        return prediction.foreground_logit.new_zeros(0)
    known = fields.known & fields.present[:, None, None]
    gap: Tensor = torch.linalg.vector_norm(prediction.embedding - fields.coordinates, dim=1)
    return gap[known]
