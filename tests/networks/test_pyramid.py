"""Pyramids: ours, and those of timm behind their extra."""

import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mvboot.errors import InputError
from mvboot.networks import ChartsTarget, NetworkConfig, build_network
from mvboot.networks.pyramid import PRESETS, ResidualPyramid

TARGET = ChartsTarget(topology="0123456789abcdef", parts=("a", "b", "c"))


class Patches(nn.Module):
    """A stand-in for a model of timm: patches, the first of some size, then halvings."""

    def __init__(self, first, layout="NCHW"):
        super().__init__()
        self.layout = layout
        sides, channels = (first, 2, 2), (3, 12, 20, 40)
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, d, side, side), nn.BatchNorm2d(d))
            for c, d, side in zip(channels[:-1], channels[1:], sides, strict=True)
        )
        strides = [first, 2 * first, 4 * first]
        self.feature_info = SimpleNamespace(
            channels=lambda: channels[1:], reduction=lambda: strides
        )

    def forward(self, x):
        maps = []
        for level in self.levels:
            x = level(x)
            maps.append(x if self.layout == "NCHW" else x.permute(0, 2, 3, 1))
        return maps


@pytest.fixture
def timm(monkeypatch):
    """Install a stand-in with models that can be used and others."""

    def create_model(name, pretrained, features_only, in_chans):
        assert features_only and not pretrained and in_chans == 3
        if name == "flat":
            raise RuntimeError("features_only is not supported")
        if name == "swin":
            return Patches(4, "NHWC")
        return Patches(int(name.removeprefix("patch")))

    models = ("patch4", "patch7", "flat", "swin")
    module = SimpleNamespace(create_model=create_model, is_model=models.__contains__)
    monkeypatch.setitem(sys.modules, "timm", module)


def config(name, stride=2, **settings):
    return NetworkConfig(target=TARGET, backbone=f"timm:{name}", stride=stride, **settings)


@pytest.mark.parametrize("name", PRESETS)
def test_our_levels(name):
    pyramid = ResidualPyramid(PRESETS[name], 8)
    maps = pyramid(torch.zeros(1, 3, 32, 48))
    assert pyramid.strides == (2, 4, 8, 16)
    for found, channels, stride in zip(maps, pyramid.channels, pyramid.strides, strict=True):
        assert found.shape == (1, channels, 32 // stride, 48 // stride)


@pytest.mark.parametrize(("name", "few", "many"), [("small", 0.5e6, 1.5e6), ("base", 20e6, 30e6)])
def test_sizes(name, few, many):
    network = build_network(NetworkConfig(target=TARGET, backbone=name))
    assert few < sum(values.numel() for values in network.parameters()) < many


@pytest.mark.parametrize("stride", [2, 4, 8])
def test_a_pyramid_of_timm_by_name(timm, stride):
    network = build_network(config("patch4", stride, width=16))
    assert network.multiple == 16
    found = network(torch.zeros(1, 3, 32, 48))
    assert found.foreground.shape == (1, 32 // stride, 48 // stride)
    found.uv.sum().backward()
    assert network.backbone.pyramid.model.levels[0][0].weight.grad.abs().max() > 0


def test_no_picture_changes_another_in_timm_either(timm, pictures):
    network = build_network(config("patch4", width=16)).train()
    alone, together = network(pictures[:1]), network(pictures)
    torch.testing.assert_close(alone.uv[0], together.uv[0], atol=1e-5, rtol=0)


def test_what_timm_cannot_do(timm):
    with pytest.raises(InputError, match="timm has no model 'patch5'"):
        build_network(config("patch5"))
    with pytest.raises(InputError, match="cannot make a pyramid of 'flat': features_only"):
        build_network(config("flat"))
    with pytest.raises(InputError, match="'swin' of timm does not give maps"):
        build_network(config("swin"))
    with pytest.raises(InputError, match="cells of 7 px cannot end in cells of 2 px"):
        build_network(config("patch7"))


def test_without_timm_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(InputError, match=r"needs timm, .*install mvboot\[backbones\]"):
        build_network(config("resnet18"))


def test_a_real_model_of_timm():
    pytest.importorskip(
        "timm", reason="the extra `backbones` is not installed", exc_type=ImportError
    )
    network = build_network(config("convnext_atto"))
    found = network(torch.zeros(1, 3, 64, 96))
    assert found.foreground.shape == (1, 32, 48)


def test_our_backbones_have_no_pretrained_weights():
    with pytest.raises(InputError, match="no pretrained weights of the backbone 'small'"):
        build_network(NetworkConfig(target=TARGET), pretrained=True)
