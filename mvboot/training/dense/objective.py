"""What a dense network is trained for: L = L_L + w_M L_M + w_R L_R + w_T L_T.

After Yu et al., "Semi-supervised dense keypoints using unlabeled multiview images" (NeurIPS 2021),
in the reading of docs/training.md: L_L on labelled pictures, L_M the epipolar error that the
matches of two views imply, L_R to a frozen teacher, L_T between pictures of one camera.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, ones_like
from torch.linalg import vector_norm

from mvboot.datasets import Sample
from mvboot.losses.field import (
    embedding_loss,
    foreground_loss,
    part_loss,
    uncertainty_loss,
    uv_loss,
)
from mvboot.networks import DensePrediction
from mvboot.networks.prediction import ChartsPrediction, EmbeddingPrediction


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
    everywhere = ones_like(weight)
    losses = {
        "foreground": foreground_loss(
            prediction.foreground_logit, teacher.foreground.detach(), everywhere
        )
    }
    meters = {}
    if isinstance(prediction, EmbeddingPrediction) and isinstance(teacher, EmbeddingPrediction):
        target = teacher.embedding.detach()
        losses["surface"] = embedding_loss(prediction.embedding, target, weight, unit)
        gap = vector_norm(prediction.embedding.detach() - target, dim=1)
        meters["drift"] = float((gap * weight).sum() / weight.sum().clamp(min=1e-6))
    elif isinstance(prediction, ChartsPrediction) and isinstance(teacher, ChartsPrediction):
        part = teacher.hard().part
        assert part is not None
        losses["parts"] = part_loss(prediction.part_logits, part, everywhere)
        losses["surface"] = uv_loss(
            prediction.uv_of(part), teacher.uv_of(part).detach(), weight * (part > 0)
        )
    return Terms({name: values.mean() for name, values in losses.items()}, meters)


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    return (values * counted).sum() / counted.sum().clamp(min=1)
