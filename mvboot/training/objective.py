"""What a dense network is trained for: L = L_L + w_M L_M + w_R L_R + w_T L_T.

After Yu et al., "Semi-supervised dense keypoints using unlabeled multiview images" (NeurIPS 2021),
in the reading of docs/training.md: L_L on labelled pictures, L_M the epipolar error that the
matches of two views imply, L_R to a frozen teacher, L_T between pictures of one camera.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.geometry.epipolar import fundamental_matrix
from mvboot.losses import (
    AffinityLoss,
    EpipolarError,
    Penalty,
    affinity_loss,
    normalised,
    with_parts,
)
from mvboot.losses.affinity import Matches
from mvboot.losses.field import (
    embedding_loss,
    foreground_loss,
    part_loss,
    uncertainty_loss,
    uv_loss,
)
from mvboot.networks import DensePrediction
from mvboot.networks.prediction import ChartsPrediction, EmbeddingPrediction

FOREGROUND = 0.5
"""Probability from which a cell takes part in matching."""
APART = 12.0
"""Distance between two parts of charts in sigmas: nothing matches across."""


@dataclass(frozen=True)
class Terms:
    """Terms of the loss, with gradient, and meters beside them, without.

    ``losses`` are not yet weighted.
    """

    losses: Mapping[str, Tensor]
    meters: Mapping[str, float] = field(default_factory=dict)


def labelled_terms(prediction: DensePrediction, sample: Sample, unit: float) -> Terms:
    """Return L_L: how far predictions are from the labels of a sample's labelled views.

    ``unit`` is the length, in the template's unit, where the loss turns linear.
    """
    fields = sample.fields
    if fields is None:
        return Terms({})
    there = (sample.labelled & fields.present)[:, None, None]
    weight = (fields.known & there) * fields.confidence
    everywhere = there.float().expand_as(fields.foreground)
    losses = {
        "foreground": foreground_loss(prediction.foreground_logit, fields.foreground, everywhere)
    }
    if isinstance(prediction, EmbeddingPrediction):
        losses["surface"] = embedding_loss(prediction.embedding, fields.coordinates, weight, unit)
        losses["uncertainty"] = uncertainty_loss(
            prediction.embedding, prediction.log_variance, fields.coordinates, weight
        )
    elif isinstance(prediction, ChartsPrediction) and fields.part is not None:
        losses["parts"] = part_loss(prediction.part_logits, fields.part, everywhere)
        uv = prediction.uv_of(fields.part)
        losses["surface"] = uv_loss(uv, fields.coordinates, weight)
        losses["uncertainty"] = uncertainty_loss(
            uv, prediction.log_variance, fields.coordinates, weight
        )
    counted = there[:, 0, 0]
    return Terms({name: _mean(values, counted) for name, values in losses.items()})


def distilled_terms(prediction: DensePrediction, teacher: DensePrediction, unit: float) -> Terms:
    """Return L_R: how far predictions are from those of a teacher, on the teacher's subject."""
    weight = (teacher.foreground_logit >= 0).float() * teacher.confidence.detach()
    everywhere = torch.ones_like(weight)
    losses = {
        "foreground": foreground_loss(
            prediction.foreground_logit, teacher.foreground.detach(), everywhere
        )
    }
    meters = {}
    if isinstance(prediction, EmbeddingPrediction) and isinstance(teacher, EmbeddingPrediction):
        target = teacher.embedding.detach()
        losses["surface"] = embedding_loss(prediction.embedding, target, weight, unit)
        gap = torch.linalg.vector_norm(prediction.embedding.detach() - target, dim=1)
        meters["drift"] = float((gap * weight).sum() / weight.sum().clamp(min=1e-6))
    elif isinstance(prediction, ChartsPrediction) and isinstance(teacher, ChartsPrediction):
        part = teacher.hard().part
        assert part is not None
        losses["parts"] = part_loss(prediction.part_logits, part, everywhere)
        losses["surface"] = uv_loss(
            prediction.uv_of(part), teacher.uv_of(part).detach(), weight * (part > 0)
        )
    return Terms({name: values.mean() for name, values in losses.items()}, meters)


