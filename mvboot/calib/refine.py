"""Refine a rig from its subject: bundle adjustment on the detections themselves.

Tracks come from robust triangulation with the rig as it stands, which starts as lenient as that
rig is wrong; cameras and points are adjusted together, and the next round triangulates anew. The
result is laid over the old rig's world and judged on frames that took no part, by leaving each
camera out in turn. A rig that does not get better there is not worth having.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.calib.bundle import INTRINSICS, Bundle, Held, Observations
from mvboot.calib.compare import CameraDifference, aligned, compare_rigs
from mvboot.calib.rounds import Adjusted, adjust_in_rounds
from mvboot.calib.uncertainty import CameraCovariance, covariance
from mvboot.calib.views import Views
from mvboot.errors import InputError, NothingUsable
from mvboot.geometry import Pose
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.triangulation.evaluate import LeaveOneOut, leave_one_out, linear_error
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.recording import solve_chunk

Floats = NDArray[np.float64]

ROUNDS = 4
MAX_POINTS = 8_000
"""Points to adjust with; drawn at random from more."""

MIN_POINTS = 30
LENIENCE = 2.5
"""First threshold of triangulation, over the error of a plain one of all detections."""

STRICTER = 0.8
HELD_OUT = 0.25
MIN_FRAMES = 8
MAX_TURN_DEG = 10.0
BETTER = 0.98
WEIGHTS = 4
"""A detection of confidence 1 counts four times, one of 0.25 or less once."""


@dataclass(frozen=True)
class RefineOptions:
    """What the user decides.

    Parameters
    ----------
    held
        By camera, what stays: names of `bundle.GROUPS` or single distortion terms. A camera that
        is not named keeps its intrinsics and gives its pose.
    triangulation
        Options of the triangulation that judges old and new rig.
    held_out
        Share of the frames, the last ones, that only judge.
    max_turn_deg
        Largest change of a camera that is believed: its turn, or the angle its shift makes at the
        distance of what the cameras look at.
    seed
        Seed of the choice of points.
    """

    held: Mapping[str, frozenset[str]] = field(default_factory=dict)
    triangulation: TriangulationOptions = field(default_factory=TriangulationOptions)
    held_out: float = HELD_OUT
    max_turn_deg: float = MAX_TURN_DEG
    seed: int = 0


@dataclass(frozen=True)
class Refinement:
    """A refined rig, the evidence for it, and the judgement.

    Parameters
    ----------
    rig
        The refined rig in the old rig's world.
    before, after
        Errors in each camera of points triangulated without it, on the held-out frames, with the
        old and the new rig.
    adjusted, observations
        The last adjustment.
    covariance
        By camera, against the first one; the size of the world is not part of it.
    change
        By camera, against the old rig.
    turns_deg
        By camera, how far it changed as an angle; see `RefineOptions.max_turn_deg`.
    thresholds_px
        Threshold of the triangulation in each round.
    held_out_frames
        Numbers of the frames that judged.
    """

    rig: Rig
    before: LeaveOneOut
    after: LeaveOneOut
    adjusted: Adjusted
    observations: Observations
    covariance: Mapping[str, CameraCovariance]
    change: Mapping[str, CameraDifference]
    turns_deg: Mapping[str, float]
    thresholds_px: tuple[float, ...]
    held_out_frames: NDArray[np.int64]

    def refusal(self, max_turn_deg: float = MAX_TURN_DEG) -> str | None:
        """Return why the old rig should stay, or None where the new one is better.

        A change beyond recognition is refused whatever the error says: held-out frames show the
        same flat, biased or mislabelled subject as the others, and cannot tell.
        """
        before, after = self.before.median, self.after.median
        if not (np.isfinite(before) and np.isfinite(after)):
            return "the held-out frames have too few points to judge by"
        if not after < BETTER * before:
            return (
                f"on {len(self.held_out_frames)} held-out frames the median error in a camera left "
                f"out is {before:.3g} px before and {after:.3g} px after: these detections have "
                "nothing to add"
            )
        name = max(self.turns_deg, key=lambda n: self.turns_deg[n])
        if self.turns_deg[name] > max_turn_deg:
            return (
                f"camera {name} would change by {self.turns_deg[name]:.0f} degrees, more than "
                f"the {max_turn_deg:g} of --max-turn: these detections do not determine the rig (a "
                "flat or small subject, or keypoints that mean another place in each view)"
            )
        return None


def refine_rig(
    rig: Rig, keypoints: Keypoints2D, options: RefineOptions | None = None
) -> Refinement:
    """Refine a rig of three or more cameras by detections of its cameras, named as in the rig.

    InputError for a moving rig, fewer than three cameras, unknown names, or too few frames;
    NothingUsable where too few points can be triangulated at all.
    """
    options = options or RefineOptions()
    _check(rig, keypoints, options)
    ordered = keypoints.for_cameras(rig.names)
    rows = np.arange(len(ordered.frames))
    split = len(rows) - max(1, round(options.held_out * len(rows)))
    training, judging = (
        ordered.slice_frames(slice(0, split)),
        ordered.slice_frames(slice(split, None)),
    )
    held = _held(rig, options)
    start = _first_held(rig, held)
    state, thresholds = start, []
    threshold = _first_threshold(rig, training, options)
    points = training.sample(MAX_POINTS, np.random.default_rng(options.seed))
    for _ in range(ROUNDS):
        thresholds.append(threshold)
        bundle, observations = _tracks(state, points.for_cameras(state.names), threshold, options)
        free = replace(held, points=np.zeros(len(bundle.points), np.bool_))
        adjusted = adjust_in_rounds(bundle, observations, free)
        state = _laid_over(adjusted.bundle.rig, start, held)
        threshold = max(options.triangulation.threshold_px, STRICTER * threshold)
    refined = replace(state.subset(rig.names), up=rig.up, provenance=rig.provenance)
    used = observations.where(adjusted.used)
    change = compare_rigs(rig, refined).as_given
    distance = Views(rig).working_distance
    turns = {
        name: max(c.rotation_deg, float(np.degrees(np.arctan2(c.center, distance))))
        for name, c in change.items()
    }
    return Refinement(
        refined,
        leave_one_out(rig, judging, options.triangulation),
        leave_one_out(refined, judging, options.triangulation),
        adjusted,
        observations,
        covariance(adjusted.bundle, used, free),
        change,
        turns,
        tuple(thresholds),
        judging.frames,
    )


def _tracks(
    rig: Rig, keypoints: Keypoints2D, threshold_px: float, options: RefineOptions
) -> tuple[Bundle, Observations]:
    """Return the accepted points as a bundle of one instant, seen by the views that agree."""
    lenient = replace(options.triangulation, threshold_px=threshold_px)
    result = solve_chunk(rig, keypoints, lenient, None)
    good = np.flatnonzero(np.asarray(result.accepted))
    if len(good) < MIN_POINTS:
        raise NothingUsable(
            f"only {len(good)} points agree within {threshold_px:.3g} px; too few to refine a rig "
            "from: check camera names and synchronisation (mvboot rig check --keypoints)"
        )
    pixels = keypoints.xy.reshape(len(rig), -1, 2)
    confidence = keypoints.confidence.reshape(len(rig), -1)
    camera, point = np.nonzero(np.asarray(result.inliers)[:, good])
    weight = np.clip(np.ceil(WEIGHTS * confidence[camera, good[point]]), 1, WEIGHTS)
    observations = Observations(
        camera,
        np.zeros_like(camera),
        point,
        pixels[camera, good[point]],
        weight.astype(np.int64),
    )
    still = Pose(torch.eye(3, dtype=torch.float64)[None], torch.zeros(1, 3, dtype=torch.float64))
    return Bundle(rig, still, np.asarray(result.points)[good]), observations


def _held(rig: Rig, options: RefineOptions) -> Held:
    cameras = {name: options.held.get(name, INTRINSICS) for name in rig.names}
    return Held(cameras, motion=True)


def _first_held(rig: Rig, held: Held) -> Rig:
    """Return the rig with a camera whose pose stays in front: it anchors the adjustment."""
    return rig.subset(sorted(rig.names, key=lambda name: "pose" not in held.of(name)))


def _laid_over(rig: Rig, old: Rig, held: Held) -> Rig:
    """Return the rig in the old one's world and size, unless held poses already say where."""
    anchors = [name for name in rig.names if "pose" in held.of(name)]
    if len(anchors) >= 2:
        return rig
    _, moved = aligned(old, rig)
    return replace(rig, cameras=moved.cameras)


def _first_threshold(rig: Rig, keypoints: Keypoints2D, options: RefineOptions) -> float:
    plain = linear_error(rig, keypoints)["median"]
    if plain is None:
        raise NothingUsable("no point was seen by two cameras in the frames to refine from")
    return max(options.triangulation.threshold_px, LENIENCE * plain)


def _check(rig: Rig, keypoints: Keypoints2D, options: RefineOptions) -> None:
    if rig.is_moving:
        raise InputError("a rig with one pose per frame cannot be refined")
    if len(rig) < 3:
        raise InputError(
            f"refining needs three cameras or more, the rig has {len(rig)}: with two, every error "
            "can be explained away"
        )
    unknown = sorted(set(options.held) - set(rig.names))
    if unknown:
        raise InputError(
            f"there is no camera {', '.join(unknown)}; there are {', '.join(rig.names)}"
        )
    if len(keypoints.frames) < MIN_FRAMES:
        raise InputError(
            f"there are {len(keypoints.frames)} frames; refining needs {MIN_FRAMES} or more"
        )
