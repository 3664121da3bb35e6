"""Residuals: how far a match lies from where geometry, flow or a known warp says it must lie.

Every such distance is the length of a few linear residuals, ``d(x, x')^2 = |L(x) (x', 1)|^2``:
L(x) has one row for the distance from a line and two for the distance from a point.
"""

import math
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

Distance = Literal["squared", "unsquared", "robust"]
DISTANCES = ("squared", "unsquared", "robust")


@dataclass(frozen=True)
class Penalty:
    """What a distance in px costs.

    Parameters
    ----------
    distance
        "squared" costs d^2 (px^2), "unsquared" d (px), "robust" 1 - exp(-d^2 / 2 limit^2), the
        chance in [0, 1) that the match is wrong (Welsch's function).
    limit_px
        A longer distance costs what this one does; for "robust" its width.

    Raises
    ------
    ValueError
        Another distance, a limit that is not positive, or "robust" without a limit.
    """

    distance: Distance = "squared"
    limit_px: float = float("inf")

    def __post_init__(self) -> None:
        if self.distance not in DISTANCES:
            raise ValueError(f"distance must be one of {DISTANCES}, got {self.distance!r}")
        if not self.limit_px > 0:
            raise ValueError(f"the limit of a distance must be positive px, got {self.limit_px}")
        if self.distance == "robust" and math.isinf(self.limit_px):
            raise ValueError("a robust distance needs a limit in px, its width")

    def cost_(self, squared: Float[Tensor, "*pairs"]) -> Float[Tensor, "*pairs"]:
        """Turn squared distances into their cost, in place."""
        if self.distance == "unsquared":
            return squared.sqrt_().clamp_(max=self.limit_px)
        if self.distance == "robust":
            return squared.mul_(-0.5 / self.limit_px**2).expm1_().neg_()
        return squared.clamp_(max=self.limit_px**2)


SQUARED = Penalty()


@dataclass(frozen=True, eq=False)
class Residuals:
    """What one direction measures, from pixels x of one picture to pixels x' of another.

    Parameters
    ----------
    lines
        L(x) (..., N, R, 3), px, float64. Not finite where x has no prediction.
    pixels
        x' (..., M, 2), px of the original picture, float64. Not finite where there is no pixel.
    penalty
        What a distance costs.
    """

    lines: Float[Tensor, "*batch n r 3"]
    pixels: Float[Tensor, "*batch m 2"]
    penalty: Penalty = SQUARED

    @property
    def predicted(self) -> Bool[Tensor, "*batch n"]:
        """Which x have a prediction."""
        return torch.isfinite(self.lines).flatten(-2).all(-1)

    @property
    def present(self) -> Bool[Tensor, "*batch m"]:
        """Which x' exist."""
        return torch.isfinite(self.pixels).all(-1)

    def __getitem__(self, index: int) -> "Residuals":
        """Return one of a batch."""
        return Residuals(self.lines[index], self.pixels[index], self.penalty)

    def of(self, rows: Int[Tensor, " n2"], columns: Int[Tensor, " m2"]) -> "Residuals":
        """Return those of some x and some x'; not for a batch."""
        return Residuals(self.lines[rows], self.pixels[columns], self.penalty)

    def about(self, middle: Float[Tensor, " 2"]) -> "Residuals":
        """Return the same with ``middle`` as the origin of x': small numbers round less."""
        offset = self.lines[..., 2:] + self.lines[..., :2] @ middle[:, None]
        lines = torch.cat([self.lines[..., :2], offset], -1)
        return Residuals(lines, self.pixels - middle, self.penalty)

    def at(self, columns: Int[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Return the cost of one match x' for each x; not for a batch."""
        matched = torch.nn.functional.pad(self.pixels[columns], (0, 1), value=1.0)
        squared = (self.lines @ matched[:, :, None]).square().sum((1, 2))
        return self.penalty.cost_(squared)


@runtime_checkable
class PairError(Protocol):
    """What two fields of different pictures should agree with: epipolar geometry, flow or a warp.

    ``forth`` measures from the first picture to the second, ``back`` the other way, or is None
    where only one direction is known. A batch of pairs has leading dimensions.
    """

    @property
    def forth(self) -> Residuals:
        """Errors of matches x' in the second picture of pixels x of the first."""

    @property
    def back(self) -> Residuals | None:
        """Errors of matches x in the first picture of pixels x' of the second."""


def from_points(targets: Float[Tensor, "*batch n 2"]) -> Float[Tensor, "*batch n 2 3"]:
    """Return L(x) of the distance from a point: ``x' - target``."""
    identity = torch.eye(2, dtype=torch.float64, device=targets.device)
    linear = identity.expand(*targets.shape[:-1], 2, 2)
    return torch.cat([linear, -targets.double()[..., None]], -1)


def from_lines(lines: Float[Tensor, "*batch n 3"]) -> Float[Tensor, "*batch n 1 3"]:
    """Return L(x) of the distance from a line, given in any scale."""
    normal = torch.linalg.vector_norm(lines[..., :2], dim=-1, keepdim=True)
    return torch.div(lines, normal)[..., None, :]
