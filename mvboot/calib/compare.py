"""Two calibrations of the same cameras: how far apart, as given and with the worlds aligned."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mvboot.calib.views import Views
from mvboot.errors import InputError
from mvboot.geometry import Camera, Pose, pixel_gap, rotation_angle
from mvboot.rig import Rig

DEPTHS = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class CameraDifference:
    """How one camera differs between two rigs.

    Parameters
    ----------
    rotation_deg, center
        Angle between the orientations, distance between the centres in the first rig's units.
    focal_ratio
        Second focal length over the first.
    principal_point_px
        Shift of the principal point.
    gap_px
        Largest gap in px between the projections of points in the first camera's view.
    """

    rotation_deg: float
    center: float
    focal_ratio: float
    principal_point_px: float
    gap_px: float


@dataclass(frozen=True)
class RigComparison:
    """Differences by camera, as given and after the best alignment of the two worlds.

    Parameters
    ----------
    units
        Units of the first rig.
    as_given, aligned
        One `CameraDifference` per camera.
    scale
        Size of the second world over the first that the alignment found.
    """

    units: str
    as_given: dict[str, CameraDifference]
    aligned: dict[str, CameraDifference]
    scale: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "units": self.units,
            "scale": self.scale,
            "as_given": {name: vars(d) for name, d in self.as_given.items()},
            "aligned": {name: vars(d) for name, d in self.aligned.items()},
        }


def compare_rigs(a: Rig, b: Rig) -> RigComparison:
    """Compare two rigs of the same camera names; units are converted to those of ``a``.

    InputError where the names differ. Moving cameras are compared at their first frame.
    """
    if set(a.names) != set(b.names):
        raise InputError(
            f"the rigs have different cameras: {', '.join(a.names)} and {', '.join(b.names)}"
        )
    first, second = a.still(), b.in_units(a.units).subset(a.names).still()
    scale, moved = aligned(first, second)
    return RigComparison(a.units, _differences(first, second), _differences(first, moved), scale)


def aligned(a: Rig, b: Rig) -> tuple[float, Rig]:
    """Return the scale of b's world over a's, and b moved into a's world.

    Rotation: the mean of the cameras' relative rotations; scale and shift: least squares on the
    centres (Umeyama 1991 with the rotation known). Works for two cameras too.
    """
    import roma  # loads torch's compiler

    R_a = torch.stack([a[name].cam_from_world.R for name in a.names])
    R_b = torch.stack([b[name].cam_from_world.R for name in a.names])
    rotation: Tensor = roma.special_procrustes((R_a.mT @ R_b).sum(0))  # a_from_b
    centers_a = torch.stack([a[name].center for name in a.names])
    centers_b = torch.stack([b[name].center for name in a.names]) @ rotation.mT
    spread_a, spread_b = centers_a - centers_a.mean(0), centers_b - centers_b.mean(0)
    together = float((spread_b**2).sum())
    inverse_scale = float((spread_a * spread_b).sum()) / together if together > 0 else 1.0
    shift = centers_a.mean(0) - inverse_scale * centers_b.mean(0)
    cameras = {}
    for name in a.names:
        R = b[name].cam_from_world.R @ rotation.mT
        center = inverse_scale * (rotation @ b[name].center) + shift
        cameras[name] = b[name].with_pose(Pose(R, -(R @ center)))
    scale = 1 / inverse_scale if inverse_scale else float("inf")
    return scale, Rig(cameras, a.units)


def _differences(a: Rig, b: Rig) -> dict[str, CameraDifference]:
    distance = _distance(a)
    return {name: _difference(a[name], b[name], distance) for name in a.names}


def _distance(rig: Rig) -> float:
    views = Views(rig)
    focus = views.focus()
    if focus is not None:
        return float(np.median(views.distances(focus)))
    return float(np.linalg.norm(views.centers - views.centers.mean(0), axis=1).max()) or 1.0


def _difference(a: Camera, b: Camera, distance: float) -> CameraDifference:
    turn = rotation_angle(a.cam_from_world.R, b.cam_from_world.R)
    return CameraDifference(
        rotation_deg=float(np.degrees(float(turn))),
        center=float((a.center - b.center).norm()),
        focal_ratio=float(b.K[0, 0] / a.K[0, 0]),
        principal_point_px=float((a.K[:2, 2] - b.K[:2, 2]).norm()),
        gap_px=pixel_gap(a, b, distance * np.array(DEPTHS)),
    )
