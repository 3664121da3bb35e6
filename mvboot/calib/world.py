"""The world of a rig: where its origin is, which way is up and how long a length is.

A `WorldFrame` carries the present world into a new one. It comes from a board that lies in the
scene, from named keypoints, from measured points or from a camera; `moved` applies it to a rig and
records it. Lengths stay in the rig's unit throughout (`Rig.in_units` changes that).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.calib.axes import axes_along, axes_off, floor_plane, on_a_line, up_axis
from mvboot.calib.landmarks import LandmarkSpec
from mvboot.errors import InputError
from mvboot.geometry import Pose
from mvboot.geometry.arrays import like, to_tensor
from mvboot.rig import UNITS_IN_M, Rig

Floats = NDArray[np.float64]

TOLERANCE = 0.02
"""Largest residual of measured points over their extent before they are refused."""


@dataclass(frozen=True)
class WorldFrame:
    """A similarity from a rig's present world to a new one: ``x_new = R (scale x_old) + t``.

    Parameters
    ----------
    new_from_old
        R and t, t in the rig's units.
    scale
        Lengths in the new world over those in the old one, both in the rig's units.
    up
        Axis of the new world that points up ("x" ... "-z"), None where unknown.
    description
        How it was found, with its residuals: plain JSON values.

    Raises
    ------
    InputError
        A scale that is not positive and finite, an unknown up axis.
    """

    new_from_old: Pose
    scale: float = 1.0
    up: str | None = None
    description: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.scale) and self.scale > 0):
            raise InputError(f"the world would be scaled by {self.scale:g}; no length may vanish")
        if self.up is not None:
            up_axis(self.up)

    @property
    def rotation_deg(self) -> float:
        """Angle between the axes of the two worlds in degrees."""
        return float(np.degrees(float(self.new_from_old.rotvec.norm())))

    def apply(self, points: Any) -> Any:
        """Carry points (..., 3) of the old world to the new one; NumPy in, NumPy out."""
        x_in_old = to_tensor(points)
        return like(points, self.new_from_old.to(x_in_old).apply(self.scale * x_in_old))

    def described(self, **facts: Any) -> "WorldFrame":
        """Return the frame with more facts about where it came from (plain JSON values)."""
        return replace(self, description={**self.description, **facts})

    def as_dict(self) -> dict[str, Any]:
        """Return the description and the numbers as plain values for JSON."""
        return {
            **self.description,
            "scale": self.scale,
            "rotation_deg": self.rotation_deg,
            "rotation": self.new_from_old.R.tolist(),
            "translation": self.new_from_old.t.tolist(),
            "up": self.up,
        }


def moved(rig: Rig, frame: WorldFrame) -> Rig:
    """Return the rig in the new world; what the cameras see does not change.

    Every pose is carried over, of moving cameras too. ``provenance["world"]`` tells the change,
    with the hash of the rig it was applied to and under "before" the changes made earlier.
    """
    old_from_new = frame.new_from_old.inverse()
    cameras = {
        name: camera.with_pose(camera.cam_from_world.scaled(frame.scale) @ old_from_new)
        for name, camera in rig.cameras.items()
    }
    record = {**frame.as_dict(), "rig_hash": rig.fingerprint()}
    if "world" in rig.provenance:
        record["before"] = rig.provenance["world"]
    provenance = {**rig.provenance, "world": record}
    return replace(rig, cameras=cameras, up=frame.up, provenance=provenance)


def identity(up: str | None = None) -> WorldFrame:
    """Return the frame that leaves the world where it is; ``up`` becomes the rig's."""
    return WorldFrame(Pose.identity(), up=up, description={"what": "identity"})


def from_camera(rig: Rig, name: str) -> WorldFrame:
    """Return the frame of a camera: x right, y down, z forward, its centre the origin; up unknown.

    A moving camera counts at its first frame, which the description names. InputError for an
    unknown camera.
    """
    camera = rig[name]
    facts = {"what": "camera", "camera": name}
    pose = rig.still()[name].cam_from_world
    frame = WorldFrame(pose, description=facts)
    return frame if camera.frames is None else frame.described(frame=int(camera.frames[0]))


def from_board(world_from_board: Pose, up: str | None = "z") -> WorldFrame:
    """Return the frame of a board that lies face up on the floor (frame of `boards`).

    The origin is the print's upper left corner. With ``up`` z: x runs right along the print, y up
    the print and z out of the paper. With another axis up, x (y where x is up) runs right along
    the print and the third follows by the right hand. None: as z, but up stays unknown, for a
    board that does not lie level. The scale does not change: a board already gave it.
    """
    right, _, into_paper = world_from_board.R.mT.numpy()
    side = "y" if up in ("x", "-x") else "x"
    axes = axes_along({side: right}, -into_paper, up or "z")
    origin = world_from_board.t.numpy()
    return _frame(axes, origin, 1.0, up, {"what": "board"})


