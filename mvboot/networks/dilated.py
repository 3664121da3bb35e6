"""The backbone of KeypointNet: convolutions at full resolution that look further and further."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

DILATIONS = (1, 1, 2, 4, 8, 16, 1, 2, 4, 8, 16, 1)
"""Of the twelve layers before the head, which is the thirteenth (Suwajanakorn et al. 2018, 5)."""

SLOPE = 0.1
"""Of the rectifier below 0, as in the authors' code."""


class Dilated(nn.Module):
    """Twelve 3x3 convolutions, each with batch normalisation and a leaky rectifier.

    A cell sees 64 cells to every side. It is a pixel in the paper; with ``stride`` 2 the first
    layer halves the picture, at a quarter of the cost. In training mode the pictures of a batch
    are normalised together, as in the paper; in evaluation each stands alone.
    """

    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.channels = width
        self.multiple = stride
        sizes = pairwise((inputs, *[width] * len(DILATIONS)))
        layers: list[nn.Module] = []
        strides = (stride, *[1] * (len(DILATIONS) - 1))
        for (before, after), dilation, step in zip(sizes, DILATIONS, strides, strict=True):
            convolution = nn.Conv2d(
                before, after, 3, step, padding=dilation, dilation=dilation, bias=False
            )
            nn.init.kaiming_normal_(convolution.weight, a=SLOPE)
            layers += [convolution, nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE, inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Float[Tensor, "n d h w"]) -> Float[Tensor, "n c cells_h cells_w"]:
        """Return the features of each cell of normalised pictures."""
        features: Tensor = self.layers(images)
        return features
