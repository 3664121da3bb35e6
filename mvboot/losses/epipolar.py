"""The epipolar error of two fields: matches should lie on each other's epipolar lines."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mvboot.losses.affinity import match_fields
from mvboot.losses.residuals import SQUARED, Distance, Penalty, Residuals, from_lines


@dataclass(frozen=True, eq=False)
class EpipolarError:
    """Distance in px of a match from the epipolar line, in both pictures.

    ``d(x, x') = |x'^T F x| / sqrt((F x)_1^2 + (F x)_2^2)`` (Hartley and Zisserman 2004, 11.4.3,
    one side of the symmetric distance); the way back uses F^T.

    Parameters
    ----------
    pixels_a, pixels_b
        (..., N, 2) and (..., M, 2): where the pixels of the fields lie in the original pictures,
        undistorted (`Crop.centers`, `Camera.undistort`). NaN where there is none.
    fundamental
        (..., 3, 3) F of the pair (`fundamental_matrix(a, b)`): ``x_b^T F x_a = 0``.
    penalty
        What a distance costs.
    along_b, along_a
        (..., N, 3) and (..., M, 3) rows that measure a second distance, along the line, in the
        picture b for pixels of a and the other way (`transfer_rows`); None: lines alone.
    """

    pixels_a: Float[Tensor, "*batch n 2"]
    pixels_b: Float[Tensor, "*batch m 2"]
    fundamental: Float[Tensor, "*batch 3 3"]
    penalty: Penalty = SQUARED
    along_b: Float[Tensor, "*batch n 3"] | None = None
    along_a: Float[Tensor, "*batch m 3"] | None = None

    @property
    def forth(self) -> Residuals:
        """From a to b."""
        return self._across(self.pixels_a, self.pixels_b, self.fundamental, self.along_b)

    @property
    def back(self) -> Residuals:
        """From b to a."""
        return self._across(self.pixels_b, self.pixels_a, self.fundamental.mT, self.along_a)

    def _across(self, here: Tensor, there: Tensor, F: Tensor, along: Tensor | None) -> Residuals:
        F = F.double().to(here.device)
        rows = from_lines(here.double() @ F[..., :2].mT + F[..., None, :, 2])
        if along is not None:
            rows = torch.cat([rows, along.to(rows)[..., None, :]], -2)
        return Residuals(rows, there.double(), self.penalty)


def expected_epipolar_error(
    field_a: Float[Tensor, "n d"],
    field_b: Float[Tensor, "m d"],
    pixels_a: Float[Tensor, "n 2"],
    pixels_b: Float[Tensor, "m 2"],
    fundamental: Float[Tensor, "3 3"],
    sigma: float,
    distance: Distance = "squared",
) -> Float[Tensor, " n"]:
    """Return for each pixel of a how far, on average, its matches in b are off its epipolar line.

    Parameters
    ----------
    field_a, field_b
        Canonical coordinates (N, D), (M, D), all of them pixels of the subject.
    pixels_a, pixels_b
        (N, 2), (M, 2) undistorted px of the original pictures.
    fundamental
        (3, 3) F with ``x_b^T F x_a = 0``.
    sigma
        Width of the matches in units of the fields.
    distance
        "squared" or "unsquared".

    Returns
    -------
    (N,) px^2 or px, differentiable in both fields; NaN for a pixel without an epipolar line (it
    is the epipole, or the cameras are in one place) and where b has no pixels. Weight it by
    visibility to train on it: `affinity_loss`.

    Raises
    ------
    ValueError
        Shapes that do not fit together, a sigma that is not positive, another distance.
    """
    error = EpipolarError(pixels_a, pixels_b, fundamental, Penalty(distance))
    matches = match_fields(field_a, field_b, error.forth, sigma)
    return matches.expected.masked_fill(~matches.measured, torch.nan)
