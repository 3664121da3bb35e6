"""A rig file as the cameras of a synthetic capture: what it must have, and whether it sees."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.formats.rigs import load_rig
from mvboot.geometry import Camera
from mvboot.mesh.raycast import whole_size
from mvboot.rig import UNITS_IN_M, Rig

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_PX = 4.0
"""What is smaller in a picture is not seen."""


@dataclass(frozen=True)
class Stay:
    """Where subjects are in the world, in metres.

    Parameters
    ----------
    radius, height
        Of the upright cylinder over the origin that they stay in.
    frames
        Frames (T,) at which they were looked at.
    places
        (T, N, 3) places all over them.
    """

    radius: float
    height: float
    frames: Ints
    places: Floats

    def size_px(self, camera: Camera) -> float:
        """Return how large they are in a camera's pictures at most; 0: in none of them."""
        pixels = camera.at(self.frames).project(self.places)
        inside = ((pixels > -0.5) & (pixels < np.array(whole_size(camera)) - 0.5)).all(-1)
        low, high = (np.where(inside[..., None], pixels, end) for end in (np.inf, -np.inf))
        return float(np.maximum(high.max(1) - low.min(1), 0).max())

    def holds(self, camera: Camera) -> bool:
        """Tell whether a camera always stands among them."""
        centers = camera.at(self.frames).center.numpy().reshape(-1, 3)
        near = np.linalg.norm(centers[:, :2], axis=1) < self.radius
        return bool((near & (centers[:, 2] > 0) & (centers[:, 2] < self.height)).all())


def read_rig_file(path: Path, frames: int, stay: Stay) -> tuple[Rig, str | None]:
    """Return a rig in metres, and what seems wrong with how it sees the subjects, or None.

    InputError for a rig that cannot film frames 0, 1, ... of subjects that stand on the floor
    z = 0, for one in which no camera ever sees them, and for one that films them in another unit.
    """
    stated = load_rig(path)
    _require_complete(stated, frames, path)
    rig = stated.in_units("m")
    blind = [name for name, own in rig.cameras.items() if stay.size_px(own) < LEAST_PX]
    among = [name for name, own in rig.cameras.items() if stay.holds(own)]
    if not (blind or among):
        return rig, None
    doubts = [f"no subject is ever in the pictures of {', '.join(blind)}"] if blind else []
    doubts += [f"subjects move where {', '.join(among)} stands"] if among else []
    hint = _unit_hint(stated, stay)
    doubt = f"{'; '.join(doubts)} (they are about the origin, on the floor z = 0){hint}"
    none_films = {*blind, *among} == set(rig.names)
    if len(blind) == len(rig) or (none_films and hint):
        raise InputError(doubt, path)
    return rig, f"{path}: {doubt}"


def _unit_hint(stated: Rig, stay: Stay) -> str:
    """Guess from what cameras would see in another unit whether that one is meant."""
    films = {
        unit: [
            size
            for camera in replace(stated, units=unit).in_units("m").cameras.values()
            if (size := stay.size_px(camera)) >= LEAST_PX and not stay.holds(camera)
        ]
        for unit in UNITS_IN_M
    }
    best = max(films, key=lambda unit: (len(films[unit]), sum(films[unit])))
    if len(films[best]) <= len(films[stated.units]):
        return ""
    return (
        f". Its lengths are read as {stated.units}; were they {best}, {len(films[best])} of "
        f"{len(stated)} cameras would film them: correct its `units`"
    )


def _require_complete(rig: Rig, frames: int, path: Path) -> None:
    if rig.up != "z":
        raise InputError(
            f"its world's up is {rig.up or 'not stated'}; subjects stand on the floor z = 0, so "
            "turn it with `mvboot rig world`, or state `up: z`",
            path,
        )
    for name, camera in rig.cameras.items():
        if camera.size is None:
            raise InputError(f"camera {name} states no size of its pictures", path)
        if camera.frames is not None and not set(range(frames)) <= set(camera.frames.tolist()):
            raise InputError(f"camera {name} has no pose for some of the frames", path)
