"""The backbone of KeypointNet."""

import pytest
import torch
from torch import nn

from mvboot.networks import NetworkConfig, build_network
from mvboot.networks.dilated import DILATIONS, Dilated


def convolutions(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]


def test_thirteen_layers_as_in_the_paper():
    layers = convolutions(build_network(NetworkConfig.keypointnet(10)))
    assert [layer.dilation[0] for layer in layers] == [1, 1, 2, 4, 8, 16, 1, 2, 4, 8, 16, 1, 1]
    assert {layer.kernel_size for layer in layers} == {(3, 3)}
    assert {layer.stride for layer in layers} == {(1, 1)}
    assert [layer.out_channels for layer in layers] == [64] * 12 + [20]


def test_a_cell_sees_as_far_as_the_dilations_add_up():
    backbone = Dilated(1, 8).double().eval()
    reach = sum(DILATIONS)
    images = torch.zeros(1, 1, 1, 2 * reach + 9, dtype=torch.float64, requires_grad=True)
    backbone(images)[0, :, 0, reach + 4].sum().backward()
    seen = images.grad[0, 0, 0].nonzero()[:, 0]
    assert seen.min() == 4 and seen.max() == 2 * reach + 4


@pytest.mark.parametrize("stride", [1, 2])
def test_a_shift_of_the_picture_shifts_the_features(stride):
    backbone = Dilated(3, 8, stride).double().eval()
    side = 160 * stride
    images = torch.zeros(1, 3, side, side, dtype=torch.float64)
    images[..., 76 * stride : 84 * stride, 76 * stride : 84 * stride] = torch.randn(
        3, 8 * stride, 8 * stride
    )
    with torch.no_grad():
        here, there = backbone(images), backbone(images.roll((3 * stride, -2 * stride), (2, 3)))
    assert here.shape == (1, 8, 160, 160)
    back = there.roll((-3, 2), (2, 3))[..., 70:90, 70:90]
    torch.testing.assert_close(back, here[..., 70:90, 70:90])


def test_cells_of_two_pixels():
    network = build_network(NetworkConfig.keypointnet(4, width=8, stride=2))
    assert network.multiple == 2 and [c.stride[0] for c in convolutions(network)] == [2] + [1] * 12
    found = network(torch.zeros(1, 3, 32, 48, dtype=torch.uint8))
    assert found.logits.shape == (1, 4, 16, 24) and found.stride == 2
