"""The flow error of two fields: a match in the next frame should be where optical flow points."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mvboot.losses.residuals import SQUARED, Penalty, Residuals, from_points


@dataclass(frozen=True, eq=False)
class FlowError:
    """Distance in px of a match from ``x + flow(x)``, between two frames of one camera.

    Parameters
    ----------
    pixels_a, pixels_b
        (..., N, 2) and (..., M, 2): where the pixels of the fields lie in the original pictures.
    flow
        (..., N, 2) px: displacement of each pixel of a. NaN where unknown.
    back_flow
        (..., M, 2) px of each pixel of b, or None: then only the way from a to b counts.
    valid, back_valid
        (..., N), (..., M): where the flow is to be trusted (visible in both frames, say), or None
        for everywhere.
    penalty
        What a distance costs.
    """

    pixels_a: Float[Tensor, "*batch n 2"]
    pixels_b: Float[Tensor, "*batch m 2"]
    flow: Float[Tensor, "*batch n 2"]
    back_flow: Float[Tensor, "*batch m 2"] | None = None
    valid: Bool[Tensor, "*batch n"] | None = None
    back_valid: Bool[Tensor, "*batch m"] | None = None
    penalty: Penalty = SQUARED

    @property
    def forth(self) -> Residuals:
        """From a to b."""
        return self._along(self.pixels_a, self.pixels_b, self.flow, self.valid)

    @property
    def back(self) -> Residuals | None:
        """From b to a, where its flow is known."""
        if self.back_flow is None:
            return None
        return self._along(self.pixels_b, self.pixels_a, self.back_flow, self.back_valid)

    def _along(self, here: Tensor, there: Tensor, flow: Tensor, valid: Tensor | None) -> Residuals:
        target = here.double() + flow.double()
        if valid is not None:
            target = target.masked_fill(~valid[..., None], torch.nan)
        return Residuals(from_points(target), there.double(), self.penalty)
