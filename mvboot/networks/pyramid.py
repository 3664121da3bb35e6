"""Feature pyramids: pictures to maps at several resolutions.

Ours is residual with pre-activation (He et al. 2016). Normalisation is over groups of channels of
one picture (Wu and He 2018), so that neither the batch nor the other views change what a picture
gives. Kernels that lower the resolution are even and symmetric about the centres of the cells.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mvboot.errors import InputError
from mvboot.networks.config import WIDTHS

GROUP = 8
"""Channels in a group of the normalisation."""


class Pyramid(nn.Module):
    """Maps of ``channels`` at ``strides`` px a cell, the finest first, of normalised pictures."""

    channels: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class Preset:
    """A size of our own pyramid: blocks, and channels in widths, at 2, 4, 8 and 16 px a cell."""

    width: int
    growth: tuple[int, ...]
    blocks: tuple[int, ...]


PRESETS = {
    "small": Preset(WIDTHS["small"], (1, 2, 3, 4), (1, 1, 1, 2)),
    "base": Preset(WIDTHS["base"], (1, 2, 4, 8), (2, 2, 3, 4)),
}


class Residual(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *activation(channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            *activation(channels),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        )

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        """Add what the convolutions find."""
        added: Tensor = x + self.body(x)
        return added


class ResidualPyramid(Pyramid):
    """Halves the resolution level by level."""

    def __init__(self, preset: Preset, width: int, inputs: int = 3) -> None:
        super().__init__()
        self.channels = tuple(width * factor for factor in preset.growth)
        self.strides = tuple(2 ** (level + 1) for level in range(len(self.channels)))
        first = nn.Conv2d(inputs, width, 4, stride=2, padding=1)  # overlaps: sees edges everywhere
        rest = (nn.Conv2d(finer, own, 2, stride=2) for finer, own in pairwise(self.channels))
        steps = zip((first, *rest), self.channels, preset.blocks, strict=True)
        self.levels = nn.ModuleList(
            nn.Sequential(halving, *(Residual(own) for _ in range(blocks)))
            for halving, own, blocks in steps
        )
        self.apply(initialise)

    def forward(self, images: Float[Tensor, "n d h w"]) -> list[Tensor]:
        """Return the map of each level; the channels of the pictures are those it was made for."""
        maps = [images]
        for level in self.levels:
            maps.append(level(maps[-1]))
        return maps[1:]


class TimmPyramid(Pyramid):
    """The pyramid of a convolutional model of timm, whose cells are centred as in that model.

    Those that cut patches (ConvNeXt) have them where ours are. Those with odd kernels (ResNet)
    have them up to half a coarse cell off, which the decoder has to learn. Normalisation over
    batches keeps the statistics of the pretraining, so that no picture changes another's result.
    """

    def __init__(self, name: str, pretrained: bool, inputs: int = 3) -> None:
        super().__init__()
        self.model = _timm_model(name, pretrained, inputs)
        self.inputs = inputs
        self.channels = tuple(self.model.feature_info.channels())
        self.strides = tuple(self.model.feature_info.reduction())
        if not self._is_pyramid():
            raise InputError(
                f"{name!r} of timm does not give maps (N, C, h, w) for pictures of any size; "
                "choose a convolutional model"
            )

    def forward(self, images: Float[Tensor, "n 3 h w"]) -> list[Tensor]:
        """Return the map of each level."""
        return list(self.model(images))

    def train(self, mode: bool = True) -> "TimmPyramid":
        """Switch to training, but for the statistics of batches."""
        super().train(mode)
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eval()
        return self

    def _is_pyramid(self) -> bool:
        side = 2 * self.strides[-1]
        try:
            with torch.no_grad():
                maps = self.eval()(torch.zeros(1, self.inputs, side, side))
        except (RuntimeError, AssertionError, ValueError):  # models of one size only
            return False
        finally:
            self.train()
        wanted = [
            (1, channels, side // stride, side // stride)
            for channels, stride in zip(self.channels, self.strides, strict=True)
        ]
        return [tuple(found.shape) for found in maps] == wanted


def activation(channels: int) -> tuple[nn.Module, nn.Module]:
    """Return normalisation and rectification."""
    return nn.GroupNorm(channels // GROUP, channels), nn.ReLU()


def initialise(layer: nn.Module) -> None:
    """Draw the weights of a convolution so that rectified signals keep their size (He 2015)."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _timm_model(name: str, pretrained: bool, inputs: int) -> Any:
    try:
        import timm
    except ModuleNotFoundError as error:
        raise InputError(
            f"the backbone timm:{name} needs {error.name}, which is not installed; install "
            "mvboot[backbones], or choose small or base"
        ) from None
    if not timm.is_model(name):
        raise InputError(f"timm has no model {name!r}; `timm.list_models()` names all it has")
    try:
        return timm.create_model(name, pretrained=pretrained, features_only=True, in_chans=inputs)
    except (RuntimeError, AttributeError, OSError, ValueError) as error:
        raise InputError(f"timm cannot make a pyramid of {name!r}: {error}") from None
