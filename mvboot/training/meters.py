"""Meters of a run that goes wrong: fields that collapse, or stretch, while the loss falls.

The epipolar loss is lowest for fields in which nothing can be told apart except along one
direction, or everything is far from everything (part B.5 of the methods). Neither shows in it, but
both show in how far predictions spread, compared with the teacher's.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from mvboot.networks import DensePrediction
from mvboot.networks.prediction import ChartsPrediction, EmbeddingPrediction

COLLAPSED, STRETCHED = 0.4, 2.0
"""Spread over the teacher's below or above which a run has degenerated."""
MEMORY = 0.9
PATIENCE = 20
"""Steps before which nothing is judged, and over which it is averaged."""


@dataclass
class Watch:
    """Follows how far predictions of the subject spread, over what the teacher's do."""

    kind: str
    spread: float | None = None
    seen: int = field(default=0)

    @torch.no_grad()
    def see(self, prediction: DensePrediction, teacher: DensePrediction) -> None:
        """Take note of a batch."""
        subject = teacher.foreground_logit >= 0
        if int(subject.sum()) < 2:
            return
        own, known = (_spread(values, subject) for values in (prediction, teacher))
        ratio = own / max(known, 1e-9)
        self.seen += 1
        self.spread = ratio if self.spread is None else MEMORY * self.spread + (1 - MEMORY) * ratio

    def fault(self, step: int) -> str | None:
        """Return what is wrong with a run whose fields have collapsed or stretched, else None."""
        if self.spread is None or self.seen < PATIENCE:
            return None
        if COLLAPSED <= self.spread <= STRETCHED:
            return None
        what = "collapsed" if self.spread < COLLAPSED else "stretched"
        return (
            f"step {step}: the fields have {what}: they spread {self.spread:.2f} times as far as "
            "the teacher's. The epipolar term alone does that; raise distillation.weight_start, "
            "lower matching.weight or learning_rate"
        )


def _spread(prediction: DensePrediction, subject: Tensor) -> float:
    """Return the standard deviation of the coordinates of cells of the subject."""
    if isinstance(prediction, EmbeddingPrediction):
        values = prediction.embedding.movedim(1, -1)[subject]
    else:
        assert isinstance(prediction, ChartsPrediction)
        values = prediction.uv_of(prediction.likeliest).movedim(1, -1)[subject]
    return float((values - values.mean(0)).square().sum(1).mean().sqrt())
