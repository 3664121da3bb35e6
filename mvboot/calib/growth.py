"""A rig grown from landmarks, camera by camera: each is posed by the points that the others see.

It starts from a pair of cameras, or from points whose positions are known. pycolmap poses each
camera (three points, LO-RANSAC, refined); after each, all points are triangulated anew and cameras
and points adjusted together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pycolmap
from numpy.typing import NDArray

from mvboot.calib.bundle import INTRINSICS, Held, adjust
from mvboot.calib.rounds import LOSS_SIGMAS
from mvboot.calib.solver_cameras import pose_of
from mvboot.calib.tracks import detection_noise, tracks
from mvboot.calib.twoview import Pair, Sight
from mvboot.geometry import Camera, Pose
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.recording import solve_chunk

Floats = NDArray[np.float64]

MIN_KNOWN = 6
"""Points that pose a camera, and agree with the pose."""

MIN_SHARE = 0.3
"""Share of a camera's points that must agree with its pose."""


@dataclass(frozen=True)
class Growth:
    """Landmarks, and what is known of their cameras so far.

    Parameters
    ----------
    sights
        By camera, what it saw of the P landmarks.
    keypoints
        The same as detections.
    options
        Of the triangulation; two views are enough here.
    rig
        The cameras that have a pose; None before the first.
    points
        Where the landmarks are (P, 3), NaN where unknown.
    failed
        Cameras whose points agreed with no pose.
    """

    sights: Mapping[str, Sight]
    keypoints: Keypoints2D
    options: TriangulationOptions
    rig: Rig | None
    points: Floats
    failed: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """The cameras that have a pose."""
        return () if self.rig is None else self.rig.names

    def common(self, name: str) -> int:
        """Return how many landmarks a camera sees whose place is known."""
        return int(self._rows(name).sum())

    def grown(self) -> "Growth":
        """Return the rig with every camera that can be posed."""
        state = self
        while True:
            left = set(state.sights) - set(state.names) - state.failed
            name = max(sorted(left), key=state.common, default=None)
            if name is None or state.common(name) < MIN_KNOWN:
                return state
            state = state._with(name)

    def from_pair(self, pair: Pair) -> "Growth":
        """Return the start from two cameras, the first of which is the world."""
        assert pair.b_from_a is not None
        a, b = self.sights[pair.a].camera, self.sights[pair.b].camera
        rig = _rig({pair.a: a.with_pose(Pose.identity()), pair.b: b.with_pose(pair.b_from_a)})
        return replace(self, rig=rig)._settled()

    def from_points(self, known: Floats) -> "Growth":
        """Return the start of the cameras that see known positions (P, 3), NaN elsewhere."""
        state = replace(self, points=known)
        poses = {name: state._pose(name) for name in self.sights if state.common(name) >= MIN_KNOWN}
        cameras = {n: self.sights[n].camera.with_pose(p) for n, p in poses.items() if p}
        if len(cameras) < 2:
            return state
        return replace(state, rig=_rig(cameras))._settled()

    def _rows(self, name: str) -> NDArray[np.bool_]:
        return np.asarray(self.sights[name].seen & ~np.isnan(self.points[:, 0]))

    def _with(self, name: str) -> "Growth":
        pose = self._pose(name)
        if pose is None:
            return replace(self, failed=self.failed | {name})
        assert self.rig is not None
        cameras = {**self.rig.cameras, name: self.sights[name].camera.with_pose(pose)}
        # a camera that failed may succeed with the points of this one
        return replace(self, rig=_rig(cameras), failed=frozenset())._settled()

    def _pose(self, name: str) -> Pose | None:
        rows, sight = self._rows(name), self.sights[name]
        settings = pycolmap.AbsolutePoseEstimationOptions()
        settings.ransac.max_error = self.options.threshold_px
        settings.ransac.random_seed = self.options.seed
        found = pycolmap.estimate_and_refine_absolute_pose(
            sight.pixels[rows], self.points[rows], sight.colmap, settings
        )
        if found is None or found["num_inliers"] < max(MIN_KNOWN, MIN_SHARE * rows.sum()):
            return None
        return pose_of(found["cam_from_world"])

    def _settled(self) -> "Growth":
        """Return the state with cameras and points adjusted, and all points triangulated anew."""
        assert self.rig is not None
        options = replace(self.options, min_views=2)
        bundle, seen = tracks(self.rig, self.keypoints, options.threshold_px, options)
        solved = None
        if len(bundle.points) and len(np.unique(seen.camera)) == len(self.rig):
            held = Held(
                dict.fromkeys(self.rig.names, INTRINSICS),
                points=np.zeros(len(bundle.points), np.bool_),
                motion=True,
            )
            solved = adjust(bundle, seen, held, LOSS_SIGMAS * detection_noise(bundle, seen))
        rig = self.rig if solved is None else solved.rig
        points = np.asarray(solve_chunk(rig, self.keypoints, options).points)
        return replace(self, rig=rig, points=points)


def _rig(cameras: Mapping[str, Camera]) -> Rig:
    return Rig(cameras, "m")
