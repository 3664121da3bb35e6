"""Arrays in, same kind of arrays out: NumPy users get NumPy back, torch users keep gradients."""

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

ArrayT = TypeVar("ArrayT", np.ndarray[Any, Any], Tensor)


def to_tensor(values: Any) -> Tensor:
    """Return ``values`` as a floating tensor; anything but a floating tensor becomes float64.

    ValueError for true and false in lists, which NumPy would take for 1 and 0.
    """
    if has_truth_value(values):
        raise ValueError("true and false are no numbers")
    if isinstance(values, Tensor):
        return values if values.is_floating_point() else values.double()
    return torch.as_tensor(np.ascontiguousarray(values, dtype=np.float64))


def like(template: Any, values: Tensor) -> Any:
    """Return ``values`` as a tensor if ``template`` is one, else as a NumPy array."""
    return values if isinstance(template, Tensor) else values.detach().cpu().numpy()


def has_truth_value(values: Any) -> bool:
    """Whether nested lists hold true or false."""
    if isinstance(values, list | tuple):
        return any(has_truth_value(value) for value in values)
    return isinstance(values, bool)
