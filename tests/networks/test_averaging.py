"""Frozen copies and running averages."""

import torch

from mvboot.networks import frozen_copy, update_average


def spoil(network):
    with torch.no_grad():
        for values in network.parameters():
            values.add_(1)


def test_a_frozen_copy_stays_and_takes_no_gradient(network, pictures):
    before = network(pictures).foreground.detach()
    frozen = frozen_copy(network)
    spoil(network)
    assert torch.equal(frozen(pictures).foreground, before)
    assert not frozen(pictures).foreground.requires_grad
    assert not frozen.training
    assert network.training and all(values.requires_grad for values in network.parameters())


def test_an_average_follows(network):
    average = frozen_copy(network)
    start = [values.clone() for values in average.parameters()]
    spoil(network)
    update_average(average, network, 0.75)
    update_average(average, network, 0.75)
    for old, new in zip(start, average.parameters(), strict=True):
        torch.testing.assert_close(new, old + 1 - 0.75**2)
        assert not new.requires_grad
    update_average(average, network, 0.0)
    for one, other in zip(average.parameters(), network.parameters(), strict=True):
        assert torch.equal(one, other)
