"""How good a network is on held-out frames: without ground truth, and with it where known."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.losses import Penalty, hard_matches
from mvboot.networks import DensePrediction
from mvboot.networks.prediction import EmbeddingPrediction
from mvboot.training.twins import Twins, matching_values

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

    @staticmethod
    def total(held: Sequence["Held"], name: str) -> Tensor:
        """Return the sum of all values of one name and how many they are, (2,) in double."""
        values = [getattr(one, name).double() for one in held]
        sums = [torch.stack([v.sum(), v.new_tensor(float(v.numel()))]) for v in values]
        return torch.stack(sums).sum(0) if sums else torch.zeros(2, dtype=torch.float64)


@torch.no_grad()
def held_out(prediction: DensePrediction, teacher: DensePrediction | None, sample: Sample) -> Held:
    """Look at the views of a sample, cell by cell on the predicted subject."""
    twins = Twins.of(prediction, sample, SIGMA)
    values, weight = twins.values, twins.weight
    errors = []
    for a, b in sample.pairs():
        error = twins.error((a, b), Penalty("unsquared"))
        for u, v, residuals in ((a, b, error.forth), (b, a, error.back)):
            found = hard_matches(values[u], values[v], residuals, weight[u], weight[v])
            errors.append(found.error[found.index >= 0])
    nothing = values.new_zeros(0)
    return Held(
        torch.cat(errors) if errors else nothing,
        nothing if teacher is None else _gap(twins, teacher),
        _error(prediction, sample),
    )


def _gap(twins: Twins, teacher: DensePrediction) -> Tensor:
    taught = matching_values(teacher, twins.sigma)
    gap: Tensor = torch.linalg.vector_norm(twins.values - taught, dim=-1)
    return gap[twins.subject]


def _error(prediction: DensePrediction, sample: Sample) -> Tensor:
    fields = sample.fields
    if fields is None or not isinstance(prediction, EmbeddingPrediction):
        return prediction.foreground_logit.new_zeros(0)
    known = fields.known & fields.present[:, None, None]
    gap: Tensor = torch.linalg.vector_norm(prediction.embedding - fields.coordinates, dim=1)
    return gap[known]
