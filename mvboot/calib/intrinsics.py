"""One camera from pictures of a board: focal length, centre and the lens that predicts best.

Start: the focal length whose board poses (IPPE, Collins and Bartoli 2014) fit best, over a wide
range; then bundle adjustment of the one camera. The lens is the simplest one whose error on
pictures that were held out is within three percent of the best. A lens that folds inside the
picture is only taken where all others are clearly worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.calib.bundle import INTRINSICS, Bundle, Held, Observations, adjust
from mvboot.calib.rounds import Adjusted, adjust_in_rounds, rms
from mvboot.calib.shots import Shots
from mvboot.errors import InputError
from mvboot.geometry import Camera, Pose, rayless_share
from mvboot.rig import Rig

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MIN_POINTS = 6
"""Points of a board that a view must show to count."""

MIN_VIEWS = 3
FOLDS = 3
GOOD_ENOUGH = 1.03
WORSE = 1.1
"""Held-out error of lenses without a fold, over the best of all, up to which they are preferred:
a fold in the corners costs nothing where no board was seen, and everything to what goes there."""

TRIAL_VIEWS = 12
FOCAL_OVER_WIDTH = np.geomspace(0.3, 100.0, 18)
CLIP_SIGMAS = 5.0


@dataclass(frozen=True)
class LensChoice:
    """A lens and how much of it is estimated.

    Parameters
    ----------
    name
        What the command line calls it.
    lens, terms
        Kind of lens and number of distortion terms it carries.
    held
        Terms that stay zero.
    """

    name: str
    lens: str
    terms: int
    held: frozenset[str] = frozenset()


LENS_CHOICES = {
    choice.name: choice
    for choice in (
        LensChoice("pinhole", "pinhole", 0),
        LensChoice("brown1", "brown", 4, frozenset({"k2", "p1", "p2"})),
        LensChoice("brown2", "brown", 4, frozenset({"p1", "p2"})),
        LensChoice("brown3", "brown", 5, frozenset({"p1", "p2"})),
        LensChoice("brown4", "brown", 4),
        LensChoice("fisheye", "fisheye", 4),
        LensChoice("brown5", "brown", 5),
        LensChoice("rational", "brown", 8),
    )
}
"""Lenses by name, the simplest first."""


@dataclass(frozen=True)
class Intrinsics:
    """One calibrated camera, at the origin of its own frame.

    Parameters
    ----------
    choice
        The lens that was fitted.
    camera
        The camera at identity pose.
    cam_from_board
        Board pose (S,) at each instant of the shots; NaN where the camera did not see enough.
    adjusted
        The adjustment over the instants it saw.
    held_out_px
        Error by lens name in px per axis on pictures that were left out; empty where the lens was
        given.
    """

    choice: LensChoice
    camera: Camera
    cam_from_board: Pose
    adjusted: Adjusted
    held_out_px: dict[str, float]


def calibrate_camera(
    shots: Shots, lenses: Sequence[str] = tuple(LENS_CHOICES), fixed: Camera | None = None
) -> Intrinsics:
    """Calibrate the one camera of ``shots``.

    Parameters
    ----------
    shots
        What one camera saw.
    lenses
        Names of `LENS_CHOICES` to choose from.
    fixed
        A camera whose intrinsics are known; then only the board's poses are found.

    Raises
    ------
    InputError
        Fewer than three usable views.
    """
    views = shots.without_poor(MIN_POINTS)
    if fixed is not None:
        adjusted = _posed(views, fixed)
        choice = LensChoice("given", fixed.lens.name, len(fixed.lens.coefficients))
        return _intrinsics(shots, views, choice, adjusted, {})
    if len(views.numbers) < MIN_VIEWS:
        raise InputError(
            f"camera {shots.cameras[0]}: the board was found in {len(views.numbers)} pictures; "
            f"at least {MIN_VIEWS} are needed, 20 or more are good"
        )
    fits = _fits(views, [LENS_CHOICES[name] for name in lenses])
    if not fits:
        raise InputError(f"camera {shots.cameras[0]}: no lens could be fitted to its pictures")
    if len(fits) == 1:
        (name,) = fits
        return _intrinsics(shots, views, LENS_CHOICES[name], fits[name], {})
    errors = _held_out(views, fits)
    name = _best_lens(errors, {n: fit.bundle.rig[shots.cameras[0]] for n, fit in fits.items()})
    return _intrinsics(shots, views, LENS_CHOICES[name], fits[name], errors)


def board_observations(shots: Shots) -> Observations:
    """Return every point of the shots as an observation of a bundle, all of weight 1."""
    camera, instant, point = np.nonzero(shots.seen)
    return Observations(
        camera, instant, point, shots.pixels[camera, instant, point], np.ones_like(camera)
    )


def board_poses(camera: Camera, points: Floats, pixels: Floats) -> list[tuple[Pose, float]]:
    """Return ``cam_from_board`` of one view with its error in px, the better one first.

    A flat board seen from far away has two poses that fit almost alike. ``points`` (P, 3) with
    z = 0, ``pixels`` (P, 2) with NaN where a point was not seen; empty where too few were. The
    error is infinite where a pose has a point of the board behind the camera.
    """
    direction, valid = camera.lens.unproject(camera.plane_from_pixels(torch.from_numpy(pixels)))
    good = valid.numpy() & (direction[:, 2].numpy() > 0.1) & ~np.isnan(pixels[:, 0])
    if good.sum() < MIN_POINTS:
        return []
    plane = (direction[:, :2] / direction[:, 2:]).numpy()[good]
    middle = points[good].mean(0)
    found, rotations, shifts, _ = cv2.solvePnPGeneric(
        points[good] - middle, plane, np.eye(3), None, flags=cv2.SOLVEPNP_IPPE
    )
    poses = []
    for rotation, shift in zip(rotations[:found], shifts[:found], strict=True):
        R = cv2.Rodrigues(rotation)[0]
        t = shift.ravel() - R @ middle
        if not (np.isfinite(R).all() and np.isfinite(t).all()):
            continue
        pose = Pose(torch.from_numpy(R), torch.from_numpy(t))
        gap = camera.with_pose(pose).project(points[good]) - pixels[good]
        poses.append((pose, rms(gap) if np.isfinite(gap).all() else np.inf))
    return sorted(poses, key=lambda entry: entry[1])


def _best_lens(errors: dict[str, float], cameras: dict[str, Camera]) -> str:
    """Return the simplest lens that predicts about as well as the best that may be taken."""
    whole = {n: e for n, e in errors.items() if rayless_share(cameras[n]) == 0}
    preferred = whole and min(whole.values()) <= WORSE * min(errors.values())
    taken = whole if preferred else errors
    limit = GOOD_ENOUGH * min(taken.values())
    return next(name for name in LENS_CHOICES if taken.get(name, np.inf) <= limit)


def _fits(views: Shots, choices: Sequence[LensChoice]) -> dict[str, Adjusted]:
    """Return the adjusted camera for each lens; one that cannot see the views is left out."""
    starts: dict[bool, Bundle | None] = {}
    fits = {}
    for choice in choices:
        wide = choice.lens == "fisheye"
        if wide not in starts:
            starts[wide] = _start(views, "fisheye" if wide else "pinhole")
        start = starts[wide]
        if start is not None:
            fits[choice.name] = _fit(views, choice, start)
    return fits


def _fit(views: Shots, choice: LensChoice, start: Bundle) -> Adjusted:
    name = views.cameras[0]
    camera = start.rig[name]
    lens = Camera.from_opencv(camera.K, np.zeros(choice.terms), size=camera.size, lens=choice.lens)
    start = replace(start, rig=Rig({name: lens}, start.rig.units))
    observations, held = board_observations(views), Held({name: choice.held})
    fit = adjust_in_rounds(start, observations, held)
    lost = np.setdiff1d(observations.instant, observations.instant[fit.used])
    again = _bundle(views, fit.bundle.rig[name]) if len(lost) else None
    if again is None:
        return fit
    # before its lens was known, a view may have taken the wrong one of the board's two poses
    second = adjust_in_rounds(again, observations, held)
    return second if second.used.sum() > fit.used.sum() else fit


def _start(views: Shots, lens: str) -> Bundle | None:
    """Return the camera, without distortion, whose focal length fits the views best."""
    trial = views.at(np.sort(np.argsort(-views.counts[0], kind="stable")[:TRIAL_VIEWS]))
    cameras = [_plain_camera(views.sizes[0], factor, lens) for factor in FOCAL_OVER_WIDTH]
    camera = min(cameras, key=lambda camera: _typical_error(trial, camera))
    start = _bundle(views, camera)
    if start is None:
        return None
    held = Held({views.cameras[0]: frozenset({"principal_point", "distortion"})})
    return adjust_in_rounds(start, board_observations(views), held).bundle


def _plain_camera(size: tuple[int, int], focal_over_width: float, lens: str) -> Camera:
    focal = focal_over_width * max(size)
    K = [[focal, 0, (size[0] - 1) / 2], [0, focal, (size[1] - 1) / 2], [0, 0, 1]]
    return Camera.from_opencv(K, size=size, lens=lens)


def _typical_error(views: Shots, camera: Camera) -> float:
    poses = [board_poses(camera, views.board.points, pixels) for pixels in views.pixels[0]]
    return float(np.median([found[0][1] if found else np.inf for found in poses]))


def _bundle(views: Shots, camera: Camera) -> Bundle | None:
    poses = [board_poses(camera, views.board.points, pixels) for pixels in views.pixels[0]]
    if not all(poses):
        return None
    motion = Pose(
        torch.stack([found[0][0].R for found in poses]),
        torch.stack([found[0][0].t for found in poses]),
    )
    rig = Rig({views.cameras[0]: camera}, views.board.units)
    return Bundle(rig, motion, views.board.points)


def _posed(views: Shots, camera: Camera) -> Adjusted:
    if not len(views.numbers):
        raise InputError(f"camera {views.cameras[0]}: the board was found in none of its pictures")
    start = _bundle(views, camera.with_pose(Pose.identity()))
    if start is None:
        raise InputError(f"camera {views.cameras[0]}: its known lens cannot see its own pictures")
    return adjust_in_rounds(start, board_observations(views), Held({views.cameras[0]: INTRINSICS}))


def _held_out(views: Shots, fits: dict[str, Adjusted]) -> dict[str, float]:
    """Return the error in px of each lens on views that its fit had not seen.

    Squares are clipped at five sigma of the best fit: wrong detections must not decide.
    """
    clip_px = CLIP_SIGMAS * min(fit.rms_px for fit in fits.values())
    fold = np.arange(len(views.numbers)) % FOLDS
    errors = {}
    for name, fit in fits.items():
        squares = [
            _left_out_squares(views, fit, LENS_CHOICES[name], fold == k, clip_px)
            for k in range(FOLDS)
        ]
        errors[name] = float(np.sqrt(np.concatenate(squares).mean() / 2))
    return errors


def _left_out_squares(
    views: Shots, fit: Adjusted, choice: LensChoice, out: Mask, clip_px: float
) -> Floats:
    """Return clipped squared errors (n,) of the points in the views ``out`` (S,)."""
    name = views.cameras[0]
    inside, outside = _part(views, fit.bundle, ~out), _part(views, fit.bundle, out)
    trained = adjust(*inside, Held({name: choice.held}), loss_px=clip_px)
    observations = outside[1]
    if trained is None:
        return np.full(len(observations), clip_px**2)
    test = replace(outside[0], rig=trained.rig)
    posed = adjust(test, observations, Held({name: INTRINSICS}), loss_px=clip_px) or test
    squares = (posed.residuals(observations) ** 2).sum(-1)
    return np.asarray(np.nan_to_num(np.minimum(squares, clip_px**2), nan=clip_px**2))


def _part(views: Shots, bundle: Bundle, instants: Mask) -> tuple[Bundle, Observations]:
    motion = bundle.rig_from_points[torch.from_numpy(instants)]
    return replace(bundle, rig_from_points=motion), board_observations(views.at(instants))


def _intrinsics(
    shots: Shots, views: Shots, choice: LensChoice, adjusted: Adjusted, errors: dict[str, float]
) -> Intrinsics:
    """Put the poses of the usable views back among all instants."""
    motion = adjusted.bundle.rig_from_points
    rows = torch.from_numpy(np.searchsorted(shots.numbers, views.numbers))
    count = len(shots.numbers)
    R = torch.full((count, 3, 3), torch.nan, dtype=torch.float64)
    t = torch.full((count, 3), torch.nan, dtype=torch.float64)
    R[rows], t[rows] = motion.R, motion.t
    camera = adjusted.bundle.rig[shots.cameras[0]]
    return Intrinsics(choice, camera, Pose(R, t), adjusted, errors)
