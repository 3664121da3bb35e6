import torch

from mvboot.losses import orientation_loss


def test_by_hand():
    found = torch.tensor([[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    known = torch.tensor([[[0.0, 2.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
    assert orientation_loss(found, known).tolist() == [2.5, 0.0]
