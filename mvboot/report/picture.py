"""A picture of a rig and what it triangulated, for a first look at a result."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mvboot.calib.views import Views, picture_rays
from mvboot.files import atomic_file
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints3D
from mvboot.rig import Rig

Floats = NDArray[np.float64]

SHOWN_POSES = 6
LABELLED_CAMERAS = 24
CAMERA_COLOR, TRACK_COLOR = "#44546a", "#9db4d0"
CORNERS = (0, 6, 48, 42, 0)
"""Positions of the picture's corners among the rays of `picture_rays`."""


def draw_scene(
    rig: Rig,
    keypoints: Keypoints3D,
    path: str | Path,
    edges: Sequence[tuple[str, str]] = (),
) -> None:
    """Draw cameras and keypoints in 3D and from above into a PNG of 1600 x 800 px.

    Bones (``edges``) are drawn at a few frames, the path of every individual as a thin line.
    Where the rig's up axis is unknown, +z is drawn upwards.
    """
    figure = Figure(figsize=(16, 8), dpi=100)
    figure.subplots_adjust(left=0.01, right=0.98, bottom=0.13, top=0.88, wspace=0.18)
    FigureCanvasAgg(figure)
    turn = _upright(rig)
    views = Views(rig.still())
    middle = turn @ views.centers.mean(0)
    reach = 0.16 * _reach(views, keypoints)
    space: Any = figure.add_subplot(1, 2, 1, projection="3d")
    plane = figure.add_subplot(1, 2, 2)
    for name, camera in views.rig.cameras.items():
        _draw_camera(space, plane, camera, turn, reach)
        if len(rig) <= LABELLED_CAMERAS:
            _label_camera(space, plane, name, turn @ camera.center.numpy(), middle)
    _draw_subject(space, plane, keypoints, edges, turn)
    _dress(space, plane, rig, turn)
    figure.legend(
        *plane.get_legend_handles_labels(), loc="lower center", ncols=SHOWN_POSES + 1, markerscale=2
    )
    figure.suptitle(_title(rig, keypoints), fontsize=14)
    with atomic_file(path) as partial:
        figure.savefig(partial, format="png")


def _title(rig: Rig, keypoints: Keypoints3D) -> str:
    counts = (
        (len(rig), "camera"),
        (len(keypoints.frames), "frame"),
        (len(keypoints.keypoints), "keypoint"),
    )
    title = ", ".join(f"{n} {noun}{'' if n == 1 else 's'}" for n, noun in counts)
    if not keypoints.accepted.any():
        return f"{title}: no point accepted"
    error = float(np.median(keypoints.error_px[keypoints.accepted]))
    return (
        f"{title}: {100 * keypoints.accepted.mean():.1f} % of the points accepted, "
        f"median reprojection error {error:.2f} px"
    )


def _upright(rig: Rig) -> Floats:
    """Return the rotation (3, 3) that carries the rig's up axis to +z."""
    if rig.up_vector is None:
        return np.eye(3)
    up = rig.up_vector.numpy()
    side = np.roll(np.abs(up), 1)
    return np.stack([side, np.cross(up, side), up])


def _reach(views: Views, keypoints: Keypoints3D) -> float:
    points = keypoints.xyz[keypoints.accepted]
    middle = np.median(points, axis=0) if len(points) else views.centers.mean(0)
    return float(np.median(np.linalg.norm(views.centers - middle, axis=1))) or 1.0


def _draw_camera(space: Any, plane: Any, camera: Camera, turn: Floats, reach: float) -> None:
    rays = picture_rays(camera)
    rays = rays / np.maximum(np.abs(rays[:, 2:]), 0.2)
    apex = turn @ camera.center.numpy()
    if len(rays) == 49:
        corners = rays[list(CORNERS)] @ camera.cam_from_world.R.numpy()
        ring = apex + reach * corners @ turn.T
        space.plot(*ring.T, color=CAMERA_COLOR, lw=1)
        plane.plot(*ring[:, :2].T, color=CAMERA_COLOR, lw=1)
        for corner in ring[:4]:
            space.plot(*np.stack([apex, corner]).T, color=CAMERA_COLOR, lw=0.8)
            plane.plot(*np.stack([apex, corner])[:, :2].T, color=CAMERA_COLOR, lw=0.8)
    space.scatter(*apex, color=CAMERA_COLOR, s=12)
    plane.scatter(*apex[:2], color=CAMERA_COLOR, s=16)


