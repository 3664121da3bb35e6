"""How good a network is on held-out frames: without ground truth, and with it where known."""

import torch
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.losses import Penalty, hard_matches
from mvboot.networks import DensePrediction
from mvboot.networks.prediction import EmbeddingPrediction
from mvboot.training.dense.matched_views import MatchedViews, matching_values

SIGMA = 0.01
"""Only says how far parts of charts are apart; hard matches know no width."""


@torch.no_grad()
def held_out(
    prediction: DensePrediction, teacher: DensePrediction | None, sample: Sample
) -> dict[str, Tensor]:
    """Look at the views of a sample, cell by cell on the predicted subject.

    ``epipolar_px`` are distances of hard matches from epipolar lines; ``drift`` and ``error`` are
    distances in canonical space from the teacher's fields and from true ones: one value a cell.
    """
    matched = MatchedViews.of(prediction, sample, SIGMA)
    values, weight = matched.values, matched.weight
    errors = []
    for a, b in sample.pairs():
        error = matched.error((a, b), Penalty("unsquared"))
        for u, v, residuals in ((a, b, error.forth), (b, a, error.back)):
            found = hard_matches(values[u], values[v], residuals, weight[u], weight[v])
            errors.append(found.error[found.index >= 0])
    nothing = values.new_zeros(0)
    return {
        "epipolar_px": torch.cat(errors) if errors else nothing,
        "drift": nothing if teacher is None else _gap(matched, teacher),
        "error": _error(prediction, sample),
    }


def _gap(matched: MatchedViews, teacher: DensePrediction) -> Tensor:
    taught = matching_values(teacher, matched.sigma)
    gap: Tensor = torch.linalg.vector_norm(matched.values - taught, dim=-1)
    return gap[matched.subject]


def _error(prediction: DensePrediction, sample: Sample) -> Tensor:
    fields = sample.fields
    if fields is None or not isinstance(prediction, EmbeddingPrediction):
        return prediction.foreground_logit.new_zeros(0)
    known = fields.known & fields.present[:, None, None]
    gap: Tensor = torch.linalg.vector_norm(prediction.embedding - fields.coordinates, dim=1)
    return gap[known]
