"""L_M: matches between views of one instant should agree with the geometry of the cameras.

After Yu et al., "Semi-supervised dense keypoints using unlabeled multiview images" (NeurIPS 2021),
in the reading of docs/training.md. Ours are the robust distance, the place on the line by the vote
of other views, and labels that stand in for predictions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.losses import Penalty, Sighting, match_fields, transfer_rows
from mvboot.networks import DensePrediction
from mvboot.training.dense.matched_views import MatchedViews, Pair
from mvboot.training.dense.objective import Terms
from mvboot.training.dense.scales import Agreement
from mvboot.training.dense.settings import Matching


@dataclass(frozen=True)
class Consistency:
    """L_M of the views of a sample, over all pairs that see the same side of the subject."""

    matching: Matching = field(default_factory=Matching)

    def terms(self, prediction: DensePrediction, sample: Sample, sigma: float) -> Terms:
        """Return the mean over all pairs, and what to log beside it; no loss where nothing matches.

        ``sigma`` is the width of the matches in units of the template.
        """
        agreement = Agreement(self.matching)
        matched = agreement.matched(prediction, sample, sigma)
        pairs = sample.pairs(self.matching.widest_deg)
        along = self.along(matched, pairs) if self.matching.transfer else {}
        errors = {
            (a, b): matched.error(
                (a, b), agreement.penalty(matched.side(a, b)), along.get((a, b)), along.get((b, a))
            )
            for a, b in pairs
        }
        terms = agreement.terms("multiview", matched, errors)
        return Terms(terms.losses, {**terms.meters, "transferred": _share(matched, along)})

    @torch.no_grad()
    def along(self, matched: MatchedViews, pairs: Sequence[Pair]) -> dict[Pair, Tensor]:
        """Return the rows (cells, 3) of `transfer_rows` by (view, other view)."""
        sightings: dict[int, dict[int, Sighting]] = {}
        for a, b in pairs:
            error = matched.error((a, b), Penalty())
            for here, there, residuals in ((a, b, error.forth), (b, a, error.back)):
                matches = match_fields(
                    matched.values[here],
                    matched.values[there],
                    residuals,
                    matched.sigma,
                    matched.weight[here],
                    matched.weight[there],
                )
                reach = self.matching.tolerance * matched.side(here, there)
                camera = matched.sample.cameras[there]
                seen = Sighting(camera, matches.mean, matches.visibility, reach)
                sightings.setdefault(here, {})[there] = seen
        rows: dict[Pair, Tensor] = {}
        for here, seen_by in sightings.items():
            camera, pixels = matched.sample.cameras[here], matched.pixels[here]
            found = transfer_rows(camera, pixels, list(seen_by.values()))
            rows |= {(here, there): row for there, row in zip(seen_by, found, strict=True)}
        return rows


def _share(matched: MatchedViews, along: Mapping[Pair, Tensor]) -> float:
    """Return of how many cells of the subject the place on the line is known."""
    found = [row[matched.subject[here]].any(-1) for (here, _), row in along.items()]
    known = torch.cat(found) if found else torch.zeros(0)
    return float(known.float().mean()) if len(known) else 0.0
