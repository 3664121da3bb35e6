"""DenseNetwork: pictures in, dense prediction out."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from mvboot.errors import InputError
from mvboot.networks.backbone import build_backbone
from mvboot.networks.config import NetworkConfig
from mvboot.networks.heads import build_head
from mvboot.networks.prediction import DensePrediction


class DenseNetwork(nn.Module):
    """A backbone and a head; made by `build_network` or `load_network`.

    Views of one subject are twins: pass them all as one batch, no picture changes another's
    result.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: NetworkConfig, pretrained: bool = False) -> None:
        super().__init__()
        self.config = config
        self.backbone = build_backbone(config, pretrained)
        self.head = build_head(self.backbone.channels, config.target, config.stride)
        self.register_buffer("mean", torch.tensor(config.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(config.std)[:, None, None], persistent=False)

    @property
    def stride(self) -> int:
        """Side of an output cell in px."""
        return self.config.stride

    @property
    def multiple(self) -> int:
        """What the sides of pictures must be multiples of, in px."""
        return self.backbone.multiple

    def forward(
        self, images: UInt8[Tensor, "n 3 h w"] | Float[Tensor, "n 3 h w"]
    ) -> DensePrediction:
        """Predict for the cells (h / stride, w / stride) of pictures, RGB in 0..255.

        InputError for another shape or type of numbers, and for sides that are no multiples of
        `multiple`.
        """
        self._check(images)
        prediction: DensePrediction = self.head(self.backbone(self.normalised(images)))
        return prediction

    def normalised(
        self, images: UInt8[Tensor, "n 3 h w"] | Float[Tensor, "n 3 h w"]
    ) -> Float[Tensor, "n 3 h w"]:
        """Return pictures as the backbone takes them."""
        return (images.float() - self.mean) / self.std

    def _check(self, images: Tensor) -> None:
        if images.ndim != 4 or images.shape[1] != 3:
            raise InputError(f"pictures must be (N, 3, h, w), got {tuple(images.shape)}")
        if images.dtype != torch.uint8 and not images.is_floating_point():
            raise InputError(
                f"pictures must be uint8 or floating point in 0..255, got {images.dtype}"
            )
        height, width = images.shape[2:]
        if height % self.multiple or width % self.multiple or not height or not width:
            near = [_near(side, self.multiple) for side in (width, height)]
            raise InputError(
                f"pictures of {width} x {height} px do not fit this network, which takes "
                f"multiples of {self.multiple} px; use {near[0]} x {near[1]} px"
            )


def build_network(config: NetworkConfig, seed: int = 0, pretrained: bool = False) -> DenseNetwork:
    """Make a network with random weights, the same for the same seed.

    ``pretrained`` takes the weights of a backbone of timm instead, which may download them.
    Random numbers drawn elsewhere do not change. InputError as for `build_backbone`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return DenseNetwork(config, pretrained)


def _near(side: int, multiple: int) -> int:
    return max(multiple, round(side / multiple) * multiple)
