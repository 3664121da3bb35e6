"""Rig: named cameras that share one world, with a unit of length."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from mvboot.errors import InputError
from mvboot.geometry import Camera, fundamental_matrix
from mvboot.units import UNIT_NAMES
from mvboot.units import UNITS_IN_M as UNITS_IN_M

UP_AXES = {
    "x": (1.0, 0.0, 0.0),
    "y": (0.0, 1.0, 0.0),
    "z": (0.0, 0.0, 1.0),
    "-x": (-1.0, 0.0, 0.0),
    "-y": (0.0, -1.0, 0.0),
    "-z": (0.0, 0.0, -1.0),
}


@dataclass(frozen=True)
class Rig:
    """Cameras by name, in the order they were given; order carries no meaning, names do.

    Parameters
    ----------
    cameras
        Name to `Camera`; at least one.
    units
        Unit of length of the world: "m", "cm", "mm" or "um". Required: nothing guesses it.
    up
        Axis of the world that points up ("x" ... "-z"), with the floor through the origin, or
        None where unknown.
    provenance
        Where the rig came from: plain JSON values.

    Raises
    ------
    InputError
        No cameras, a missing or unknown unit, an unknown up axis.
    """

    cameras: Mapping[str, Camera]
    units: str
    up: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.cameras:
            raise InputError("a rig needs at least one camera")
        if self.units not in UNITS_IN_M:
            given = "no units" if not self.units else f"units {self.units!r}"
            raise InputError(f"the rig has {given}; state one of {UNIT_NAMES}")
        if self.up is not None and self.up not in UP_AXES:
            raise InputError(f"up must be one of {', '.join(UP_AXES)}, got {self.up!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """Camera names in rig order: the order of the first axis of every (C, ...) array."""
        return tuple(self.cameras)

    @property
    def is_moving(self) -> bool:
        """Whether any camera has one pose per frame."""
        return any(camera.is_moving for camera in self.cameras.values())

    def __getitem__(self, name: str) -> Camera:
        """Return one camera; an unknown name raises InputError with the names there are."""
        if name not in self.cameras:
            raise InputError(f"no camera {name!r} in the rig; it has {', '.join(self.names)}")
        return self.cameras[name]

    def __len__(self) -> int:
        """Return the number of cameras."""
        return len(self.cameras)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the camera names."""
        return iter(self.cameras)

    def fundamental(self, a: str, b: str) -> Tensor:
        """Return F (3, 3) with ``x_b^T F x_a = 0``; see `geometry.fundamental_matrix`."""
        return fundamental_matrix(self[a], self[b])

    def subset(self, names: Iterable[str]) -> "Rig":
        """Return the rig with these cameras only, in this order."""
        return replace(self, cameras={name: self[name] for name in names})

    def renamed(self, cameras: Mapping[str, str]) -> "Rig":
        """Return the same rig with cameras renamed; names not in the mapping stay."""
        return replace(self, cameras={cameras.get(n, n): c for n, c in self.cameras.items()})

    def without(self, *names: str) -> "Rig":
        """Return the rig with these cameras left out."""
        for name in names:
            self[name]
        return self.subset(name for name in self.names if name not in names)

    def at(self, frames: Any) -> "Rig":
        """Return the rig with every camera's pose(s) at the given frame numbers (`Camera.at`).

        A rig of fixed cameras returns itself.
        """
        if not self.is_moving:
            return self
        return replace(self, cameras={name: c.at(frames) for name, c in self.cameras.items()})

    def still(self) -> "Rig":
        """Return the rig with every moving camera at the first of its own frames."""
        cameras = {
            name: c if c.frames is None else c.at(int(c.frames[0]))
            for name, c in self.cameras.items()
        }
        return replace(self, cameras=cameras)

    def in_units(self, units: str) -> "Rig":
        """Return the same rig measured in another unit; projections do not change."""
        if units not in UNITS_IN_M:
            raise InputError(f"unknown unit {units!r}; use one of {UNIT_NAMES}")
        factor = UNITS_IN_M[self.units] / UNITS_IN_M[units]
        cameras = {
            name: c.with_pose(c.cam_from_world.scaled(factor)) for name, c in self.cameras.items()
        }
        return replace(self, cameras=cameras, units=units)

    @property
    def up_vector(self) -> Tensor | None:
        """Unit vector that points up in the world (3,), or None where the rig does not say."""
        return None if self.up is None else torch.tensor(UP_AXES[self.up], dtype=torch.float64)

    def fingerprint(self) -> str:
        """Return a hash (16 hex digits) of everything geometric: names, numbers, units, up."""
        content = {
            "units": self.units,
            "up": self.up,
            "cameras": {name: _camera_numbers(c) for name, c in sorted(self.cameras.items())},
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _camera_numbers(camera: Camera) -> dict[str, Any]:
    return {
        "size": camera.size,
        "lens": camera.lens.name,
        "K": camera.K.tolist(),
        "distortion": camera.lens.coefficients.tolist(),
        "R": camera.cam_from_world.R.tolist(),
        "t": camera.cam_from_world.t.tolist(),
        "frames": None if camera.frames is None else camera.frames.tolist(),
    }
