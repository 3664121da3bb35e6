"""Refine a rig from its subject: bundle adjustment on the detections themselves.

Tracks come from robust triangulation with the rig as it stands, which starts as lenient as that
rig is wrong; cameras and points are adjusted together, and the next round triangulates anew, as
strictly as the errors now allow. So triangulation tells what is wrong, and least squares, which
waste nothing, do the rest; only the first round, whose tracks are not clean yet, has a robust loss.
The result is laid over the old rig's world and judged on frames that took no part, by leaving each
camera out in turn. A rig that does not get better there is not worth having. Of landmarks that
stand still some landmarks judge, not frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.calib.bundle import GROUPS, INTRINSICS, Bundle, Held, Observations
from mvboot.calib.compare import CameraDifference, aligned, compare_rigs
from mvboot.calib.folding import adjust_unfolded, held_more, rayless_detections
from mvboot.calib.rounds import LOSS_SIGMAS, rms
from mvboot.calib.still import MIN_LANDMARKS, landmarks_as_frames
from mvboot.calib.tracks import detection_noise, require_tracks, tracks
from mvboot.calib.uncertainty import CameraCovariance, covariance
from mvboot.calib.views import Views
from mvboot.errors import InputError, NothingUsable
from mvboot.geometry import Pose
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.triangulation.evaluate import LeaveOneOut, leave_one_out, linear_error
from mvboot.triangulation.options import TriangulationOptions

Floats = NDArray[np.float64]

ROUNDS = 4
MAX_POINTS = 8_000
"""Points to adjust with; drawn at random from more."""

LENIENCE = 2.5
"""First threshold of triangulation, over the error of a plain one of all detections."""

THRESHOLD_SIGMAS = 6.0
"""Thresholds after the first, over the noise of the detections: wide enough to cut no tail."""

HELD_OUT = 0.25
JUDGED_POINTS = 20_000
"""Held-out points that judge; drawn at random from more."""

MIN_JUDGED = 10
"""Held-out errors of each camera."""

MIN_MOVEMENT = 3.0
"""How far the subject must move in the pictures, over the error of the adjustment."""

VIEWS = 3
"""Cameras that see a point which can say anything about them."""

MIN_FRAMES = 8
MAX_TURN_DEG = 10.0
BETTER = 0.9
"""Error on held-out frames, over that of the old rig. They follow the others and resemble them:
a few percent less there were a few percent more in later frames of a real recording."""


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
        old and the new rig: of the same detections, those that both could measure.
    bundle, observations
        Rig and points of the last adjustment, and the detections behind it. Its world is that of
        the adjustment.
    covariance
        By camera, against the first one; the size of the world is not part of it.
    change
        By camera, against the old rig.
    turns_deg
        By camera, how far it changed as an angle; see `RefineOptions.max_turn_deg`.
    thresholds_px
        Threshold of the triangulation in each round.
    held_out_frames
        Numbers of the frames that judged; none where it was still landmarks.
    judged_on
        What judged, in words.
    kept
        By camera, intrinsic parameters that were free but stayed, because the lens would have
        folded inside the picture.
    rayless
        By camera, how many detections have no ray with the old rig, and with the new one.
    movement_px
        How far keypoints were from their usual place in the pictures, in most frames.
    max_turn_deg
        As in the options.
    """

    rig: Rig
    before: LeaveOneOut
    after: LeaveOneOut
    bundle: Bundle
    observations: Observations
    covariance: Mapping[str, CameraCovariance]
    change: Mapping[str, CameraDifference]
    turns_deg: Mapping[str, float]
    thresholds_px: tuple[float, ...]
    held_out_frames: NDArray[np.int64]
    judged_on: str
    kept: Mapping[str, tuple[str, ...]]
    rayless: Mapping[str, tuple[int, int]]
    movement_px: float
    max_turn_deg: float

    @property
    def rms_px(self) -> float:
        """Root mean square of the last adjustment's residuals, in px per axis."""
        return rms(self.bundle.residuals(self.observations))

    def refusal(self) -> str | None:
        """Return why the old rig should stay, or None where the new one is better.

        A change beyond recognition is refused whatever the error says: held-out frames show the
        same flat, biased or mislabelled subject as the others, and cannot tell.
        """
        pairs = zip(self.before.errors_px, self.after.errors_px, strict=True)
        judged = {n: min(map(len, pair)) for n, pair in zip(self.rig.names, pairs, strict=True)}
        least = min(judged, key=lambda n: judged[n])
        if judged[least] < MIN_JUDGED:
            return (
                f"{self.judged_on} have only {judged[least]} points to judge camera {least} by, "
                f"fewer than {MIN_JUDGED}"
            )
        before, after = self.before.median, self.after.median
        if not after < BETTER * before:
            return (
                f"on {self.judged_on} the median error in a camera left out is {before:.3g} px "
                f"before and {after:.3g} px after, not a tenth less: these detections have nothing "
                "to add"
            )
        name = max(self.turns_deg, key=lambda n: self.turns_deg[n])
        if self.turns_deg[name] > self.max_turn_deg:
            return (
                f"camera {name} would change by {self.turns_deg[name]:.0f} degrees, more than "
                f"the {self.max_turn_deg:g} of --max-turn: either these detections do not "
                "determine the rig (a flat or small subject, or keypoints that mean another place "
                "in each view), or cameras are mixed up (see mvboot rig check --keypoints)"
            )
        if self.movement_px < MIN_MOVEMENT * self.rms_px:
            return (
                f"the subject hardly moves ({self.movement_px:.2g} px in the pictures): held-out "
                "frames show the same places again and cannot judge"
            )
        return None


