"""What every lens can do."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def _no_coefficients() -> Tensor:
    return torch.zeros(0, dtype=torch.float64)


@dataclass(frozen=True)
class Lens(ABC):
    """One lens; ``coefficients`` are in OpenCV's order, shape (n,), without units."""

    coefficients: Float[Tensor, " n"] = field(default_factory=_no_coefficients)

    name: ClassVar[str]
    counts: ClassVar[tuple[int, ...]]

    def __post_init__(self) -> None:
        if len(self.coefficients) not in self.counts:
            allowed = ", ".join(str(n) for n in self.counts)
            raise ValueError(
                f"lens {self.name!r} takes {allowed} distortion coefficients, "
                f"got {len(self.coefficients)}"
            )
        if not bool(torch.isfinite(self.coefficients).all()):
            raise ValueError("a distortion coefficient is not a finite number")

    def to(self, like: Tensor) -> "Lens":
        """Return the lens with the dtype and on the device of ``like``."""
        return type(self)(self.coefficients.to(like))

    @abstractmethod
    def project(
        self, x_in_cam: Float[Tensor, "*points 3"]
    ) -> tuple[Float[Tensor, "*points 2"], Bool[Tensor, "*points"]]:
        """Map points in camera axes to the distorted image plane, with a mask of what is visible.

        The mask is false behind the camera and beyond the invertible radius; the coordinates
        there are finite but meaningless (so that gradients stay finite).
        """

    @abstractmethod
    def unproject(
        self, distorted: Float[Tensor, "*points 2"]
    ) -> tuple[Float[Tensor, "*points 3"], Bool[Tensor, "*points"]]:
        """Map the distorted image plane to directions in camera axes (the inverse of `project`).

        Directions satisfy ``gauge . direction = 1``. The mask is false where no point maps here.
        Differentiable in the coordinates and the coefficients by the implicit function theorem.
        """

    @abstractmethod
    def gauge(self, direction: Float[Tensor, "*points 3"]) -> Float[Tensor, "*points 3"]:
        """Return the linear depth functional e used around ``direction``: depth = e . x_in_cam."""

    @abstractmethod
    def jacobian(self, direction: Float[Tensor, "*points 3"]) -> Float[Tensor, "*points 2 3"]:
        """Return the derivative of `project` at ``direction``, shape (..., 2, 3)."""
