"""The affinity loss of heat maps: expected costs under the product of two maps."""

import pytest
import torch

from mvboot.heatmaps import Bumps
from mvboot.losses import (
    EpipolarError,
    FlowError,
    Penalty,
    expected_costs,
    heatmap_affinity,
    sparse,
)

SIZE, STRIDE = 16, 4


def cells():
    y, x = torch.meshgrid(*[STRIDE * torch.arange(SIZE).double() + 1.5] * 2, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def seen(sphere, points, blur=1.0):
    """Return heat maps (K, cells) of points of the world in the views a and b."""
    maps = []
    for view in (sphere.a, sphere.b):
        pixels = torch.as_tensor(view.camera.project(points))
        maps.append(Bumps.at((pixels - 1.5) / STRIDE, SIZE, SIZE, blur).maps.flatten(1))
    return maps


POINTS = torch.tensor([[0.0, 0.0, 1.0], [0.3, 0.5, 0.6], [-0.4, -0.6, 0.3]]).double()


@pytest.mark.parametrize(
    "penalty", [Penalty(), Penalty("unsquared", 9.0), Penalty("robust", 4.0)], ids=str
)
def test_every_pair_written_out(sphere, penalty):
    g, h = torch.rand(2, 3, SIZE**2).double()
    error = EpipolarError(cells(), cells(), sphere.F, penalty)
    lines = torch.nn.functional.pad(cells(), (0, 1), value=1.0) @ sphere.F.mT
    lines = lines / lines[:, :2].norm(dim=1, keepdim=True)
    d = (lines @ torch.nn.functional.pad(cells(), (0, 1), value=1.0).mT).abs()
    cost = {
        "squared": d**2,
        "unsquared": d.clamp(max=9),
        "robust": 1 - torch.exp(-(d**2) / 32),
    }[penalty.distance]
    M = g[:, :, None] * h[:, None] / (g.sum(1) * h.sum(1))[:, None, None]
    torch.testing.assert_close(expected_costs(g, h, error.forth, SIZE**2), (M * cost).sum((1, 2)))


@pytest.mark.parametrize("blur", [0.7, 1.0, 2.0])
def test_the_heaviest_cells_say_what_all_of_them_do(sphere, blur):
    """Maps of two peaks each: what is left out is the rounding of their tails."""
    g, h = (0.7 * maps + 0.3 * maps.roll(1, 0) for maps in seen(sphere, POINTS, blur))
    error = EpipolarError(cells(), cells(), sphere.F, Penalty("robust", 4.0))
    whole = heatmap_affinity(g, h, error, SIZE**2)
    torch.testing.assert_close(
        heatmap_affinity(g, h, error, sparse.heaviest(blur)), whole, rtol=0.01, atol=1e-4
    )


def test_true_maps_cost_their_width_and_shifted_ones_more(sphere):
    """The expected square is that of the means, and what the widths of both maps add."""
    error = EpipolarError(cells(), cells(), sphere.F)
    costs = [heatmap_affinity(*seen(sphere, POINTS, blur), error) for blur in (0.7, 1.4)]
    for cost, blur in zip(costs, (0.7, 1.4), strict=True):
        width = 2 * (STRIDE * blur) ** 2  # across the line, of both maps; lines are nearly parallel
        assert (cost / width).tolist() == pytest.approx([1.0] * 3, rel=0.1)
    g, h = seen(sphere, POINTS, 0.7)
    up = h.reshape(3, SIZE, SIZE).roll(2, 1).flatten(1)
    moved = heatmap_affinity(g, up, error) - costs[0]
    assert moved.tolist() == pytest.approx([(2 * STRIDE) ** 2] * 3, rel=0.2)
    along = h.reshape(3, SIZE, SIZE).roll(2, 2).flatten(1)
    assert (heatmap_affinity(g, along, error) - costs[0]).abs().max() < 8  # hardly seen: one pair


def test_both_directions_of_the_pair_are_one_value(sphere):
    g, h = seen(sphere, POINTS)
    here = EpipolarError(cells(), cells(), sphere.F)
    there = EpipolarError(cells(), cells(), sphere.fundamental("b", "a"))
    torch.testing.assert_close(heatmap_affinity(g, h, here), heatmap_affinity(h, g, there))


def test_gradients(sphere):
    some = torch.arange(0, SIZE**2, 37)
    error = EpipolarError(cells()[some], cells()[some], sphere.F, Penalty("robust", 6.0))
    g, h = torch.rand(2, 2, len(some)).double() + 0.1
    g.requires_grad_()
    h.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: heatmap_affinity(x, y, error), (g, h))


def test_other_errors_go_in_as_well():
    flow = torch.tensor([4.0, 0.0]).double().expand(SIZE**2, 2)
    error = FlowError(cells(), cells(), flow)
    g = Bumps.at(torch.tensor([[6.0, 6.0]]).double(), SIZE, SIZE, 0.9).maps.flatten(1)
    right = Bumps.at(torch.tensor([[7.0, 6.0]]).double(), SIZE, SIZE, 0.9).maps.flatten(1)
    width = 4 * (STRIDE * 0.9) ** 2  # both axes of both maps
    assert heatmap_affinity(g, right, error).item() == pytest.approx(width, rel=0.02)
    assert heatmap_affinity(g, g, error).item() == pytest.approx(width + 16, rel=0.02)


def test_cells_without_a_prediction_do_not_count(sphere):
    g, h = seen(sphere, POINTS)
    holed = cells()
    holed[:5] = torch.nan
    error = EpipolarError(holed, cells(), sphere.F)
    spoilt = g.clone()
    spoilt[:, :5] = 1e3
    torch.testing.assert_close(
        expected_costs(spoilt, h, error.forth), expected_costs(g, h, error.forth), rtol=1e-3, atol=0
    )
    nothing = EpipolarError(torch.full_like(holed, torch.nan), cells(), sphere.F)
    assert heatmap_affinity(g, h, nothing).tolist() == [0, 0, 0]
    assert expected_costs(0 * g, h, error.forth).tolist() == [0, 0, 0]


def test_maps_that_do_not_fit(sphere):
    error = EpipolarError(cells(), cells(), sphere.F)
    with pytest.raises(ValueError, match=r"must be \(K, 256\) and \(K, 256\), got \(3, 9\)"):
        heatmap_affinity(torch.ones(3, 9), torch.ones(3, 256), error)


def test_learning_from_it_brings_a_keypoint_to_its_line(sphere):
    """The map of one view is held, as by a label; that of the other moves to the line."""
    g, h = seen(sphere, POINTS[1:2])
    start = h.reshape(1, SIZE, SIZE).roll(3, 1).flatten(1)
    logits = start.clamp(min=1e-9).log().requires_grad_()
    error = EpipolarError(cells(), cells(), sphere.F, Penalty("unsquared"))
    optimiser = torch.optim.Adam([logits], 0.2)
    values = []
    for _ in range(80):
        loss = heatmap_affinity(g, logits.softmax(1), error).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert values[0] > 10 and values[-1] < 4
