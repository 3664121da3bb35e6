import torch

from mvboot.losses import WarpError, affinity_loss


def grid(n=10):
    y, x = torch.meshgrid(*[torch.arange(n).double()] * 2, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2)


def warped(W, pixels):
    moved = torch.nn.functional.pad(pixels, (0, 1), value=1.0) @ W.T
    return moved[:, :2] / moved[:, 2:]


W = torch.tensor([[0.8, -0.6, 5.0], [0.6, 0.8, -2.0], [0.002, -0.001, 1.0]]).double()


def test_an_equivariant_field_costs_nothing_and_another_does():
    pixels = grid()
    there = warped(W, pixels)
    error = WarpError(pixels, there, W)
    assert affinity_loss(pixels, pixels, error, 0.05).value < 1e-9
    assert affinity_loss(pixels, pixels.roll(1, 0), error, 0.05).value > 0.1


def test_the_way_back_is_the_inverse():
    pixels = grid()
    error = WarpError(pixels, warped(W, pixels), W)
    every = torch.arange(len(pixels))
    torch.testing.assert_close(error.forth.at(every), torch.zeros(len(pixels)).double())
    torch.testing.assert_close(error.back.at(every), torch.zeros(len(pixels)).double())


def test_pixels_that_leave_for_infinity_have_no_prediction():
    W = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 0, 0]]).double()
    pixels = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    assert WarpError(pixels, pixels, W).forth.predicted.tolist() == [False, True]
