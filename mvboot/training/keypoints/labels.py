"""What a detector of keypoints learns from labels."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.errors import InputError
from mvboot.losses import heatmap_loss
from mvboot.networks import DenseNetwork, KeypointPrediction
from mvboot.training.dense.objective import Terms


class KeypointLabels(NamedTuple):
    """``points`` (n, K, 2) in px of the crops, NaN where there is none, and ``weight`` (n, K)."""

    points: Float[Tensor, "n k 2"]
    weight: Float[Tensor, "n k"]


def predicted_keypoints(network: DenseNetwork, images: Tensor) -> KeypointPrediction:
    """Return what a network of keypoints says of pictures (n, 3, h, w)."""
    found = network(images)
    assert isinstance(found, KeypointPrediction)
    return found


def keypoint_labels(sample: Sample, names: Sequence[str]) -> KeypointLabels:
    """Return the labels of some keypoints of a sample, by name.

    They count by their confidence. A missing one says nothing, as labels are missing where nobody
    looked; one beyond the rim of the crop says that the keypoint is not on it. In a mirrored
    sample names are those of the mirrored subject: its left hand looks like any other left hand.
    InputError for names that the sample does not have.
    """
    unknown = [name for name in names if name not in sample.keypoint_names]
    if unknown:
        raise InputError(
            f"no labels of {', '.join(unknown)}; there are {', '.join(sample.keypoint_names)}"
        )
    order = [sample.keypoint_names.index(name) for name in names]
    points, weight = sample.keypoints[:, order], sample.confidence[:, order]
    return KeypointLabels(points, weight * torch.isfinite(points).all(-1))


def labelled_keypoint_terms(
    prediction: KeypointPrediction, sample: Sample, names: Sequence[str]
) -> Terms:
    """Return the loss of heat maps on the labels of a sample, over the views that have any.

    ``names`` are those of the prediction's keypoints. Beside it the mean distance of decoded
    keypoints from labels on the crop, px of the crop.
    """
    points, weight = keypoint_labels(sample, names)
    cells = prediction.in_cells(points)
    values = heatmap_loss(prediction.logits, cells, weight, prediction.blur)
    counted = (weight > 0).any(1)
    loss = (values * counted).sum() / counted.sum().clamp(min=1)
    return Terms({"keypoints": loss}, _error(prediction, KeypointLabels(points, weight)))


@torch.no_grad()
def _error(prediction: KeypointPrediction, labels: KeypointLabels) -> dict[str, float]:
    height, width = (prediction.stride * side for side in prediction.logits.shape[-2:])
    size = labels.points.new_tensor([width, height])
    on_crop = ((labels.points >= -0.5) & (labels.points <= size - 0.5)).all(-1)
    known = (labels.weight > 0) & on_crop
    if not bool(known.any()):
        return {}
    gap = torch.linalg.vector_norm(prediction.decoded().xy - labels.points, dim=-1)
    return {"error_px": float(gap[known].mean())}