def _label_camera(space: Any, plane: Any, name: str, apex: Floats, middle: Floats) -> None:
    """Write the name beside the camera, on the side that looks away from the others."""
    space.text(*apex, f" {name}", fontsize=9)
    away = (apex - middle)[:2]
    length = float(np.linalg.norm(away))
    x, y = away / length if length > 0 else (1.0, 0.0)
    side = "center" if abs(x) < 0.4 else ("left" if x > 0 else "right")
    plane.annotate(
        name,
        apex[:2],
        xytext=(8 * x, 12 * y),
        textcoords="offset points",
        ha=side,
        va="center",
        fontsize=9,
    )


def _draw_subject(
    space: Any, plane: Any, keypoints: Keypoints3D, edges: Sequence[tuple[str, str]], turn: Floats
) -> None:
    xyz = keypoints.xyz @ turn.T
    usable = np.flatnonzero(keypoints.accepted.any(axis=(1, 2)))
    poses = min(SHOWN_POSES, len(usable))
    shown = usable[np.linspace(0, len(usable) - 1, poses).astype(int)]
    bones = [
        [keypoints.keypoints.index(name) for name in edge]
        for edge in edges
        if set(edge) <= set(keypoints.keypoints)
    ]
    for i in range(xyz.shape[1]):
        track = _running_middle(xyz[:, i])
        space.plot(*track.T, color=TRACK_COLOR, lw=1)
        path = "path of the middle of the keypoints" if i == 0 else None
        plane.plot(*track[:, :2].T, color=TRACK_COLOR, lw=1, label=path)
        for step, f in enumerate(shown):
            color = colormaps["plasma"](0.85 * step / max(1, len(shown) - 1))
            pose = xyz[f, i]
            for bone in bones:
                space.plot(*pose[bone].T, color=color, lw=1.6)
                plane.plot(*pose[bone][:, :2].T, color=color, lw=1.2)
            label = f"frame {int(keypoints.frames[f])}" if i == 0 else None
            space.scatter(*pose.T, color=[color], s=8)
            plane.scatter(*pose[:, :2].T, color=[color], s=8, label=label)


def _running_middle(xyz: Floats) -> Floats:
    """Return the middle of the accepted keypoints of each frame (F, 3); NaN where there is none."""
    present = ~np.isnan(xyz[..., :1])
    count = present.sum(1)
    return np.where(count > 0, np.where(present, xyz, 0.0).sum(1) / np.maximum(count, 1), np.nan)


def _axis(row: Floats, units: str) -> str:
    """Say which axis of the world a row of the turning rotation is: ``-y, mm``."""
    i = int(np.abs(row).argmax())
    return f"{'-' if row[i] < 0 else ''}{'xyz'[i]}, {units}"


def _dress(space: Any, plane: Any, rig: Rig, turn: Floats) -> None:
    space.set_title("cameras and keypoints", fontsize=11)
    plane.set_title("from above" if rig.up else "along the world's z axis", fontsize=11)
    for axes in (space, plane):
        axes.set_xlabel(_axis(turn[0], rig.units))
        axes.set_ylabel(_axis(turn[1], rig.units))
    space.set_zlabel(_axis(turn[2], rig.units) + (" (up)" if rig.up else ""))
    limits = (space.get_xlim(), space.get_ylim(), space.get_zlim())
    space.set_box_aspect([high - low for low, high in limits], zoom=1.08)  # equal axes
    space.locator_params(nbins=5)
    space.view_init(elev=32, azim=-55)
    plane.margins(0.14)
    plane.set_aspect("equal")
    plane.grid(color="0.9")
    plane.set_axisbelow(True)
