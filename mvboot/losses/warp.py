"""The warp error of two fields: one picture is a known transformation of the other."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.losses.residuals import SQUARED, Penalty, Residuals, from_points


@dataclass(frozen=True, eq=False)
class WarpError:
    """Distance in px of a match from W(x), for a picture and its own warped copy.

    Parameters
    ----------
    pixels_a, pixels_b
        (..., N, 2) and (..., M, 2): the pixels of the fields, in the picture and in its copy.
    b_from_a
        (..., 3, 3) homography W with ``x_b ~ W x_a``; an affine map has the last row 0, 0, 1.
    penalty
        What a distance costs.
    """

    pixels_a: Float[Tensor, "*batch n 2"]
    pixels_b: Float[Tensor, "*batch m 2"]
    b_from_a: Float[Tensor, "*batch 3 3"]
    penalty: Penalty = SQUARED

    @property
    def forth(self) -> Residuals:
        """From a to b."""
        return self._through(self.pixels_a, self.pixels_b, self.b_from_a.double())

    @property
    def back(self) -> Residuals:
        """From b to a."""
        inverse = torch.linalg.inv(self.b_from_a.double())
        return self._through(self.pixels_b, self.pixels_a, inverse)

    def _through(self, here: Tensor, there: Tensor, W: Tensor) -> Residuals:
        W = W.to(here.device)
        moved = here.double() @ W[..., :2].mT + W[..., None, :, 2]
        target = moved[..., :2] / moved[..., 2:]
        return Residuals(from_points(target), there.double(), self.penalty)
