"""L_T: matches between pictures of one camera should agree with optical flow or a known warp.

The published form of this term is not known to us; docs/training.md has the two readings of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.losses import FlowError, PairError, WarpError
from mvboot.networks import DensePrediction
from mvboot.training.dense.flow import flow_of_cells
from mvboot.training.dense.matched_views import MatchedViews, Pair
from mvboot.training.dense.objective import Terms
from mvboot.training.dense.scales import Agreement
from mvboot.training.dense.settings import Matching, Temporal

Errors = Mapping[Pair, PairError]


@dataclass(frozen=True)
class Coherence:
    """L_T of the views of a sample, over all pairs by one camera; matches cost as in L_M."""

    temporal: Temporal = field(default_factory=Temporal)
    matching: Matching = field(default_factory=Matching)

    def terms(self, prediction: DensePrediction, sample: Sample, sigma: float) -> Terms:
        """Return the mean over all pairs, and what to log beside it; no loss where nothing matches.

        Pairs are two frames of a camera (`Sample.steps`) or two crops of a picture
        (`Sample.copies`), as the reading is; ``sigma`` is the width of the matches in units of the
        template.
        """
        agreement = Agreement(self.matching)
        matched = agreement.matched(prediction, sample, sigma)
        pixels = sample.cells_in_original(matched.stride).flatten(1, 2)
        if self.temporal.reading == "warp":
            return agreement.terms("warp", matched, _warps(agreement, matched, pixels))
        flows = _flows(agreement, matched, pixels)
        terms = agreement.terms("flow", matched, flows)
        return Terms(terms.losses, {**terms.meters, "followed": _followed(matched, flows)})


def _flows(agreement: Agreement, matched: MatchedViews, pixels: Tensor) -> dict[Pair, FlowError]:
    """Return for each two frames of a camera where optical flow says that cells go."""
    found = {}
    for a, b in matched.sample.steps():
        forth, back = (
            torch.from_numpy(flow).flatten(0, 1).to(pixels)
            for flow in flow_of_cells(matched.sample, a, b, matched.stride)
        )
        penalty = agreement.penalty(matched.side(a, b))
        found[a, b] = FlowError(pixels[a], pixels[b], forth, back, penalty=penalty)
    return found


def _warps(agreement: Agreement, matched: MatchedViews, pixels: Tensor) -> dict[Pair, WarpError]:
    """Return that two crops of a picture show the same at the same original pixel."""
    same = torch.eye(3, dtype=pixels.dtype)
    return {
        (a, b): WarpError(pixels[a], pixels[b], same, agreement.penalty(matched.side(a, b)))
        for a, b in matched.sample.copies()
    }


def _followed(matched: MatchedViews, flows: Mapping[Pair, FlowError]) -> float:
    """Return of how many cells of the subject the flow is known."""
    known = [
        torch.isfinite(flow[matched.subject[view]]).all(-1)
        for pair, error in flows.items()
        for view, flow in zip(pair, (error.flow, error.back_flow), strict=True)
        if flow is not None
    ]
    found = torch.cat(known) if known else torch.zeros(0)
    return float(found.float().mean()) if len(found) else 0.0
