"""Triangulate a block of a recording: `Keypoints2D` in, `Keypoints3D` out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D, Keypoints3D
from mvboot.rig import Rig
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.points import triangulate_points
from mvboot.triangulation.result import TriangulationResult

KeypointGroups = Mapping[str, Sequence[str]]
"""Names of keypoints that are judged together, by the name of the group."""


def triangulate_keypoints(
    rig: Rig,
    keypoints: Keypoints2D,
    options: TriangulationOptions | None = None,
    groups: KeypointGroups | None = None,
    noise_px: NDArray[np.float64] | None = None,
    fps: float | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Keypoints3D:
    """Return the 3D keypoints of a whole recording, or of one block of its frames.

    Parameters
    ----------
    rig
        Cameras with the names of the keypoints' cameras; per-frame poses are looked up by frame.
    keypoints
        Detections; a long recording is solved block by block (`Keypoints2D.chunks`) in the memory
        of one block.
    options
        See `TriangulationOptions`.
    groups
        Keypoints of one individual and frame that are judged together.
    noise_px
        Noise of each keypoint (K,) in px behind the covariance; None: that of the options, or
        estimated from these detections. Detections that state their covariance need none: its
        scale comes from the residuals.
    fps, provenance
        Handed through.
    """
    result = solve_chunk(rig, keypoints, options, groups)
    return keypoints_3d(rig, keypoints, result, noise_px, fps, provenance or {})


def solve_chunk(
    rig: Rig,
    keypoints: Keypoints2D,
    options: TriangulationOptions | None = None,
    groups: KeypointGroups | None = None,
) -> TriangulationResult:
    """Triangulate one block; points are in (frame, individual, keypoint) order."""
    ordered = keypoints.for_cameras(rig.names)
    return triangulate_points(
        rig_of_points(rig, ordered),
        ordered.xy.reshape(len(rig), -1, 2),
        ordered.confidence.reshape(len(rig), -1),
        options,
        group_labels(ordered, groups),
        None if ordered.covariance is None else ordered.covariance.reshape(len(rig), -1, 2, 2),
    )


def rig_of_points(rig: Rig, keypoints: Keypoints2D) -> Rig:
    """Return the rig with the pose of each point's frame; InputError where a frame has none."""
    if not rig.is_moving:
        return rig
    _, _, individuals, names = keypoints.shape
    try:
        return rig.at(np.repeat(keypoints.frames, individuals * names))
    except ValueError as error:
        raise InputError(str(error)) from error


def group_labels(keypoints: Keypoints2D, groups: KeypointGroups | None) -> NDArray[np.int64] | None:
    """Return a label for each point, equal within a group of one individual and frame.

    InputError for a keypoint that does not exist or stands in two groups.
    """
    if not groups:
        return None
    _, frames, individuals, names = keypoints.shape
    label = np.arange(names)
    owner: dict[str, str] = {}
    for group, members in groups.items():
        for name in members:
            if name not in keypoints.keypoints:
                raise InputError(
                    f"group {group!r} names the keypoint {name!r}; "
                    f"there are {', '.join(keypoints.keypoints)}"
                )
            if name in owner:
                raise InputError(
                    f"keypoint {name!r} is in the groups {owner[name]!r} and {group!r}"
                )
            owner[name] = group
            label[keypoints.keypoints.index(name)] = keypoints.keypoints.index(members[0])
    bodies = np.arange(frames * individuals)[:, None] * names
    return (bodies + label).reshape(-1)


def keypoints_3d(
    rig: Rig,
    keypoints: Keypoints2D,
    result: TriangulationResult,
    noise_px: NDArray[np.float64] | None,
    fps: float | None,
    provenance: Mapping[str, Any],
) -> Keypoints3D:
    """Put the points of one block back on their axes."""
    shape = keypoints.shape[1:]
    covariance = result.covariance.reshape(*shape, 3, 3)
    if noise_px is not None and keypoints.covariance is None:
        covariance = covariance * (noise_px / result.noise_px)[:, None, None] ** 2
    return Keypoints3D(
        frames=keypoints.frames,
        individuals=keypoints.individuals,
        keypoints=keypoints.keypoints,
        units=rig.units,
        xyz=result.points.reshape(*shape, 3),
        error_px=result.error_px.reshape(shape),
        residual=result.residual.reshape(shape),
        score=result.score.reshape(shape),
        covariance=covariance,
        inliers=result.inliers.reshape(len(rig), *shape),
        reason=result.reason.reshape(shape),
        cameras=rig.names,
        fps=fps,
        up=rig.up,
        provenance=provenance,
    )
