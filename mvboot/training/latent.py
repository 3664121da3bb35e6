"""KeypointNet on the views of a sample: what keypoints with depths learn without labels.

The terms are those of Suwajanakorn et al., NeurIPS 2018 (`mvboot.losses.keypointnet`). Keypoints
that do have labels can have them as well, beside `labelled_keypoint_terms`, if their network states
depths.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from mvboot.datasets import Sample
from mvboot.losses import (
    KeypointNetWeights,
    KeypointViews,
    keypointnet_terms,
    orientation_loss,
    relative_pose_loss,
)
from mvboot.networks import KeypointPrediction, faces_right
from mvboot.training.keypoint_labels import keypoint_labels
from mvboot.training.objective import Terms
from mvboot.training.plain import plain_views, to_places

TOLD_UNTIL = 45 / 200
"""Share of a run in which the true orientation is told, where it is known; then the one found.

The authors' code weighs both from step 30,000 to 60,000 of 200,000, but rounds the result.
"""

ON_SUBJECT = 0.5
"""Share of a cell that the mask covers, from which it shows the subject."""


def latent_terms(
    prediction: KeypointPrediction,
    sample: Sample,
    weights: KeypointNetWeights,
    generator: torch.Generator | None = None,
) -> Terms:
    """Return KeypointNet's terms of the views of a sample, named as their weights.

    Beside them the mean angle in degrees by which the keypoints of pairs of views turn wrong, and
    the largest gap of the plain cameras, px of the crop. InputError as for `plain_views`.
    """
    views, gap_px = keypoint_views(prediction, sample)
    pairs = sample.pairs()
    losses = keypointnet_terms(views, pairs, weights, generator)
    meters = {"plain_gap_px": gap_px}
    if pairs:
        meters["angle_deg"] = _angle_deg(views, pairs)
    return Terms(losses, meters)


def orientation_terms(
    prediction: KeypointPrediction, sample: Sample, oriented: tuple[str, str]
) -> Terms:
    """Return the loss of the front and the back on the labels of a sample, by their names.

    Over the views in which both are known; beside it the share that faces the right way.
    """
    assert prediction.orientation is not None, "the network has no orientation"
    points, weight = keypoint_labels(sample, oriented)
    known = (weight > 0).all(1)
    if not bool(known.any()):
        return Terms({})
    found = prediction.orientation.moments.mean[known]
    truth = points[known].to(found)
    values = orientation_loss(to_places(sample, found), to_places(sample, truth))
    right = (faces_right(found) == faces_right(truth)).float().mean()
    return Terms({"orientation": values.mean()}, {"facing": float(right)})


def known_facing(sample: Sample, oriented: tuple[str, str]) -> Float[Tensor, " n"]:
    """Return what an `OrientedNetwork` is told: 1, 0, or NaN where it is not known."""
    points, weight = keypoint_labels(sample, oriented)
    facing = faces_right(points).float()
    return torch.where((weight > 0).all(1), facing, torch.nan)


def keypoint_views(prediction: KeypointPrediction, sample: Sample) -> tuple[KeypointViews, float]:
    """Return a prediction with the cameras of its sample, and their largest gap in px of the crop.

    Depths are the distance of the middle of the subject plus what the network says, in units of
    the subject.
    """
    assert prediction.depths is not None, "the network states no depths"
    plain = plain_views(sample)
    found, half = prediction.moments, max(sample.images.shape[-2:]) / 2
    like = found.mean
    views = KeypointViews(
        logits=prediction.logits,
        places=to_places(sample, found.mean),
        covariance=found.covariance / half**2,
        depths=plain.distance.to(like)[:, None] + prediction.depths,
        cameras=plain.cameras.to(like),
        mask=avg_pool2d(sample.masks[:, None], prediction.stride)[:, 0] >= ON_SUBJECT,
        masked=sample.has_mask,
    )
    return views, float(plain.gap_px.max())


@torch.no_grad()
def _angle_deg(views: KeypointViews, pairs: tuple[tuple[int, int], ...]) -> float:
    a, b = torch.tensor(pairs).unbind(1)
    R = views.cameras[b].from_other(views.cameras[a]).R
    points = views.points
    return float(torch.rad2deg(relative_pose_loss(points[a], points[b], R)).mean())
