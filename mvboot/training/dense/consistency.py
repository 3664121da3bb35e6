"""L_M: what twins say of one instant should agree with the geometry of their cameras.

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
from mvboot.training.dense.matched_views import Pair, Twins
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
        twins = agreement.twins(prediction, sample, sigma)
        pairs = sample.pairs(self.matching.widest_deg)
        along = self.along(twins, pairs) if self.matching.transfer else {}
        errors = {
            (a, b): twins.error(
                (a, b), agreement.penalty(twins.side(a, b)), along.get((a, b)), along.get((b, a))
            )
            for a, b in pairs
        }
        terms = agreement.terms("multiview", twins, errors)
        return Terms(terms.losses, {**terms.meters, "transferred": _share(twins, along)})

    @torch.no_grad()
    def along(self, twins: Twins, pairs: Sequence[Pair]) -> dict[Pair, Tensor]:
        """Return the rows (cells, 3) of `transfer_rows` by (view, other view)."""
        sightings: dict[int, dict[int, Sighting]] = {}
        for a, b in pairs:
            error = twins.error((a, b), Penalty())
            for here, there, residuals in ((a, b, error.forth), (b, a, error.back)):
                matches = match_fields(
                    twins.values[here],
                    twins.values[there],
                    residuals,
                    twins.sigma,
                    twins.weight[here],
                    twins.weight[there],
                )
                reach = self.matching.tolerance * twins.side(here, there)
                camera = twins.sample.cameras[there]
                seen = Sighting(camera, matches.mean, matches.visibility, reach)
                sightings.setdefault(here, {})[there] = seen
        rows: dict[Pair, Tensor] = {}
        for here, seen_by in sightings.items():
            camera, pixels = twins.sample.cameras[here], twins.pixels[here]
            found = transfer_rows(camera, pixels, list(seen_by.values()))
            rows |= {(here, there): row for there, row in zip(seen_by, found, strict=True)}
        return rows


def _share(twins: Twins, along: Mapping[Pair, Tensor]) -> float:
    """Return of how many cells of the subject the place on the line is known."""
    found = [row[twins.subject[here]].any(-1) for (here, _), row in along.items()]
    known = torch.cat(found) if found else torch.zeros(0)
    return float(known.float().mean()) if len(known) else 0.0
