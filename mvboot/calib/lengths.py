"""The size of a rig from measured lengths: between two of its cameras, or two landmarks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.rig import UNITS_IN_M, Rig
from mvboot.units import UNIT_WORDS, length_in_m

Floats = NDArray[np.float64]

TOLERANCE = 0.05
"""Largest difference of a measured length from the others, over itself."""


@dataclass(frozen=True)
class Distance:
    """A measured length between two cameras or two landmarks, in metres."""

    a: str
    b: str
    metres: float

    @staticmethod
    def parsed(pair: str, length: str) -> "Distance":
        """Return the distance that ``A:B`` and ``0.5m`` say; InputError for another form."""
        names = [name.strip() for name in pair.split(":")]
        metres = length_in_m(length)
        if len(names) != 2 or metres is None or not all(names) or names[0] == names[1]:
            raise InputError(
                f"--distance {pair}={length} is not of the form A:B=0.5m: two different cameras "
                f"or landmarks, and a length in {UNIT_WORDS}"
            )
        if metres == 0:
            raise InputError(f"--distance {pair}={length}: a length above zero is needed")
        return Distance(names[0], names[1], metres)

    def require(self, cameras: Sequence[str], landmarks: Sequence[str]) -> None:
        """Raise InputError unless both are cameras, or both landmarks, and it is clear which."""
        both = [set(self.pair) <= set(names) for names in (cameras, landmarks)]
        if both == [True, True]:
            raise InputError(f"distance {self}: cameras and landmarks have these names; rename one")
        if both == [False, False]:
            raise InputError(
                f"distance {self}: names neither two cameras ({_some(cameras)}) nor two landmarks "
                f"({_some(landmarks)})"
            )

    @property
    def pair(self) -> tuple[str, str]:
        """Both names."""
        return self.a, self.b

    def __str__(self) -> str:
        return f"{self.a}:{self.b}"


def length_in(rig: Rig, landmarks: Mapping[str, Floats], distance: Distance) -> float:
    """Return what a distance is now, in the rig's units; NaN where a landmark is unknown.

    ``landmarks`` are positions (n, 3) of each, in the same frames and individuals; the median over
    these counts.
    """
    if distance.a in rig.cameras and distance.b in rig.cameras:
        return float((rig[distance.a].center - rig[distance.b].center).norm())
    apart = np.linalg.norm(landmarks[distance.a] - landmarks[distance.b], axis=-1)
    known = apart[~np.isnan(apart)]
    return float(np.median(known)) if len(known) else float("nan")


def scale_by(
    rig: Rig, landmarks: Mapping[str, Floats], distances: Sequence[Distance]
) -> tuple[float, dict[str, dict[str, Any]]]:
    """Return by how much lengths grow, in the rig's units, and what each distance comes to.

    The geometric mean of what the distances say. InputError where a landmark was not located, and
    where the distances differ from one another by more than `TOLERANCE`.
    """
    now = np.array([length_in(rig, landmarks, distance) for distance in distances])
    wanted = np.array([distance.metres for distance in distances]) / UNITS_IN_M[rig.units]
    for distance, length in zip(distances, now, strict=True):
        if not length > 0:
            raise InputError(
                f"distance {distance}: too few cameras see both landmarks at once to locate them; "
                "name two that more cameras see, or two cameras"
            )
    scale = float(np.exp(np.log(wanted / now).mean()))
    found = {
        str(distance): {"measured": float(w), "located": float(scale * n)}
        for distance, w, n in zip(distances, wanted, now, strict=True)
    }
    off = np.abs(scale * now / wanted - 1)
    if off.max() > TOLERANCE:
        said = ", ".join(
            f"{k} is {v['measured']:.4g}, not {v['located']:.4g}" for k, v in found.items()
        )
        raise InputError(
            f"the measured distances contradict each other ({said} {rig.units}); measure again, "
            "or give one alone"
        )
    return scale, found


def _some(names: Sequence[str]) -> str:
    more = f", ... ({len(names)} in all)" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
