"""Copies that teach: frozen as they are, or following a network as a running average."""

import copy

import torch

from mvboot.networks.model import DenseNetwork


def frozen_copy(network: DenseNetwork) -> DenseNetwork:
    """Return a copy in evaluation mode whose weights take no gradient."""
    return copy.deepcopy(network).requires_grad_(False).eval()


@torch.no_grad()
def update_average(average: DenseNetwork, network: DenseNetwork, decay: float) -> None:
    """Move the weights of a frozen copy by ``1 - decay`` of the way to the network's.

    The mean teacher of Tarvainen and Valpola 2017; early in a run a small decay keeps the first
    weights from staying: theirs is ``min(decay, 1 - 1 / (step + 1))``.
    """
    for old, new in zip(average.parameters(), network.parameters(), strict=True):
        old.lerp_(new.to(old), 1 - decay)
    for kept, current in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(current)
