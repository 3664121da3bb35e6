"""The turn and shift that bring points onto others (Kabsch 1976), when some of them are wrong."""

import numpy as np
import torch
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 10


def rigid_motion(source: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Return R (3, 3) and t (3,) with ``R source + t`` near ``target``, both (n, 3), n >= 3.

    Points count less the farther they are off, in units of the median residual.
    """
    import roma  # loads torch's compiler

    weight = np.ones(len(source))
    x, y = torch.from_numpy(source), torch.from_numpy(target)
    for _ in range(ROUNDS):
        R, t = roma.rigid_points_registration(x, y, weights=torch.from_numpy(weight))
        off = torch.linalg.vector_norm(x @ R.mT + t - y, dim=1).numpy()
        typical = max(float(np.median(off)), 1e-12)
        weight = 1 / (1 + (off / (2 * typical)) ** 2) ** 2
    return R.numpy(), t.numpy()