@dataclass(frozen=True)
class Consistency:
    """L_M: matches of two views of one instant should lie on each other's epipolar lines.

    Parameters
    ----------
    penalty
        What a distance costs, in px of the original pictures.
    reduction
        `normalised`, or `unnormalised` for ablation.
    most_pairs
        At most so many pairs of a sample; None: all.
    """

    penalty: Penalty = field(default_factory=Penalty)
    reduction: Callable[[Matches], Tensor] = normalised
    most_pairs: int | None = None

    def terms(self, prediction: DensePrediction, sample: Sample, sigma: float) -> Terms:
        """Return the mean over all pairs, in cells of the network: sqrt(E[d^2]) over a cell's side.

        ``sigma`` is the width of the matches in units of the template.
        """
        cells = undistorted_cells(sample, prediction.stride)
        values = matching_values(prediction, sigma)
        weight = subject_weight(prediction, sample)
        pairs = sample.pairs()[: self.most_pairs]
        found = [
            self._pair(sample, pair, values, weight, cells, sigma, prediction.stride)
            for pair in pairs
        ]
        found = [(loss, side) for loss, side in found if float(loss.visibility) > 0]
        if not found:
            return Terms({}, {"pairs": 0.0})
        inner = self.penalty.distance == "squared"
        errors = [_rooted(loss.value, inner) / side for loss, side in found]
        floors = [_rooted(loss.floor, inner).detach() / side for loss, side in found]
        return Terms(
            {"multiview": torch.stack(errors).mean()},
            {
                "pairs": float(len(found)),
                "floor": float(torch.stack(floors).mean()),
                "visibility": _average(loss.visibility for loss, _ in found),
                "entropy": _average(loss.entropy for loss, _ in found),
            },
        )

    def _pair(
        self,
        sample: Sample,
        pair: tuple[int, int],
        values: Tensor,
        weight: Tensor,
        cells: Tensor,
        sigma: float,
        stride: int,
    ) -> tuple[AffinityLoss, float]:
        a, b = pair
        F = fundamental_matrix(sample.cameras[a], sample.cameras[b])
        error = EpipolarError(cells[a], cells[b], F, self.penalty)
        loss = affinity_loss(
            values[a], values[b], error, sigma, weight[a], weight[b], self.reduction
        )
        return loss, cell_side(sample, pair, stride)


def cell_side(sample: Sample, views: tuple[int, int], stride: int) -> float:
    """Return the mean side of the cells of two views in px of their original pictures."""
    maps = sample.original_from_crop[list(views), :, :2]
    return stride * float(maps.det().abs().sqrt().mean())


def matching_values(prediction: DensePrediction, sigma: float) -> Float[Tensor, "n cells d"]:
    """Return what cells are matched by: the embedding, or uv and parts that stay apart."""
    if isinstance(prediction, EmbeddingPrediction):
        return prediction.embedding.flatten(2).mT
    assert isinstance(prediction, ChartsPrediction)
    part = prediction.part_logits[:, 1:].argmax(1) + 1
    uv = prediction.uv_of(part).flatten(2).mT
    soft = prediction.part_logits[:, 1:].softmax(1).flatten(2).mT
    return with_parts(uv, soft, APART * sigma)


def subject_weight(prediction: DensePrediction, sample: Sample) -> Float[Tensor, "n cells"]:
    """Return how much each cell counts: the predicted subject, inside the mask where one is."""
    inside = prediction.foreground.detach()
    inside = inside * (inside >= FOREGROUND)
    masks = torch.nn.functional.avg_pool2d(sample.masks[:, None], prediction.stride)[:, 0]
    masked = torch.where(sample.has_mask[:, None, None], (masks >= FOREGROUND).float(), 1.0)
    return (inside * masked).flatten(1)


def undistorted_cells(sample: Sample, stride: int) -> Float[Tensor, "n cells 2"]:
    """Return the px of the original pictures under the cells, as a pinhole would see them."""
    cells = sample.cells_in_original(stride).flatten(1, 2)
    return torch.stack(
        [camera.undistort(own) for camera, own in zip(sample.cameras, cells, strict=True)]
    )


def _rooted(value: Tensor, squared: bool) -> Tensor:
    return (value + 1e-12).sqrt() if squared else value


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    return (values * counted).sum() / counted.sum().clamp(min=1)


def _average(values) -> float:  # type: ignore[no-untyped-def]
    return float(torch.stack(list(values)).mean())
