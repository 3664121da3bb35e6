"""Landmarks that define a world: which keypoints mean what, and where they stand."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mvboot.errors import InputError
from mvboot.keypoints import Keypoints3D
from mvboot.rig import UNITS_IN_M, Rig
from mvboot.units import length_in_m

Floats = NDArray[np.float64]


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _two_different(names: list[str]) -> list[str]:
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError(f"must be two different points, as [from, to]; got {names}")
    return names


def _different(names: list[str]) -> list[str]:
    if len(set(names)) < max(3, len(names)):
        raise ValueError(f"must be three or more different points; got {names}")
    return names


def _metres(text: str) -> float:
    metres = length_in_m(text)
    if not metres:
        raise ValueError(f"must be a length above zero with its unit, as 300 mm; got {text!r}")
    return metres


def _length(text: str) -> str:
    _metres(text)
    return text


Names = Annotated[list[str], BeforeValidator(_one_or_more), Field(min_length=1)]
Pair = Annotated[list[str], AfterValidator(_two_different)]
Floor = Annotated[list[str], AfterValidator(_different)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Length(_Strict):
    """A distance that was measured."""

    between: Pair
    is_: Annotated[str, AfterValidator(_length)] = Field(alias="is")

    @property
    def in_m(self) -> float:
        """The true length in metres."""
        return _metres(self.is_)


class LandmarkSpec(_Strict):
    """What named points mean for the world.

    ``origin`` is a point or the mean of several. ``up`` runs from one point to another, or the
    ``floor`` is a plane through three or more. ``x``, ``y`` or ``z`` (those that do not point up)
    run from one point to another. ``length`` sets the scale.
    """

    origin: Names
    x: Pair | None = None
    y: Pair | None = None
    z: Pair | None = None
    up: Pair | None = None
    floor: Floor = []
    length: Length | None = None

    @model_validator(mode="after")
    def _complete(self) -> "LandmarkSpec":
        if (self.up is None) == (not self.floor):
            raise ValueError("needs either up: [from, to] or floor: [three or more points]")
        if self.x is None and self.y is None and self.z is None:
            raise ValueError("needs a direction in the floor: x: [from, to] or y: [from, to]")
        return self

    @property
    def names(self) -> list[str]:
        """Every point that is used, once."""
        pairs = [self.x, self.y, self.z, self.up, self.length and self.length.between]
        parts = [self.origin, self.floor, *(pair for pair in pairs if pair)]
        return list(dict.fromkeys(name for part in parts for name in part))


@dataclass(frozen=True)
class Landmark:
    """Where a keypoint stands.

    Parameters
    ----------
    xyz
        Median over the frames (3,), NaN where it was never triangulated.
    spread
        Median distance of the frames from it, same unit: what moves is no landmark.
    frames
        How many frames there are.
    """

    xyz: Floats
    spread: float
    frames: int


def landmarks(
    rig: Rig, keypoints: Keypoints3D, individual: str | None = None
) -> dict[str, Landmark]:
    """Return where each keypoint of one individual stands, in the rig's units.

    InputError where the points were triangulated with another rig, and where there are several
    individuals and none is chosen, or an unknown one.
    """
    made_with = keypoints.provenance.get("rig_hash")
    if made_with is not None and made_with != _hash_of(rig, keypoints.cameras):
        raise InputError(
            "the points were triangulated with another rig, so they are not in this one's world; "
            "triangulate them with this rig"
        )
    individuals = keypoints.individuals
    if individual is None and len(individuals) > 1:
        raise InputError(f"there are individuals {', '.join(individuals)}; choose with --subject")
    if individual is not None and individual not in individuals:
        raise InputError(
            f"there is no individual {individual!r}; there are {', '.join(individuals)}"
        )
    row = individuals.index(individual) if individual else 0
    factor = UNITS_IN_M[keypoints.units] / UNITS_IN_M[rig.units]
    return {
        name: _landmark(factor * keypoints.xyz[:, row, k])
        for k, name in enumerate(keypoints.keypoints)
    }


def _landmark(xyz: Floats) -> Landmark:
    there = xyz[np.isfinite(xyz).all(-1)]
    if len(there) == 0:
        return Landmark(np.full(3, np.nan), np.nan, 0)
    middle = np.median(there, axis=0)
    spread = float(np.median(np.linalg.norm(there - middle, axis=1)))
    return Landmark(middle, spread, len(there))


def _hash_of(rig: Rig, cameras: tuple[str, ...]) -> str | None:
    """Return the fingerprint of the part of the rig that a table was made with."""
    known = set(cameras) <= set(rig.names)
    return rig.subset(cameras).fingerprint() if known else None
