import pytest
import torch

from mvboot.losses.blocks import Blocks


@pytest.mark.parametrize("count", [1, 2, 7, 32, 33, 65, 1000])
def test_every_point_is_in_one_real_slot(count):
    points = torch.randn(count, 3, generator=torch.Generator().manual_seed(count))
    blocks = Blocks.of(points, 32)
    assert sorted(blocks.order[blocks.real].tolist()) == list(range(count))
    assert blocks.order.shape[1] <= 32
    assert torch.equal(blocks.restored(blocks.arranged(points)), points)


def test_boxes_hold_their_points_and_gaps_are_lower_bounds():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(500, 4, generator=generator), torch.randn(300, 4, generator=generator)
    rows, columns = Blocks.of(a, 16), Blocks.of(b, 16)
    gaps2 = rows.gaps2(columns)
    for i in range(len(rows.order)):
        for j in range(len(columns.order)):
            nearest = torch.cdist(a[rows.order[i]], b[columns.order[j]]).min()
            assert gaps2[i, j] <= nearest**2 + 1e-5


def test_neighbours_share_a_box():
    """Sorted boxes are far smaller than boxes of points in any order."""
    points = torch.rand(4096, 2, generator=torch.Generator().manual_seed(0))
    low, high = Blocks.of(points, 16).boxes
    assert (high - low).amax(1).mean() < 0.1


def test_coarser_boxes_join_neighbours():
    points = torch.rand(1000, 2, generator=torch.Generator().manual_seed(0))
    fine = Blocks.of(points, 32)
    coarse = fine.coarser(130)
    assert coarse.order.shape == (8, 128)
    assert torch.equal(coarse.restored(coarse.arranged(points)), points)
    assert fine.coarser(1).order.shape == fine.order.shape
    assert len(fine.coarser(10**9).order) == 1
