"""Backbones: pictures to features, one vector a cell (U-Net, Ronneberger et al. 2015)."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mvboot.errors import InputError
from mvboot.networks.config import DILATED, TIMM, WIDTHS, NetworkConfig
from mvboot.networks.dilated import Dilated
from mvboot.networks.pyramid import (
    PRESETS,
    Pyramid,
    Residual,
    ResidualPyramid,
    TimmPyramid,
    activation,
    initialise,
)

TIMM_WIDTH = 64
WIDEST = 4
"""Most channels of the decoder of a pyramid of timm, in widths."""


class Merge(nn.Module):
    """Bring a coarse map to a finer resolution and join it with the map that is there."""

    def __init__(self, coarse: int, fine: int, channels: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.up = nn.Conv2d(coarse, channels, 1)
        self.across = nn.Conv2d(fine, channels, 1) if fine else None
        self.block = Residual(channels)
        self.apply(initialise)

    def forward(
        self, x: Float[Tensor, "n c h w"], fine: Float[Tensor, "n d h2 w2"] | None
    ) -> Float[Tensor, "n e h2 w2"]:
        """Return the finer map; ``fine`` is not used where the level has none."""
        x = self.up(x)
        if self.factor > 1:
            x = interpolate(x, scale_factor=float(self.factor), mode="bilinear")
        found: Tensor = self.block(x if self.across is None else x + self.across(fine))
        return found


class Backbone(nn.Module):
    """A pyramid, and the way back to cells of ``stride`` px.

    Where the pyramid's finest level is coarser than that, the way goes on without it.

    Parameters
    ----------
    pyramid
        The encoder.
    widths
        Channels of the decoder at each of the pyramid's levels.
    stride
        Side of an output cell in px.
    """

    def __init__(self, pyramid: Pyramid, widths: tuple[int, ...], stride: int) -> None:
        super().__init__()
        self.pyramid = pyramid
        levels = list(zip(pyramid.strides, pyramid.channels, widths, strict=True))
        finer = [(side, 0, widths[0]) for side in _halvings(pyramid.strides[0], stride)]
        used = finer + [level for level in levels if level[0] >= stride]
        self.own = len(used) - len(finer) - 1
        self.channels = pyramid.channels[-1]
        self.merges = nn.ModuleList()
        for (side, fine, width), (coarser, *_) in reversed(list(pairwise(used))):
            self.merges.append(Merge(self.channels, fine, width, coarser // side))
            self.channels = width
        self.last = nn.Sequential(*activation(self.channels))

    @property
    def multiple(self) -> int:
        """What the sides of pictures must be multiples of, in px."""
        return self.pyramid.strides[-1]

    def forward(self, images: Float[Tensor, "n d h w"]) -> Float[Tensor, "n c h2 w2"]:
        """Return features (N, C, h / stride, w / stride) of normalised pictures."""
        *maps, x = self.pyramid(images)
        skips = [*reversed(maps)][: self.own]
        skips += [None] * (len(self.merges) - len(skips))
        for merge, fine in zip(self.merges, skips, strict=True):
            x = merge(x, fine)
        features: Tensor = self.last(x)
        return features


def build_backbone(config: NetworkConfig, pretrained: bool = False) -> Backbone | Dilated:
    """Make the backbone a configuration names.

    InputError for a model that timm does not have or that has no pyramid with such cells, a
    missing extra, and for ``pretrained`` weights of our own backbones, which have none.
    """
    if config.backbone.startswith(TIMM):
        pyramid = TimmPyramid(config.backbone.removeprefix(TIMM), pretrained, config.channels)
        width = config.width or TIMM_WIDTH
        widths = tuple(width * min(i + 1, WIDEST) for i in range(len(pyramid.channels)))
        return Backbone(pyramid, widths, config.stride)
    if pretrained:
        raise InputError(f"there are no pretrained weights of the backbone {config.backbone!r}")
    if config.backbone == DILATED:
        return Dilated(config.channels, config.width or WIDTHS[DILATED], config.stride)
    preset = PRESETS[config.backbone]
    own = ResidualPyramid(preset, config.width or preset.width, config.channels)
    return Backbone(own, own.channels, config.stride)


def _halvings(finest: int, stride: int) -> list[int]:
    """Return the strides from ``stride`` up to, without, the finest of a pyramid."""
    sides = [stride]
    while sides[-1] < finest:
        sides.append(2 * sides[-1])
    if finest > stride and sides[-1] != finest:
        raise InputError(
            f"a pyramid with cells of {finest} px cannot end in cells of {stride} px; choose "
            "another backbone"
        )
    return sides[:-1]
