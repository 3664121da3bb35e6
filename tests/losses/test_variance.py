import pytest
import torch

from mvboot.heatmaps import moments
from mvboot.losses import variance_loss


def test_one_cell_has_none_and_two_have_a_quarter_of_their_distance_squared():
    maps = torch.zeros(2, 5, 5)
    maps[0, 2, 3] = 1
    maps[1, 1, 0] = maps[1, 1, 4] = 0.5
    assert variance_loss(moments(maps).covariance).item() == pytest.approx(4 / 2)


def test_the_equation_written_out():
    maps = torch.rand(3, 4, 6).double()
    maps = maps / maps.sum((1, 2), keepdim=True)
    y, x = torch.meshgrid(torch.arange(4.0), torch.arange(6.0), indexing="ij")
    places = torch.stack([x, y], -1).double()
    mean = torch.einsum("khw,hwi->ki", maps, places)
    off2 = (places - mean[:, None, None]).square().sum(-1)
    found = variance_loss(moments(maps).covariance)
    torch.testing.assert_close(found, (maps * off2).sum((1, 2)).mean())
