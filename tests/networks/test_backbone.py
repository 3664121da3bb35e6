"""Backbones: where the cells lie. Mirrors fix where a grid's middle is, shifts its spacing."""

import copy

import pytest
import torch
from torch import nn

from mvboot.networks import ChartsTarget, NetworkConfig
from mvboot.networks.backbone import Backbone, build_backbone
from mvboot.networks.pyramid import Pyramid

TARGET = ChartsTarget(topology="0123456789abcdef", parts=("a",))
STRIDES = (2, 4, 8)


class Odd(Pyramid):
    """The usual 3x3 convolution with stride 2, whose cells are centred on even pixels."""

    channels, strides = (8,), (2,)

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, stride=2, padding=1)

    def forward(self, images):
        return [self.down(images)]


def small(stride):
    torch.manual_seed(0)
    return build_backbone(NetworkConfig(target=TARGET, width=8, stride=stride)).eval()


def mirrored(backbone):
    """Return the backbone that sees left as right: every kernel turned about both axes."""
    other = copy.deepcopy(backbone)
    for layer in other.modules():
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.flip(-1, -2)
    return other


def mirror_error(backbone):
    images = torch.randn(1, 3, 32, 48)
    with torch.no_grad():
        here = backbone(images)
        there = mirrored(backbone)(images.flip(-1, -2)).flip(-1, -2)
    return ((here - there).abs().max() / here.abs().max()).item()


@pytest.mark.parametrize("stride", STRIDES)
def test_cells_lie_symmetric_in_the_picture(stride):
    assert mirror_error(small(stride)) < 1e-4


def test_the_mirror_sees_cells_that_are_half_a_pixel_off():
    torch.manual_seed(0)
    assert mirror_error(Backbone(Odd(), (8,), 2)) > 0.1


@pytest.mark.parametrize("stride", STRIDES)
def test_a_shift_of_the_picture_shifts_the_cells(stride):
    backbone = small(stride).double()
    images = torch.zeros(1, 3, 512, 512).double()  # the rim is out of sight of the middle
    images[..., 240:256, 240:256] = torch.randn(16, 16)
    shift = backbone.multiple
    with torch.no_grad():
        here = backbone(images)
        there = backbone(images.roll((shift, 2 * shift), (-2, -1)))
    cells = shift // stride
    middle = slice(224 // stride, 272 // stride)
    back = there.roll((-cells, -2 * cells), (-2, -1))
    assert here[..., middle, middle].std() > 0.1
    assert (back - here)[..., middle, middle].abs().max() < 1e-5


@pytest.mark.parametrize("stride", STRIDES)
def test_features_have_the_channels_they_say(stride):
    backbone = small(stride)
    features = backbone(torch.zeros(2, 3, 32, 48))
    assert features.shape == (2, backbone.channels, 32 // stride, 48 // stride)