def from_landmarks(
    rig: Rig, points: Mapping[str, Any], spec: LandmarkSpec, up: str = "z"
) -> WorldFrame:
    """Return the frame that named points of the scene define.

    Up is exact; x, y or z is the direction of its pair, projected into the floor. With ``floor``
    the up side is the one where most cameras are (moving ones at their first frame), and the
    origin is dropped onto the fitted plane. ``length`` sets the scale.

    Parameters
    ----------
    rig
        The rig in whose world the points are.
    points
        Name to position (3,), in the rig's units; unused names do not matter.
    spec
        Which points mean what; see `LandmarkSpec`.
    up
        Axis of the new world that is to point up.

    Raises
    ------
    InputError
        Unknown or missing (NaN) points, points that coincide or lie on one line, axes that would
        make a left-handed world, as many cameras above the floor as below it.
    """
    facts: dict[str, Any] = {
        "what": "landmarks",
        "spec": spec.model_dump(by_alias=True, exclude_defaults=True),
    }
    origin = _positions(points, spec.origin, "origin").mean(0)
    if spec.up is not None:
        upward = _direction(points, spec.up, "up")
    else:
        floor = _positions(points, spec.floor, "floor")
        centers = [camera.center.numpy() for camera in rig.still().cameras.values()]
        middle, upward = floor_plane(floor, np.stack(centers))
        origin = origin - ((origin - middle) @ upward) * upward
        heights = ((floor - middle) @ upward).tolist()
        facts["floor_residuals"] = dict(zip(spec.floor, heights, strict=True))
    pairs = {axis: getattr(spec, axis) for axis in "xyz" if getattr(spec, axis) is not None}
    directions = {axis: _direction(points, pair, axis) for axis, pair in pairs.items()}
    axes = axes_along(directions, upward, up)
    facts["axes_off_deg"] = axes_off(axes, directions)
    scale = 1.0
    if spec.length is not None:
        a, b = _positions(points, spec.length.between, "length")
        was = float(np.linalg.norm(b - a))
        wanted = spec.length.in_m / UNITS_IN_M[rig.units]
        scale = _ratio(wanted, was, spec.length.between)
        facts["length"] = {"between": spec.length.between, "was": was, "is": wanted}
    return _frame(axes, origin, scale, up, facts)


def from_measured(
    rig: Rig,
    points: Mapping[str, Any],
    truth: Mapping[str, Any],
    units: str,
    max_error: float | None = None,
    fix_scale: bool = False,
    up: str | None = None,
) -> WorldFrame:
    """Return the frame in which points have the coordinates that were measured, by least squares.

    Parameters
    ----------
    rig
        The rig in whose world the points are.
    points
        Name to position (3,) in the rig's world and units.
    truth
        Name to measured position (3,) in ``units``; three or more, not on one line.
    units
        Unit of the measurements: "m", "cm", "mm" or "um".
    max_error
        Largest residual accepted, in ``units``; None: `TOLERANCE` of the largest distance
        between two of the points.
    fix_scale
        Whether to keep the rig's lengths and only turn and shift.
    up
        Axis of the measured coordinates that points up, None where unknown.

    Raises
    ------
    InputError
        Unknown or missing points, fewer than three or all on a line, mirrored coordinates, a
        residual above ``max_error`` (it says which point is wrong, where one is).

    Notes
    -----
    S. Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", PAMI 13(4), 1991.
    """
    if units not in UNITS_IN_M:
        raise InputError(f"units must be one of {', '.join(UNITS_IN_M)}, got {units!r}")
    names = list(truth)
    if len(names) < 3:
        raise InputError(f"a world needs three measured points or more, there are {len(names)}")
    factor = UNITS_IN_M[units] / UNITS_IN_M[rig.units]
    here = _positions(points, names, "measured points")
    there = factor * _positions(truth, names, "measured coordinates")
    _require_plane(here, names)
    _require_plane(there, names)
    limit = factor * max_error if max_error is not None else TOLERANCE * _extent(there)
    frame = replace(_similarity(here, there, fix_scale), up=up)
    residual = _residuals(here, there, fix_scale)
    if not residual.max() <= limit:
        reason = _misfit(names, here, there, limit, fix_scale)
        size = f"up to {residual.max() / factor:.3g} {units}, allowed are {limit / factor:.3g}"
        raise InputError(f"the measured coordinates do not fit ({size} {units}): {reason}")
    return frame.described(
        what="measured points",
        units=units,
        residuals=dict(zip(names, (residual / factor).tolist(), strict=True)),
        max_error=limit / factor,
    )


