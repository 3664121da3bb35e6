"""Heads: from features to what is predicted. Each is one convolution and its reading."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mvboot.networks.config import ChartsTarget, EmbeddingTarget, KeypointTarget, SurfaceTarget
from mvboot.networks.prediction import (
    ChartsPrediction,
    EmbeddingPrediction,
    KeypointPrediction,
)

BOX_MARGIN = 1.1
"""Where an embedding ends, in half sides of the template's box: stretching it would lower the
epipolar loss (Yu et al. 2021 in our reconstruction), so it must not be possible for long."""

LOG_VARIANCE_LIMIT = 6.0
"""Largest log of a variance in the target's unit of error: errors of 1/20 to 20 units."""

EMBEDDING_ERROR = 0.1
"""Unit of error of an embedding, in half sides of the box: 7.5 cm for an adult."""

UV_ERROR = 0.1
"""Unit of error of chart coordinates, whose range is 1."""

FIRST_WEIGHTS = 0.01


class EmbeddingHead(nn.Module):
    """Predict an embedding (`EmbeddingPrediction`), bounded to the template's box."""

    center: Tensor
    scale: Tensor

    def __init__(self, channels: int, target: EmbeddingTarget, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.error = EMBEDDING_ERROR * max(target.scale)
        self.read = output_layer(channels, 2 + target.dimensions)
        self.register_buffer("center", _column(target.center), persistent=False)
        self.register_buffer("scale", _column(target.scale), persistent=False)

    def forward(self, features: Float[Tensor, "n c h w"]) -> EmbeddingPrediction:
        """Read features (N, C, h, w) of cells."""
        raw = self.read(features).float()
        variance, confidence = uncertainty(raw[:, 1], self.error)
        values = self.center + self.scale * softly_bounded(raw[:, 2:], BOX_MARGIN)
        return EmbeddingPrediction(raw[:, 0], variance, confidence, self.stride, values)


class ChartsHead(nn.Module):
    """Predict parts and their coordinates (`ChartsPrediction`), as Guler et al. 2018 do."""

    def __init__(self, channels: int, target: ChartsTarget, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.parts = len(target.parts)
        self.read = output_layer(channels, 1 + (self.parts + 1) + 2 * self.parts)

    def forward(self, features: Float[Tensor, "n c h w"]) -> ChartsPrediction:
        """Read features (N, C, h, w) of cells."""
        raw = self.read(features).float()
        variance, confidence = uncertainty(raw[:, 0], UV_ERROR)
        logits = raw[:, 1 : self.parts + 2]
        foreground = logits[:, 1:].logsumexp(1) - logits[:, 0]
        uv = raw[:, self.parts + 2 :].sigmoid().unflatten(1, (self.parts, 2))
        return ChartsPrediction(foreground, variance, confidence, self.stride, logits, uv)


class KeypointHead(nn.Module):
    """Predict heat maps, and depths where they are asked for (`KeypointPrediction`).

    Its 3x3 convolution is the thirteenth layer of KeypointNet (Suwajanakorn et al. 2018).
    """

    def __init__(self, channels: int, target: KeypointTarget, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.target = target
        self.read = output_layer(channels, len(target.names) * (1 + target.depth), 3)

    def forward(self, features: Float[Tensor, "n c h w"]) -> KeypointPrediction:
        """Read features (N, C, h, w) of cells."""
        raw = self.read(features).float()
        count = len(self.target.names)
        depth = raw[:, count:] if self.target.depth else None
        return KeypointPrediction(
            raw[:, :count],
            self.stride,
            self.target.blur,
            depth,
            temperature=self.target.temperature,
        )


def build_head(
    channels: int, target: SurfaceTarget | KeypointTarget, stride: int
) -> EmbeddingHead | ChartsHead | KeypointHead:
    """Make the head of a target, for features of ``channels``."""
    if isinstance(target, EmbeddingTarget):
        return EmbeddingHead(channels, target, stride)
    if isinstance(target, ChartsTarget):
        return ChartsHead(channels, target, stride)
    return KeypointHead(channels, target, stride)


def output_layer(channels: int, outputs: int, side: int = 1) -> nn.Conv2d:
    """Return a convolution of ``side`` x ``side`` cells whose outputs are near 0 at first."""
    layer = nn.Conv2d(channels, outputs, side, padding=side // 2)
    nn.init.normal_(layer.weight, std=FIRST_WEIGHTS)
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def uncertainty(
    raw: Float[Tensor, "n h w"], error: float
) -> tuple[Float[Tensor, "n h w"], Float[Tensor, "n h w"]]:
    """Return the log of a variance and the confidence ``1 / (1 + variance / error^2)``."""
    relative = softly_bounded(raw, LOG_VARIANCE_LIMIT)
    return relative + 2 * math.log(error), (-relative).sigmoid()


def softly_bounded(raw: Tensor, limit: float) -> Tensor:
    """Return values in (-limit, limit) that follow ``raw`` near 0."""
    return limit * torch.tanh(raw / limit)


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)[:, None, None]
