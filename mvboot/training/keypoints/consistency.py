"""The sparse epipolar term: the heat maps of two views of one instant should agree.

L_M with heat maps in place of fields (`mvboot.losses.sparse`): what a match of a keypoint in two
views is off its epipolar lines on average, over all the places where either map has it. Labels,
or a teacher, must hold the keypoints in place: the term alone is content with any point of the
subject.
"""

from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.geometry import fundamental_matrix
from mvboot.heatmaps import Bumps
from mvboot.losses import EpipolarError, Penalty, heatmap_affinity, heaviest, surprise
from mvboot.networks import KeypointPrediction
from mvboot.training.config import KeypointMatching
from mvboot.training.dense.matched_views import cell_side, undistorted_cells
from mvboot.training.dense.objective import Terms
from mvboot.training.dense.scales import Distances
from mvboot.training.keypoints.labels import KeypointLabels


@dataclass(frozen=True)
class KeypointConsistency:
    """L_M of the keypoints of a sample, over all pairs of views of one instant.

    Keypoints have no width of matches, as names say what matches.
    """

    matching: KeypointMatching = field(default_factory=KeypointMatching)

    def terms(
        self,
        prediction: KeypointPrediction,
        sample: Sample,
        labels: KeypointLabels | None = None,
        same_spot: Bool[Tensor, "n k"] | None = None,
    ) -> Terms:
        """Return the mean over pairs and keypoints; no loss where there is no pair.

        A keypoint counts by the confidence that both views have in it, without gradient. ``labels``
        of the same keypoints stand in for predictions where they are known. Only keypoints that
        mean the same spot as in other views (``same_spot``) count; None: all.
        """
        maps, weight = _believed(prediction, labels if self.matching.anchored else None)
        if same_spot is not None:
            weight = weight * same_spot
        cells = undistorted_cells(sample, prediction.stride)
        distances = Distances(self.matching)
        values, gaps = [], []
        for a, b in sample.pairs():
            both = weight[a] * weight[b]
            if not bool(both.any()):
                continue
            side = cell_side(sample, prediction.stride, a, b)
            F = fundamental_matrix(sample.cameras[a], sample.cameras[b])
            error = EpipolarError(cells[a], cells[b], F, distances.penalty(side))
            costs = heatmap_affinity(maps[a], maps[b], error, heaviest(prediction.blur))
            if self.matching.distance == "robust":
                costs = surprise(costs)
            value = (both * costs).sum() / both.sum().clamp(min=torch.finfo(both.dtype).eps)
            values.append(distances.scaled(value, side))
            gaps.append(_likeliest_gap(maps[a], maps[b], cells[a], cells[b], F)[both > 0])
        if not values:
            return Terms({}, {"pairs": 0.0})
        meters = {
            "pairs": float(len(values)),
            "confidence": float(weight[weight > 0].mean()),
            "epipolar_px": float(torch.cat(gaps).nanmedian()),
        }
        return Terms({"multiview": torch.stack(values).mean()}, meters)


def _believed(
    prediction: KeypointPrediction, labels: KeypointLabels | None
) -> tuple[Float[Tensor, "n k cells"], Float[Tensor, "n k"]]:
    """Return heat maps and how much they count, labels in place of predictions."""
    maps = prediction.probabilities
    weight = prediction.decoded().confidence.detach()
    if labels is None or prediction.blur == 0:
        return maps.flatten(2), weight
    height, width = maps.shape[-2:]
    bumps = Bumps.at(prediction.in_cells(labels.points), height, width, prediction.blur)
    known = bumps.inside & (labels.weight > 0)
    maps = torch.where(known[..., None, None], bumps.maps.to(maps), maps)
    return maps.flatten(2), torch.where(known, labels.weight, weight)


@torch.no_grad()
def _likeliest_gap(
    map_a: Tensor, map_b: Tensor, cells_a: Tensor, cells_b: Tensor, F: Tensor
) -> Float[Tensor, " k"]:
    """Return how far the likeliest cells of keypoints are off their epipolar lines, px."""
    best_a, best_b = map_a.argmax(1), map_b.argmax(1)
    error = EpipolarError(cells_a[best_a], cells_b[best_b], F, Penalty("unsquared"))
    return error.forth.at(torch.arange(len(best_a), device=best_a.device))
