"""KeypointNet on the views of a sample: what keypoints with depths learn without labels.

The terms are those of Suwajanakorn et al., NeurIPS 2018 (`mvboot.losses.keypointnet`). Keypoints
that do have labels can have them as well, beside `labelled_keypoint_terms`, if their network states
depths.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from mvboot.datasets import Sample
from mvboot.geometry.align import rotation_angle
from mvboot.losses import (
    KeypointNetWeights,
    KeypointViews,
    keypointnet_terms,
    orientation_loss,
    relative_pose_loss,
)
from mvboot.networks import KeypointPrediction, faces_right
from mvboot.training.dense.objective import Terms
from mvboot.training.keypoints.labels import keypoint_labels
from mvboot.training.latent.crop_cameras import plain_views, to_places

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
    same_spot: Bool[Tensor, "n k"] | None = None,
) -> Terms:
    """Return KeypointNet's terms of the views of a sample, named as their weights.

    Keypoints are made consistent where they mean the same spot as in other views (``same_spot``);
    None: all.

    Beside them how the keypoints do: the mean angle in degrees by which those of pairs of views
    turn wrong (``angle_deg``) and by which keypoints that never turn would (``turn_deg``), how far
    they spread about their middle in half sizes (``spread``), which share lies on the mask
    (``inside``), and the largest gap of the plain cameras, px of the crop (``plain_gap_px``).
    InputError as for `plain_views`.
    """
    views, gap_px = keypoint_views(prediction, sample)
    views = replace(views, same_spot=same_spot)
    pairs = sample.pairs()
    losses = keypointnet_terms(views, pairs, weights, generator)
    meters = {"plain_gap_px": gap_px, "spread": spread(views)}
    if pairs:
        meters["angle_deg"] = float(turned_wrong(views, pairs).mean())
        meters["turn_deg"] = float(apart_deg(views, pairs).mean())
    if bool(views.masked.any()):
        meters["inside"] = float(inside(prediction, views).float().mean())
    return Terms(losses, meters)


def start_terms(prediction: KeypointPrediction, sample: Sample, oriented: tuple[str, str]) -> Terms:
    """Return how far the first two keypoints are from the front and the back that are labelled.

    A start from which the terms above soon find their way: from random weights the keypoints stay
    in one layout on all pictures for long, since views from all around ask for opposite turns.
    """
    values, known = _from_ends(prediction.moments.mean[:, :2], sample, oriented)
    return Terms({"ends": (values * known).sum() / known.sum().clamp(min=1)})


def orientation_terms(
    prediction: KeypointPrediction, sample: Sample, oriented: tuple[str, str]
) -> Terms:
    """Return the loss of the front and the back on the labels of a sample, by their names.

    Over the views in which both are known; beside it the share that faces the right way.
    """
    assert prediction.orientation is not None, "the network has no orientation"
    found = prediction.orientation.moments.mean
    values, known = _from_ends(found, sample, oriented)
    if not bool(known.any()):
        return Terms({})
    right = faces_right(found) == faces_right(keypoint_labels(sample, oriented).points.to(found))
    return Terms(
        {"orientation": values[known].mean()}, {"facing": float(right[known].float().mean())}
    )


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
def turned_wrong(views: KeypointViews, pairs: Sequence[tuple[int, int]]) -> Float[Tensor, " pairs"]:
    """Return the angles in degrees between how keypoints turn from view to view, and the truth."""
    a, b = torch.tensor(pairs).unbind(1)
    R = views.cameras[b].from_other(views.cameras[a]).R
    points = views.points
    return torch.rad2deg(relative_pose_loss(points[a], points[b], R))


@torch.no_grad()
def apart_deg(views: KeypointViews, pairs: Sequence[tuple[int, int]]) -> Float[Tensor, " pairs"]:
    """Return the angles in degrees by which the cameras of pairs of views are turned."""
    a, b = torch.tensor(pairs).unbind(1)
    R = views.cameras[b].from_other(views.cameras[a]).R
    return torch.rad2deg(rotation_angle(R, torch.eye(3).to(R)))


@torch.no_grad()
def spread(views: KeypointViews) -> float:
    """Return the distance of keypoints from their middle, root mean square, in half sizes."""
    points = views.points
    gaps = points - points.mean(1, keepdim=True)
    return float(gaps.square().sum(-1).mean().sqrt())


@torch.no_grad()
def inside(prediction: KeypointPrediction, views: KeypointViews) -> Bool[Tensor, "m k"]:
    """Return which keypoints lie on cells of the mask, in the m views whose mask is known."""
    height, width = views.mask.shape[-2:]
    cells = prediction.in_cells(prediction.moments.mean)[views.masked].round().long()
    x, y = cells[..., 0].clamp(0, width - 1), cells[..., 1].clamp(0, height - 1)
    rows = torch.arange(len(cells), device=cells.device)[:, None]
    return views.mask[views.masked][rows, y, x]


def _from_ends(
    found: Float[Tensor, "n 2 2"], sample: Sample, oriented: tuple[str, str]
) -> tuple[Float[Tensor, " n"], Bool[Tensor, " n"]]:
    """Return the losses of two points in the views where both ends are known, 0 in the others."""
    points, weight = keypoint_labels(sample, oriented)
    known = (weight > 0).all(1).to(found.device)
    truth = torch.where(known[:, None, None], points.to(found), found.detach())
    return orientation_loss(to_places(sample, found), to_places(sample, truth)), known
