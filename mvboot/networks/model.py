"""DenseNetwork: pictures in, a prediction for every cell out."""

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from mvboot.errors import InputError
from mvboot.networks.backbone import build_backbone
from mvboot.networks.config import KeypointTarget, NetworkConfig
from mvboot.networks.heads import build_head
from mvboot.networks.prediction import KeypointPrediction, Prediction


class DenseNetwork(nn.Module):
    """A backbone and a head; made by `build_network` or `load_network`.

    Pass all views of a subject as one batch: no picture changes another's result. (In training
    mode the "dilated" backbone normalises over the batch, and only that one.)
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

    def set_target(self, target: KeypointTarget) -> None:
        """Read the same heat maps in another way: with another temperature."""
        self.config = self.config.model_copy(update={"target": target})
        self.head.target = target

    @property
    def stride(self) -> int:
        """Side of an output cell in px."""
        return self.config.stride

    @property
    def multiple(self) -> int:
        """What the sides of pictures must be multiples of, in px."""
        return self.backbone.multiple

    def forward(self, images: UInt8[Tensor, "n 3 h w"] | Float[Tensor, "n 3 h w"]) -> Prediction:
        """Predict for the cells (h / stride, w / stride) of pictures, RGB in 0..255.

        InputError for another shape or type of numbers, and for sides that are no multiples of
        `multiple`.
        """
        self._check(images)
        return self.read(self.normalised(images))

    def read(self, inputs: Float[Tensor, "n c h w"]) -> Prediction:
        """Predict from what the backbone takes: normalised pictures, and what else it is told."""
        prediction: Prediction = self.head(self.backbone(inputs))
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
        self.require_size(images.shape[3], images.shape[2])

    def require_size(self, width: int, height: int) -> None:
        """Raise InputError unless the sides of pictures are multiples of `multiple`."""
        if height % self.multiple or width % self.multiple or not height or not width:
            near = [_near(side, self.multiple) for side in (width, height)]
            raise InputError(
                f"pictures of {width} x {height} px do not fit this network, which takes "
                f"multiples of {self.multiple} px; use {near[0]} x {near[1]} px"
            )


class OrientedNetwork(DenseNetwork):
    """A network that is told which way the subject faces: the flag of KeypointNet (section 5).

    A second network finds the front and the back. A fourth channel is 1 everywhere where the front
    is further right than the back, else 0.
    """

    def __init__(self, config: NetworkConfig, pretrained: bool = False) -> None:
        super().__init__(config, pretrained)
        if config.orientation is None:
            raise ValueError("the target of an oriented network names its front and back")
        self.orientation = DenseNetwork(config.orientation, pretrained)

    def forward(
        self,
        images: UInt8[Tensor, "n 3 h w"] | Float[Tensor, "n 3 h w"],
        rightward: Float[Tensor, " n"] | None = None,
    ) -> KeypointPrediction:
        """Predict as `DenseNetwork` does; the orientation's own prediction comes with it.

        ``rightward`` is 1 where the front is known to be further right, 0 where it is not, NaN
        where that is not known: then it counts as found. No gradient passes through it.
        """
        self._check(images)
        colours = self.normalised(images)
        seen = self.orientation.read(colours)
        assert isinstance(seen, KeypointPrediction)
        flag = faces_right(seen.moments.mean).to(colours)
        if rightward is not None:
            flag = torch.where(rightward.isnan(), flag, rightward.to(colours))
        plane = flag[:, None, None, None].expand(-1, 1, *colours.shape[2:])
        prediction = self.read(torch.cat([colours, plane], 1))
        assert isinstance(prediction, KeypointPrediction)
        return prediction.facing(seen)


def faces_right(front_and_back: Float[Tensor, "*n 2 2"]) -> Bool[Tensor, "*n"]:
    """Return whether the front (..., 0, :) is further right in the picture than the back."""
    return front_and_back[..., 0, 0] > front_and_back[..., 1, 0]


def build_network(config: NetworkConfig, seed: int = 0, pretrained: bool = False) -> DenseNetwork:
    """Make a network with random weights, the same for the same seed.

    ``pretrained`` takes the weights of a backbone of timm instead, which may download them.
    Random numbers drawn elsewhere do not change. InputError as for `build_backbone`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        kind = DenseNetwork if config.orientation is None else OrientedNetwork
        return kind(config, pretrained)


def _near(side: int, multiple: int) -> int:
    return max(multiple, round(side / multiple) * multiple)