def _similarity(here: Floats, there: Floats, fix_scale: bool) -> WorldFrame:
    import roma  # loads torch's compiler

    x, y = torch.from_numpy(here), torch.from_numpy(there)
    R, t, s = roma.rigid_points_registration(x, y, compute_scaling=True)
    scale = 1.0 if fix_scale else float(s)
    t = y.mean(0) - scale * (R @ x.mean(0))  # the best rotation does not depend on the scale
    facts = {"fixed_scale": fix_scale, "measured_scale": float(s)}
    return WorldFrame(Pose.from_rotation(R, t), scale, description=facts)


def _misfit(names: list[str], here: Floats, there: Floats, limit: float, fix_scale: bool) -> str:
    """Say why measured points do not fit: mirrored, resized, one wrong point, or the worst."""
    if _residuals(here, -there, fix_scale).max() <= limit:
        return "they are mirrored; change the sign of one so that X, Y, Z are right-handed"
    if fix_scale and _residuals(here, there, False).max() <= limit:
        ratio = _similarity(here, there, False).scale
        return f"they are {ratio:.4g} times the rig's lengths; leave --fix-scale out"
    remedy = "measure and click again, or allow more (max_error, --max-error)"
    worst = int(_residuals(here, there, fix_scale).argmax())
    said = f"point {names[worst]!r} is off most"
    if len(names) > 3:  # one wrong point drags the others along and may not be off most itself
        rest = [_rest(here, there, i, fix_scale) for i in range(len(names))]
        if min(rest) <= limit:
            said = f"without point {names[int(np.argmin(rest))]!r} the others do"
    return f"{said}; {remedy}"


def _rest(here: Floats, there: Floats, left_out: int, fix_scale: bool) -> float:
    """Return the largest residual without one point; infinite where the others are on a line."""
    here, there = np.delete(here, left_out, 0), np.delete(there, left_out, 0)
    if on_a_line(here) or on_a_line(there):
        return np.inf
    return float(_residuals(here, there, fix_scale).max())


def _residuals(here: Floats, there: Floats, fix_scale: bool) -> Floats:
    moved_here = _similarity(here, there, fix_scale).apply(here)
    return np.asarray(np.linalg.norm(moved_here - there, axis=1))


def _frame(
    axes: Floats, origin: Floats, scale: float, up: str | None, facts: dict[str, Any]
) -> WorldFrame:
    """Return the frame with these axes (rows) and this origin, all in the old world."""
    return WorldFrame(Pose.from_rotation(axes, -scale * (axes @ origin)), scale, up, facts)


def _direction(points: Mapping[str, Any], pair: list[str], key: str) -> Floats:
    a, b = _positions(points, pair, key)
    if not np.linalg.norm(b - a) > 0:
        raise InputError(f"{key}: {pair[0]!r} and {pair[1]!r} are at the same place")
    return np.asarray(b - a)


def _positions(points: Mapping[str, Any], names: Iterable[str], key: str) -> Floats:
    """Return the named points as (n, 3); InputError for unknown ones and those without a place."""
    found = []
    for name in names:
        if name not in points:
            raise InputError(f"{key}: no point {name!r}; there are {', '.join(points)}")
        place = np.asarray(points[name], dtype=np.float64)
        if place.shape != (3,) or not np.isfinite(place).all():
            raise InputError(f"{key}: point {name!r} is missing: it has no position (x, y, z)")
        found.append(place)
    return np.stack(found)


def _ratio(wanted: float, was: float, pair: list[str]) -> float:
    ratio = wanted / was if was > 0 else np.inf
    if not (np.isfinite(ratio) and ratio > 0):
        raise InputError(
            f"length: {pair[0]!r} and {pair[1]!r} are {was:g} apart, so nothing follows about "
            f"the scale from a true length of {wanted:g}"
        )
    return ratio


def _require_plane(points: Floats, names: list[str]) -> None:
    if on_a_line(points):
        raise InputError(
            f"the measured points {', '.join(names)} lie on one line; add one beside it"
        )


def _extent(points: Floats) -> float:
    return float(np.linalg.norm(points[:, None] - points[None], axis=-1).max())
