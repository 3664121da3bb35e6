"""Early stopping of runs that go wrong: fields that collapse, stretch or part while the loss falls.

The epipolar loss is lowest for fields in which nothing can be told apart except along one
direction, or everything is far from everything (part B.5 of the methods). Neither shows in it, but
both show in how far predictions spread, compared with the teacher's. A loss by which it costs
nothing to match nothing drives views apart: that shows in how much finds a match (`visibility`).
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from mvboot.networks import DensePrediction
from mvboot.networks.prediction import ChartsPrediction, EmbeddingPrediction

COLLAPSED, STRETCHED = 0.4, 2.0
"""Spread over the teacher's below or above which a run has degenerated."""
PARTED = 0.1
"""Share of the matches of the first steps below which views have parted."""
MEMORY = 0.9
PATIENCE = 20
"""Steps before which nothing is judged, and over which it is averaged."""


@dataclass
class Watch:
    """Follows how far predictions of the subject spread, over what the teacher's do.

    And how much of the subject finds a match, over what did in the first steps.
    """

    kind: str
    spread: float | None = None
    matched: float | None = None
    at_first: float = 0.0
    seen: int = field(default=0)

    @torch.no_grad()
    def see(self, prediction: DensePrediction, teacher: DensePrediction, visibility: float) -> None:
        """Take note of a batch of which a share ``visibility`` finds a match."""
        subject = teacher.foreground_logit >= 0
        if int(subject.sum()) < 2:
            return
        own, known = (_spread(values, subject) for values in (prediction, teacher))
        self.seen += 1
        self.spread = _followed(self.spread, own / max(known, 1e-9))
        self.matched = _followed(self.matched, visibility)
        if self.seen <= PATIENCE:
            self.at_first = self.matched

    def fault(self, step: int) -> str | None:
        """Return what is wrong with a run that has degenerated, else None."""
        if self.spread is None or self.matched is None or self.seen < PATIENCE:
            return None
        cure = (
            "The epipolar term alone does that; raise distillation.weight_start, lower "
            "matching.weight or learning_rate"
        )
        if self.matched < PARTED * self.at_first:
            return (
                f"step {step}: the views have parted: of the cells that matched at first "
                f"{100 * self.matched / self.at_first:.0f} % still find a match. {cure}"
            )
        if COLLAPSED <= self.spread <= STRETCHED:
            return None
        what = "collapsed" if self.spread < COLLAPSED else "stretched"
        return (
            f"step {step}: the fields have {what}: they spread {self.spread:.2f} times as far as "
            f"the teacher's. {cure}"
        )


def _followed(mean: float | None, value: float) -> float:
    return value if mean is None else MEMORY * mean + (1 - MEMORY) * value


def _spread(prediction: DensePrediction, subject: Tensor) -> float:
    """Return the standard deviation of the coordinates of cells of the subject."""
    if isinstance(prediction, EmbeddingPrediction):
        values = prediction.embedding.movedim(1, -1)[subject]
    else:
        assert isinstance(prediction, ChartsPrediction)
        values = prediction.uv_of(prediction.likeliest).movedim(1, -1)[subject]
    return float((values - values.mean(0)).square().sum(1).mean().sqrt())
