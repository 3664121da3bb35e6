"""What networks say about pictures, as tensors with gradients."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mvboot.heatmaps import Decoded, Moments, decode, expected, moments, probabilities


class HardField(NamedTuple):
    """One answer a cell, laid out like the dense fields of a sample.

    ``part`` (N, h, w) int64, 0 off the subject, None for an embedding; ``coordinates``
    (N, D, h, w), 0 off the subject; ``known`` (N, h, w) bool, where there is a surface point;
    ``foreground`` and ``confidence`` (N, h, w) in [0, 1].
    """

    part: Int[Tensor, "n h w"] | None
    coordinates: Float[Tensor, "n d h w"]
    known: Bool[Tensor, "n h w"]
    foreground: Float[Tensor, "n h w"]
    confidence: Float[Tensor, "n h w"]


@dataclass(frozen=True, eq=False)
class DensePrediction(ABC):
    """What a network says about the cells (h, w) of N pictures, always in single precision.

    Cell (i, j) has its centre at the pixel ``stride * (j, i) + (stride - 1) / 2``.

    Parameters
    ----------
    foreground_logit
        (N, h, w): the sigmoid is the probability of the subject.
    log_variance
        (N, h, w): logarithm of the variance that it expects of each coordinate, in their units.
    confidence
        (N, h, w) in [0, 1], from that variance: one half at the target's own unit of error.
    stride
        Side of a cell in pixels.
    """

    foreground_logit: Float[Tensor, "n h w"]
    log_variance: Float[Tensor, "n h w"]
    confidence: Float[Tensor, "n h w"]
    stride: int

    @property
    def foreground(self) -> Float[Tensor, "n h w"]:
        """Probability of the subject."""
        return self.foreground_logit.sigmoid()

    @abstractmethod
    def hard(self) -> HardField:
        """Decide: the subject is where its probability is at least one half."""

    def _known(self) -> Bool[Tensor, "n h w"]:
        return self.foreground_logit >= 0


@dataclass(frozen=True, eq=False)
class EmbeddingPrediction(DensePrediction):
    """``embedding`` (N, D, h, w) in the template's unit, everywhere finite."""

    embedding: Float[Tensor, "n d h w"]

    def hard(self) -> HardField:
        """Keep the embedding where the subject is; its gradient stays."""
        known = self._known()
        values = self.embedding * known[:, None]
        return HardField(None, values, known, self.foreground, self.confidence)


@dataclass(frozen=True, eq=False)
class ChartsPrediction(DensePrediction):
    """``part_logits`` (N, P + 1, h, w), the background first; ``uv`` (N, P, 2, h, w) in [0, 1]."""

    part_logits: Float[Tensor, "n p_plus_1 h w"]
    uv: Float[Tensor, "n p 2 h w"]

    @property
    def part_probabilities(self) -> Float[Tensor, "n p_plus_1 h w"]:
        """Probabilities of the background and the P parts, which sum to one."""
        return self.part_logits.softmax(1)

    @property
    def likeliest(self) -> Int[Tensor, "n h w"]:
        """The likeliest part 1 .. P of every cell, whether the subject is there or not."""
        return self.part_logits[:, 1:].argmax(1) + 1

    def uv_of(self, part: Int[Tensor, "n h w"]) -> Float[Tensor, "n 2 h w"]:
        """Return the uv of stated parts 1 .. P; 0 where the part is 0, the background."""
        index = (part - 1).clamp(min=0)[:, None, None]
        chosen = self.uv.gather(1, index.expand(-1, 1, 2, -1, -1))[:, 0]
        return chosen * (part > 0)[:, None]

    def hard(self) -> HardField:
        """Take the likeliest part where the subject is, and its uv, whose gradient stays."""
        known = self._known()
        part = torch.where(known, self.likeliest, 0)
        return HardField(part, self.uv_of(part), known, self.foreground, self.confidence)


@dataclass(frozen=True, eq=False)
class KeypointPrediction:
    """What a network says about K keypoints in N pictures, always in single precision.

    Parameters
    ----------
    logits
        (N, K, h, w) of the heat maps; cells lie as in a `DensePrediction`.
    stride
        Side of a cell in pixels.
    blur
        Width of the labels in cells; 0: keypoints without labels (`KeypointTarget`).
    depth
        (N, K, h, w), or None: what each cell says of the depth of each keypoint.
    orientation
        The front and the back that were found first, or None.
    temperature
        By what logits are divided before they are decoded.
    """

    logits: Float[Tensor, "n k h w"]
    stride: int
    blur: float
    depth: Float[Tensor, "n k h w"] | None = None
    orientation: "KeypointPrediction | None" = None
    temperature: float = 1.0

    @property
    def probabilities(self) -> Float[Tensor, "n k h w"]:
        """The heat maps: where a keypoint is, if it is on the picture; each sums to one."""
        return probabilities(self.logits)

    @property
    def moments(self) -> Moments:
        """Mean and covariance of whole heat maps, in px of the pictures."""
        return self._in_pixels(*moments(self.probabilities))

    @property
    def depths(self) -> Float[Tensor, "n k"] | None:
        """The mean of the depths under the heat maps (N, K), or None."""
        return None if self.depth is None else expected(self.probabilities, self.depth)

    def decoded(self) -> Decoded:
        """Decide: places and covariances in px of the pictures, and confidence (`decode`)."""
        found = decode(self.logits / self.temperature, self.blur)
        mean, covariance = self._in_pixels(found.xy, found.covariance)
        return Decoded(mean, found.confidence, covariance)

    def facing(self, orientation: "KeypointPrediction") -> "KeypointPrediction":
        """Return the same with the front and the back that were found first."""
        return replace(self, orientation=orientation)

    def in_cells(self, pixels: Float[Tensor, "*n 2"]) -> Float[Tensor, "*n 2"]:
        """Return px of the pictures as places on the heat maps."""
        return (pixels - (self.stride - 1) / 2) / self.stride

    def _in_pixels(self, places: Tensor, covariance: Tensor) -> Moments:
        return Moments(self.stride * places + (self.stride - 1) / 2, self.stride**2 * covariance)


Prediction = DensePrediction | KeypointPrediction