def refine_rig(
    rig: Rig, keypoints: Keypoints2D, options: RefineOptions | None = None
) -> Refinement:
    """Refine a rig of three or more cameras by detections of its cameras, named as in the rig.

    InputError for a moving rig, fewer than three cameras, unknown names, nothing to change, or too
    few frames that three cameras see; NothingUsable where too few points can be triangulated.
    """
    options = options or RefineOptions()
    _check(rig, options)
    rng = np.random.default_rng(options.seed)
    every = keypoints.for_cameras(rig.names)
    still = landmarks_as_frames(every, options.seed)
    training, judging = _split(still or every, options.held_out)
    training = training.sample(MAX_POINTS, rng)
    held = Held({name: options.held.get(name, INTRINSICS) for name in rig.names}, motion=True)
    bundle, observations, free, thresholds = _fit(rig, training, held, options)
    refined = _laid_over(bundle.rig, rig, held).subset(rig.names)
    refined = replace(refined, up=rig.up, provenance=rig.provenance)
    change = compare_rigs(rig, refined).as_given
    distance = Views(rig).working_distance
    turns = {
        name: max(c.rotation_deg, float(np.degrees(np.arctan2(c.center, distance))))
        for name, c in change.items()
    }
    judges = judging.sample(JUDGED_POINTS, rng)
    before, after = (leave_one_out(r, judges, options.triangulation) for r in (rig, refined))
    lost = [rayless_detections(r, every) for r in (rig, refined)]
    return Refinement(
        refined,
        before.measured_by(after),
        after.measured_by(before),
        bundle,
        observations,
        covariance(bundle, observations, free),
        change,
        turns,
        thresholds,
        np.empty(0, np.int64) if still else judges.frames,
        f"{len(judges.frames)} held-out landmarks" if still else _frames_in_words(judges.frames),
        held_more(rig, held, free),
        {name: (lost[0][name], lost[1][name]) for name in rig.names},
        _movement(training),
        options.max_turn_deg,
    )


def _frames_in_words(frames: NDArray[np.int64]) -> str:
    return f"held-out frames {frames.min()} to {frames.max()}"


def _split(keypoints: Keypoints2D, held_out: float) -> tuple[Keypoints2D, Keypoints2D]:
    """Return the frames to refine with and those that judge, of all in which there is anything."""
    rows = np.flatnonzero((keypoints.present.sum(0) >= VIEWS).any(axis=(1, 2)))
    if len(rows) < MIN_FRAMES:
        raise InputError(
            f"in {len(rows)} frames a keypoint is seen by three cameras; refining needs "
            f"{MIN_FRAMES} such frames or more, or {MIN_LANDMARKS} landmarks that stand still"
        )
    seen = keypoints.at_rows(rows)
    first = max(1, len(rows) - max(1, round(held_out * len(rows))))
    return seen.slice_frames(slice(0, first)), seen.slice_frames(slice(first, None))


