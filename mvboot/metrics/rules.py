"""Rules that all metrics share: which pixels count, how many of them, and what is near."""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.rig import UNITS_IN_M
from mvboot.template import Template

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Rules:
    """What counts.

    Parameters
    ----------
    points
        At most so many pixels of a picture are measured; more are drawn from, evenly.
    seed
        Seed of the draw. A picture's draw also depends on its camera's name and its frame, and on
        nothing else, so that two sets of fields are measured at the same pixels.
    foreground
        Probability from which a pixel counts as the subject.
    gate
        How far apart on the surface two pixels may be and still match, as a share of the
        template's size (`size_of`): 0.03 is 5 cm on the body.

    Raises
    ------
    InputError
        A value outside its range.
    """

    points: int = 2000
    seed: int = 0
    foreground: float = 0.5
    gate: float = 0.03

    def __post_init__(self) -> None:
        if self.points < 1:
            raise InputError(f"at least one pixel of a picture must count, got {self.points}")
        if not 0 < self.foreground <= 1:
            raise InputError(f"foreground must be in (0, 1], got {self.foreground}")
        if not self.gate > 0:
            raise InputError(f"gate must be a positive share, got {self.gate}")

    def drawn(self, count: int, camera: str, frame: int) -> IntArray:
        """Return which of ``count`` pixels of a picture count, in order."""
        if count <= self.points:
            return np.arange(count)
        rng = np.random.default_rng([self.seed, frame, zlib.crc32(camera.encode())])
        return np.sort(rng.choice(count, self.points, replace=False))


def size_of(template: Template) -> float:
    """Return the longest side of the box around the rest pose, in the template's unit."""
    return float(np.ptp(template.vertices, axis=0).max())


def centimetres(template: Template) -> float:
    """Return how many centimetres the template's unit has."""
    return 100 * UNITS_IN_M[template.units]
