"""Views of one instant, predicted by one network and matched with each other."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.geometry.epipolar import fundamental_matrix
from mvboot.losses import EpipolarError, Penalty, one_hot, with_parts
from mvboot.networks import DensePrediction
from mvboot.networks.prediction import ChartsPrediction, EmbeddingPrediction

FOREGROUND = 0.5
"""Probability from which a cell takes part in matching."""
APART = 12.0
"""Distance between two parts of charts in sigmas: nothing matches across."""

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class MatchedViews:
    """The cells of the views of a sample, to be matched with width ``sigma``.

    Parameters
    ----------
    sample
        The views and their cameras.
    stride
        Side of a cell in crop px.
    sigma
        Width of matches in units of the template.
    values
        (n, cells, D) what cells are matched by.
    weight
        (n, cells) how much each counts, 0 off the subject.
    pixels
        (n, cells, 2) px of the original pictures under them, as a pinhole would see them.
    """

    sample: Sample
    stride: int
    sigma: float
    values: Float[Tensor, "n cells d"]
    weight: Float[Tensor, "n cells"]
    pixels: Float[Tensor, "n cells 2"]

    @staticmethod
    def of(prediction: DensePrediction, sample: Sample, sigma: float) -> "MatchedViews":
        """Take what a network says of the views of a sample."""
        return MatchedViews(
            sample,
            prediction.stride,
            sigma,
            matching_values(prediction, sigma),
            _subject_weight(prediction, sample),
            undistorted_cells(sample, prediction.stride),
        )

    def anchored(self) -> "MatchedViews":
        """Let labels stand in for predictions in labelled views.

        So one labelled view tells all others of its instant on which lines its points lie.
        """
        fields, sample = self.sample.fields, self.sample
        if fields is None or not bool((sample.labelled & fields.present).any()):
            return self
        there = (sample.labelled & fields.present)[:, None]
        known = fields.known.flatten(1) & there
        labels = fields.coordinates.flatten(2).mT
        if fields.part is not None:
            count = self.values.shape[-1] - labels.shape[-1]
            parts = one_hot(fields.part.flatten(1), count)
            labels = with_parts(labels, parts, APART * self.sigma)
        return replace(
            self,
            values=torch.where(known[..., None], labels, self.values),
            weight=torch.where(there, known.to(self.weight), self.weight),
        )

    @property
    def subject(self) -> Bool[Tensor, "n cells"]:
        """Which cells take part."""
        return self.weight > 0

    def side(self, *views: int) -> float:
        """Return the mean side of the cells of some views in px of their original pictures."""
        return cell_side(self.sample, self.stride, *views)

    def error(
        self,
        pair: Pair,
        penalty: Penalty,
        along_b: Tensor | None = None,
        along_a: Tensor | None = None,
    ) -> EpipolarError:
        """Return the epipolar error of a pair of views."""
        a, b = pair
        F = fundamental_matrix(self.sample.cameras[a], self.sample.cameras[b])
        return EpipolarError(self.pixels[a], self.pixels[b], F, penalty, along_b, along_a)


def cell_side(sample: Sample, stride: int, *views: int) -> float:
    """Return the mean side of the cells of some views in px of their original pictures."""
    maps = sample.original_from_crop[list(views), :, :2]
    return stride * float(maps.det().abs().sqrt().mean())


def matching_values(prediction: DensePrediction, sigma: float) -> Float[Tensor, "n cells d"]:
    """Return what cells are matched by: the embedding, or uv and parts that stay apart."""
    if isinstance(prediction, EmbeddingPrediction):
        return prediction.embedding.flatten(2).mT
    assert isinstance(prediction, ChartsPrediction)
    uv = prediction.uv_of(prediction.likeliest).flatten(2).mT
    soft = prediction.part_logits[:, 1:].softmax(1).flatten(2).mT
    return with_parts(uv, soft, APART * sigma)


def _subject_weight(prediction: DensePrediction, sample: Sample) -> Float[Tensor, "n cells"]:
    """Return the predicted subject, inside the mask where one is, without gradient."""
    inside = prediction.foreground.detach()
    inside = inside * (inside >= FOREGROUND)
    masks = torch.nn.functional.avg_pool2d(sample.masks[:, None], prediction.stride)[:, 0]
    masked = torch.where(sample.has_mask[:, None, None], (masks >= FOREGROUND).float(), 1.0)
    return (inside * masked).flatten(1)


def undistorted_cells(sample: Sample, stride: int) -> Float[Tensor, "n cells 2"]:
    """Return the px of the original pictures under cells, as a pinhole would see them."""
    cells = sample.cells_in_original(stride).flatten(1, 2)
    return torch.stack(
        [camera.undistort(own) for camera, own in zip(sample.cameras, cells, strict=True)]
    )
