import numpy as np
import torch

from mvboot.geometry.arrays import like, to_tensor


def test_floating_tensors_pass_untouched():
    values = torch.zeros(2, dtype=torch.float32, requires_grad=True)
    assert to_tensor(values) is values
    assert like(values, values) is values


def test_everything_else_becomes_float64():
    for values in ([1, 2], np.float32([1, 2]), torch.tensor([1, 2]), (1.0, 2.0)):
        tensor = to_tensor(values)
        assert tensor.dtype == torch.float64 and tensor.tolist() == [1.0, 2.0]


def test_numpy_gets_numpy_back_without_a_graph():
    array = like(np.zeros(1), torch.ones(2, requires_grad=True))
    assert isinstance(array, np.ndarray) and array.tolist() == [1.0, 1.0]
