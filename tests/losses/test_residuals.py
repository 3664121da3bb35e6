import math

import pytest
import torch

from mvboot.losses.residuals import Penalty, Residuals, from_lines, from_points


def test_penalties():
    squared = torch.tensor([0.0, 4.0, 100.0])
    assert Penalty().cost_(squared.clone()).tolist() == [0, 4, 100]
    assert Penalty("unsquared").cost_(squared.clone()).tolist() == [0, 2, 10]
    assert Penalty("unsquared", 5.0).cost_(squared.clone()).tolist() == [0, 2, 5]
    assert Penalty("squared", 5.0).cost_(squared.clone()).tolist() == [0, 4, 25]
    robust = Penalty("robust", 2.0).cost_(squared.clone())
    assert robust.tolist() == pytest.approx([0, 1 - math.exp(-0.5), 1], abs=1e-5)


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    "wrong", [{"distance": "cubed"}, {"limit_px": 0.0}, {"limit_px": -1.0}, {"distance": "robust"}]
)
def test_wrong_penalties_are_refused(wrong):
    with pytest.raises(ValueError, match="distance"):
        Penalty(**wrong)


def test_distances_from_a_point_and_from_a_line():
    pixels = torch.tensor([[3.0, 4.0]]).double()
    point = Residuals(from_points(torch.zeros(1, 2)), pixels, Penalty("unsquared"))
    line = Residuals(from_lines(torch.tensor([[0.0, 10.0, -20.0]]).double()), pixels)
    one = torch.zeros(1, dtype=torch.long)
    assert point.at(one).item() == pytest.approx(5)
    assert line.at(one).item() == pytest.approx(4)


def test_another_origin_changes_no_cost():
    generator = torch.Generator().manual_seed(0)
    lines = from_lines(torch.randn(5, 3, generator=generator).double())
    given = Residuals(lines, torch.randn(5, 2, generator=generator).double())
    every = torch.arange(5)
    moved = given.about(torch.tensor([100.0, -7.0]).double())
    torch.testing.assert_close(moved.at(every), given.at(every))
