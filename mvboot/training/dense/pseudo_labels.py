"""What pictures teach whose labels were computed: less than labels that people made."""

from mvboot.datasets import Sample
from mvboot.losses.field import embedding_loss, part_loss, uv_loss
from mvboot.networks import DensePrediction
from mvboot.networks.prediction import ChartsPrediction, EmbeddingPrediction
from mvboot.training.dense.objective import Terms


def relabelled_terms(prediction: DensePrediction, sample: Sample, unit: float) -> Terms:
    """Return how far predictions are from relabelled cells; other cells teach nothing.

    Neither the foreground is taught, which is the network's own prediction, nor the uncertainty,
    which would take the network's agreement with itself for certainty. ``unit`` is the length, in
    the template's unit, where the loss turns linear.
    """
    fields = sample.fields
    if fields is None:
        return Terms({})
    weight = fields.known * fields.confidence
    losses = {}
    if isinstance(prediction, EmbeddingPrediction):
        losses["surface"] = embedding_loss(prediction.embedding, fields.coordinates, weight, unit)
    elif isinstance(prediction, ChartsPrediction) and fields.part is not None:
        losses["parts"] = part_loss(prediction.part_logits, fields.part, weight)
        losses["surface"] = uv_loss(prediction.uv_of(fields.part), fields.coordinates, weight)
    meters = {"cells": float(fields.known.float().sum() / len(sample))}
    return Terms({name: values.mean() for name, values in losses.items()}, meters)
