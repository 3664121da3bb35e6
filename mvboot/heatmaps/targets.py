"""What a heat map should look like: a Gaussian bump about the keypoint."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Bumps:
    """Gaussian bumps on the cells of pictures, each the product of a row and a column.

    Parameters
    ----------
    columns, rows
        (..., w) and (..., h), which both sum to one: cell (i, j) has ``rows[i] * columns[j]``.
        The bump of a keypoint near the rim is cut there.
    inside
        (...,) whether the keypoint lies on the picture; where not, the bump means nothing.
    """

    columns: Float[Tensor, "*batch w"]
    rows: Float[Tensor, "*batch h"]
    inside: Bool[Tensor, "*batch"]

    @staticmethod
    def at(points: Float[Tensor, "*batch 2"], height: int, width: int, blur: float) -> "Bumps":
        """Return bumps of standard deviation ``blur`` > 0 about points (..., 2), all in cells.

        NaN is outside. A picture ends half a cell beyond the centres of its outermost cells.
        """
        size = torch.tensor([width, height]).to(points)
        inside = ((points >= -0.5) & (points <= size - 0.5)).all(-1)
        known = torch.where(inside[..., None], points, torch.zeros_like(points))
        columns, rows = (
            (-0.5 * ((torch.arange(count).to(points) - known[..., axis, None]) / blur) ** 2)
            for axis, count in enumerate((width, height))
        )
        return Bumps(columns.softmax(-1), rows.softmax(-1), inside)

    @property
    def maps(self) -> Float[Tensor, "*batch h w"]:
        """The bumps cell by cell (..., h, w); each sums to one."""
        return self.rows[..., :, None] * self.columns[..., None, :]

    @property
    def entropy(self) -> Float[Tensor, "*batch"]:
        """Entropy of each bump in nats."""
        columns, rows = (torch.special.entr(shares).sum(-1) for shares in (self.columns, self.rows))
        return torch.add(columns, rows)

    def mean_of(self, values: Float[Tensor, "*batch h w"]) -> Float[Tensor, "*batch"]:
        """Return the mean of values (..., h, w) of cells under the bumps."""
        by_row = (values @ self.columns[..., None])[..., 0]
        found: Tensor = (by_row * self.rows).sum(-1)
        return found
