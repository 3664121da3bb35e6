"""The one rule for batches of poses, of cameras and of matrices.

The batch dimensions of what acts are the FIRST dimensions of what it acts on, element by element:
poses of batch () act on all points, poses (F,) on points (F, ..., 3), poses (A, B) on points
(A, B, ..., 3). No dimension of 1 is stretched and no missing one is added: anything else raises
ValueError. So five poses never act on five points of one frame, whatever the shapes.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def require_leading(batch: Sequence[int], shape: Sequence[int], what: str = "points") -> None:
    """Raise ValueError unless values of a shape (..., n) begin with the batch dimensions."""
    if tuple(shape[:-1][: len(batch)]) != tuple(batch):
        raise ValueError(
            f"poses of batch {tuple(batch)} cannot act on {what} of shape {tuple(shape)}: "
            f"the first dimensions of the {what} must be {tuple(batch)}"
        )


def spread(values: Tensor, own: int, dims: int) -> Tensor:
    """Return batched values with ones after the batch, so that it has ``dims`` dimensions.

    The last ``own`` dimensions of ``values`` are those of one element: (F, 3) with ``own`` 1 and
    ``dims`` 3 becomes (F, 1, 1, 3). Values without a batch stay as they are.
    """
    batch = values.ndim - own
    if batch in (0, dims):
        return values
    return values.reshape(*values.shape[:batch], *[1] * (dims - batch), *values.shape[batch:])


def times(
    matrix: Float[Tensor, "*batch m n"], vectors: Float[Tensor, "*points n"]
) -> Float[Tensor, "*points m"]:
    """Return ``matrix @ vector`` for vectors (..., n), by the rule of this file."""
    # one product for all that share a matrix, several times faster than one for each
    if matrix.ndim == 2:
        return torch.matmul(vectors, matrix.mT)
    require_leading(matrix.shape[:-2], vectors.shape)
    if matrix.ndim > vectors.ndim:
        return torch.matmul(matrix, vectors[..., None])[..., 0]
    return torch.matmul(vectors, spread(matrix.mT, 2, vectors.ndim - 2))
