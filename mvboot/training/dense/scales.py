"""Terms of the loss from matches: whether they agree with geometry, time or a known warp."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.losses import (
    AffinityLoss,
    Matches,
    PairError,
    Penalty,
    affinity_loss,
    likelihood,
    normalised,
    unnormalised,
)
from mvboot.networks import DensePrediction
from mvboot.training.config import KeypointMatching
from mvboot.training.dense.matched_views import MatchedViews, Pair
from mvboot.training.dense.objective import Terms
from mvboot.training.dense.settings import Matching


@dataclass(frozen=True)
class Distances:
    """What distances from epipolar lines cost, and in which unit: of fields and of keypoints."""

    matching: KeypointMatching

    def penalty(self, side: float) -> Penalty:
        """Return what distances cost where the side of a cell is ``side`` px of the original."""
        matching = self.matching
        if matching.distance == "robust":
            return Penalty("robust", matching.tolerance * side)
        limit = float("inf") if matching.limit is None else matching.limit * side
        return Penalty(matching.distance, limit)

    def scaled(self, value: Tensor, side: float) -> Tensor:
        """Return a loss in sides of a cell; that of robust distances has no unit."""
        if self.matching.distance == "robust":
            return value
        if self.matching.distance == "squared":
            value = (value + 1e-12).sqrt()
        return value / side


@dataclass(frozen=True)
class Agreement(Distances):
    """One term of the loss from the matches of pairs of views, in the way that all of them share.

    Robust distances give the mean of -log of the chance that a match is right; others sqrt(E[d^2])
    or E[d] in sides of a cell, so that a term depends neither on the picture's size nor on the
    world's unit.
    """

    matching: Matching

    def matched(self, prediction: DensePrediction, sample: Sample, sigma: float) -> MatchedViews:
        """Return what is matched; ``sigma`` is the width of matches in units of the template."""
        matched = MatchedViews.of(prediction, sample, sigma)
        return matched.anchored() if self.matching.anchored else matched

    def terms(self, name: str, matched: MatchedViews, errors: Mapping[Pair, PairError]) -> Terms:
        """Return the mean over pairs, and what to log beside it; no loss where nothing matches."""
        losses = [
            (self._loss(matched, pair, error), matched.side(*pair))
            for pair, error in errors.items()
        ]
        found = [(loss, side) for loss, side in losses if float(loss.visibility) > 0]
        if not found:
            return Terms({}, {"pairs": 0.0})
        values = [self.scaled(loss.value, side) for loss, side in found]
        floors = [self.scaled(loss.floor, side).detach() for loss, side in found]
        return Terms(
            {name: torch.stack(values).mean()},
            {
                "pairs": float(len(found)),
                "floor": _mean(floors),
                "visibility": _mean([loss.visibility for loss, _ in found]),
                "entropy": _mean([loss.entropy for loss, _ in found]),
            },
        )

    def _loss(self, matched: MatchedViews, pair: Pair, error: PairError) -> AffinityLoss:
        a, b = pair
        return affinity_loss(
            matched.values[a],
            matched.values[b],
            error,
            matched.sigma,
            matched.weight[a],
            matched.weight[b],
            self._reduction,
        )

    @property
    def _reduction(self) -> Callable[[Matches], Tensor]:
        if not self.matching.normalised:
            return unnormalised
        return likelihood if self.matching.distance == "robust" else normalised


def _mean(values: Sequence[Tensor]) -> float:
    return float(torch.stack(list(values)).mean())