def _movement(keypoints: Keypoints2D) -> float:
    """Return the distance in px of detections from their keypoint's median place in the picture.

    The third quartile: a subject may rest half of the time.
    """
    tracks = np.moveaxis(keypoints.xy, 1, 0).reshape(len(keypoints.frames), -1, 2)
    tracks = tracks[:, ~np.isnan(tracks[..., 0]).all(0)]
    away = np.linalg.norm(tracks - np.nanmedian(tracks, axis=0), axis=-1)
    return float(np.nanpercentile(away, 75))


def _fit(
    rig: Rig, keypoints: Keypoints2D, held: Held, options: RefineOptions
) -> tuple[Bundle, Observations, Held, tuple[float, ...]]:
    """Return the adjusted bundle, what it was adjusted to, what was held, and the thresholds."""
    state, thresholds = _first_held(rig, held), [_first_threshold(rig, keypoints, options)]
    while True:
        start, seen = tracks(state, keypoints, thresholds[-1], options.triangulation)
        require_tracks(start, seen, thresholds[-1])
        free = replace(held, points=np.zeros(len(start.points), np.bool_))
        loss_px = LOSS_SIGMAS * detection_noise(start, seen) if len(thresholds) == 1 else None
        solved, free = adjust_unfolded(start, seen, free, rig.cameras, loss_px)
        if solved is None:
            raise NothingUsable(
                f"round {len(thresholds)} of the adjustment found no finite solution; check the "
                "rig (mvboot rig check --keypoints)"
            )
        if len(thresholds) == ROUNDS:
            finite = np.flatnonzero(np.isfinite(solved.residuals(seen)).all(1))
            return solved, seen.where(finite), free, tuple(thresholds)
        state = _laid_over(solved.rig, rig, held)
        noise = detection_noise(solved, seen)
        strict = max(options.triangulation.threshold_px, THRESHOLD_SIGMAS * noise)
        thresholds.append(min(thresholds[-1], strict))


def _first_held(rig: Rig, held: Held) -> Rig:
    """Return the rig with a camera whose pose stays in front: it anchors the adjustment."""
    return rig.subset(sorted(rig.names, key=lambda name: "pose" not in held.of(name)))


def _laid_over(rig: Rig, old: Rig, held: Held) -> Rig:
    """Return the rig in the old one's world and size, as far as held poses do not say where."""
    anchors = [name for name in rig.names if "pose" in held.of(name)]
    if not anchors:
        return replace(rig, cameras=aligned(old, rig)[1].subset(rig.names).cameras)
    return rig if len(anchors) > 1 else _resized(rig, old, anchors[0])


def _resized(rig: Rig, old: Rig, anchor: str) -> Rig:
    """Return the rig in the old one's size: least squares on the centres, seen from the anchor."""
    middle, others = rig[anchor].center, [name for name in rig.names if name != anchor]
    now = torch.stack([rig[name].center - middle for name in others])
    then = torch.stack([old[name].center - middle for name in others])
    size = (now * then).sum() / (now * now).sum()
    cameras = dict(rig.cameras)
    for name, arm in zip(others, now, strict=True):
        R = rig[name].cam_from_world.R
        cameras[name] = rig[name].with_pose(Pose(R, -(R @ (middle + size * arm))))
    return replace(rig, cameras=cameras)


def _first_threshold(rig: Rig, keypoints: Keypoints2D, options: RefineOptions) -> float:
    plain = linear_error(rig, keypoints)["median"]
    if plain is None:
        raise NothingUsable(
            "no point lies before the cameras that see it: check camera names and the rig "
            "(mvboot rig check --keypoints)"
        )
    return max(options.triangulation.threshold_px, LENIENCE * plain)


def _check(rig: Rig, options: RefineOptions) -> None:
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
    if all(set(GROUPS) <= options.held.get(name, INTRINSICS) for name in rig.names):
        raise InputError("everything is held; leave something free to refine")
