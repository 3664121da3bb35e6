import torch

from mvboot.losses import FlowError, affinity_loss, match_fields


def grid(n=12):
    y, x = torch.meshgrid(*[torch.arange(n).double()] * 2, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def test_a_field_that_moves_with_the_flow_costs_only_its_width():
    pixels, shift = grid(), torch.tensor([2.0, -1.0]).double()
    u, v = pixels, pixels - shift
    right = FlowError(pixels, pixels, shift.expand_as(pixels), -shift.expand_as(pixels))
    wrong = FlowError(pixels, pixels, torch.zeros_like(pixels), torch.zeros_like(pixels))
    inside = ((pixels + shift >= 0) & (pixels + shift <= 11)).all(1).double()
    back = ((pixels - shift >= 0) & (pixels - shift <= 11)).all(1).double()
    assert affinity_loss(u, v, right, 0.1, inside, back).value < 1e-6
    cost = affinity_loss(u, v, wrong, 0.1, inside, back).value
    torch.testing.assert_close(cost, shift.square().sum())


def test_one_direction_where_one_flow_is_known():
    pixels = grid()
    error = FlowError(pixels, pixels, torch.ones_like(pixels))
    assert error.back is None
    both = FlowError(pixels, pixels, torch.ones_like(pixels), torch.zeros_like(pixels))
    one = affinity_loss(pixels, pixels, error, 0.1).value
    torch.testing.assert_close(affinity_loss(pixels, pixels, both, 0.1).value, one / 2)


def test_flow_that_is_unknown_or_not_trusted_does_not_count():
    pixels = grid()
    flow = torch.zeros_like(pixels)
    flow[3] = torch.nan
    flow[5] = 1000.0
    valid = torch.arange(len(pixels)) != 5
    error = FlowError(pixels, pixels, flow, valid=valid)
    found = match_fields(pixels, pixels, error.forth, 0.1)
    assert (~found.measured).nonzero()[:, 0].tolist() == [3, 5]
    assert affinity_loss(pixels, pixels, error, 0.1).value < 1e-6
