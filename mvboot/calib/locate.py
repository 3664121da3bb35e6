"""Poses from landmarks alone: known lenses, the same points in several cameras, nothing else.

A rig grows from the best pair of cameras (`twoview`) or from points whose positions are known
(`growth`). Then it is adjusted to robust tracks of all landmarks, as `refine` does, and scaled by
measured lengths or laid onto the known positions. Several pairs are tried where the first ends
badly. Schönberger and Frahm, Structure-from-motion revisited, CVPR 2016.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.arrange import Arrangement, arrangements
from mvboot.calib.growth import Growth
from mvboot.calib.lengths import Distance, scale_by
from mvboot.calib.rounds import rms
from mvboot.calib.tracks import tracks
from mvboot.calib.twoview import Sight, find_pairs
from mvboot.calib.unlocated import SHOWN, ambiguous, no_start, unposed
from mvboot.calib.world import WorldFrame, from_measured, moved
from mvboot.errors import InputError, NothingUsable
from mvboot.geometry import Camera, Pose
from mvboot.keypoints import Keypoints2D
from mvboot.rig import UNITS_IN_M, Rig
from mvboot.triangulation.options import TriangulationOptions
from mvboot.triangulation.recording import solve_chunk

Floats = NDArray[np.float64]

MAX_POINTS, GROWTH_POINTS, JUDGED_POINTS = 8_000, 1_500, 20_000
"""Points to adjust, to grow and to judge with; drawn at random from more."""

STARTS = 4
"""Pairs of cameras that are tried as a start."""

GOOD = 0.5
"""Median error over the threshold below which no further pair is tried."""


@dataclass(frozen=True)
class KnownPoints:
    """Landmarks whose positions were measured.

    Parameters
    ----------
    xyz
        Position (3,) by the landmark's name, in ``units``.
    units
        "m", "cm", "mm" or "um".
    max_error
        Largest residual accepted, in ``units``; None: two percent of their extent.
    """

    xyz: Mapping[str, Floats]
    units: str
    max_error: float | None = None


@dataclass(frozen=True)
class LocateOptions:
    """What the user decides.

    Parameters
    ----------
    distances
        Measured lengths; all of them together give the scale.
    known
        Landmarks with measured positions, which give world and scale; then no distances.
    units
        Unit of the rig.
    triangulation
        Its threshold is the largest error of a detection that is believed at first.
    seed
        Of the choice of points, and of the robust estimation.
    """

    distances: Sequence[Distance] = ()
    known: KnownPoints | None = None
    units: str = "m"
    triangulation: TriangulationOptions = field(default_factory=TriangulationOptions)
    seed: int = 0


@dataclass(frozen=True)
class CameraFit:
    """How well the detections of one camera fit a rig.

    Parameters
    ----------
    error_px
        Median error of those that agree with a landmark, as it was triangulated with them.
    agree, detections
        How many agree within the threshold, and how many there are of landmarks that another
        camera sees too.
    """

    error_px: float
    agree: int
    detections: int


@dataclass(frozen=True)
class Located:
    """A rig from landmarks.

    Parameters
    ----------
    rig
        In the world of its first camera, or of the known points.
    fits
        How well each camera's detections fit.
    points, rms_px
        Landmarks that the last adjustment used, and its residual per axis.
    start
        The pair of cameras it grew from; None for known points.
    scale
        Where its size comes from: plain JSON values.
    """

    rig: Rig
    fits: Mapping[str, CameraFit]
    points: int
    rms_px: float
    start: tuple[str, str] | None
    scale: Mapping[str, Any]


def locate_cameras(
    cameras: Mapping[str, Camera], keypoints: Keypoints2D, options: LocateOptions
) -> Located:
    """Return the rig in which cameras saw landmarks.

    Parameters
    ----------
    cameras
        Intrinsics by name; their poses do not matter.
    keypoints
        Landmarks of these cameras, one individual's or several that are the same in every camera:
        still ones in one frame or in many, or a subject's, which are other points in each frame.
    options
        See `LocateOptions`.

    Raises
    ------
    InputError
        Fewer than two cameras, no scale, names that do not exist, individuals nobody identified.
    NothingUsable
        Cameras that share too few landmarks (named), landmarks on a plane, no pose that fits.
    """
    _check(cameras, keypoints, options)
    rng = np.random.default_rng(options.seed)
    seen = _seen_twice(keypoints.for_cameras(tuple(cameras)))
    every = seen.sample(MAX_POINTS, rng)
    growth, start = _best_growth(cameras, every.sample(GROWTH_POINTS, rng), options)
    missing = [name for name in cameras if name not in growth.names]
    if growth.rig is None or missing:
        raise NothingUsable(unposed(growth, missing, cameras))
    found = arrangements(growth.rig.subset(cameras), every, options.triangulation)
    if len(found) > 1 and options.known is None:
        raise NothingUsable(ambiguous(found))
    judged = seen.sample(JUDGED_POINTS, rng)
    one, rig, scale = _best_sized(found, judged, options)
    return Located(
        rig,
        _fits(rig, judged, options.triangulation),
        len(one.bundle.points),
        rms(one.bundle.residuals(one.observations)),
        start,
        scale,
    )


def _seen_twice(keypoints: Keypoints2D) -> Keypoints2D:
    """Return the frames in which two cameras see the same landmark."""
    rows = np.flatnonzero((keypoints.present.sum(0) >= 2).any(axis=(1, 2)))
    if not len(rows):
        raise NothingUsable("no landmark is seen by two cameras at once; check names and frames")
    return keypoints.at_rows(rows)


def _best_growth(
    cameras: Mapping[str, Camera], keypoints: Keypoints2D, options: LocateOptions
) -> tuple[Growth, tuple[str, str] | None]:
    """Return the rig that grew farthest and fits best, and the pair it started from."""
    pixels = keypoints.xy.reshape(len(cameras), -1, 2)
    sights = {n: Sight.of(c, p) for p, (n, c) in zip(pixels, cameras.items(), strict=True)}
    nowhere = np.full((pixels.shape[1], 3), np.nan)
    empty = Growth(sights, keypoints, options.triangulation, None, nowhere)
    if options.known is not None:
        grown = empty.from_points(_positions(keypoints, options.known))
        if grown.rig is not None:
            return grown.grown(), None
    pairs = find_pairs(sights, options.triangulation.threshold_px, options.seed)
    starts = [pair for pair in pairs if pair.starts][:STARTS]
    if not starts:
        raise NothingUsable(no_start(pairs))
    found = []
    for pair in starts:
        grown = empty.from_pair(pair).grown()
        assert grown.rig is not None
        error = _typical_error(grown.rig, keypoints, options.triangulation)
        found.append((-len(grown.names), error, grown, (pair.a, pair.b)))
        if len(grown.names) == len(cameras) and error < GOOD * options.triangulation.threshold_px:
            break
    _, _, best, start = min(found, key=lambda entry: entry[:2])
    return best, start


def _positions(keypoints: Keypoints2D, known: KnownPoints) -> Floats:
    """Return the known positions (P, 3) in metres, NaN for the other landmarks."""
    frames, individuals = keypoints.shape[1:3]
    scale = UNITS_IN_M[known.units]
    rows = [scale * np.asarray(known.xyz.get(k, (np.nan,) * 3)) for k in keypoints.keypoints]
    return np.tile(np.stack(rows), (frames * individuals, 1))


def _typical_error(rig: Rig, keypoints: Keypoints2D, options: TriangulationOptions) -> float:
    """Return the median error in px of all detections, those of no track being off the scale."""
    bundle, seen = tracks(rig, keypoints, options.threshold_px, replace(options, min_views=2))
    total = int(keypoints.for_cameras(rig.names).present.sum())
    errors = np.full(max(total, len(seen)), np.inf)
    errors[: len(seen)] = np.linalg.norm(bundle.residuals(seen), axis=1)
    return float(np.median(np.nan_to_num(errors, nan=np.inf)))


def _in_first(rig: Rig) -> Rig:
    """Return the rig in the frame of its first camera."""
    world_from_first = rig[rig.names[0]].cam_from_world.inverse()
    cameras = {n: c.with_pose(c.cam_from_world @ world_from_first) for n, c in rig.cameras.items()}
    first = rig.names[0]
    cameras[first] = cameras[first].with_pose(Pose.identity())
    return replace(rig, cameras=cameras)


def _best_sized(
    found: Sequence[Arrangement], keypoints: Keypoints2D, options: LocateOptions
) -> tuple[Arrangement, Rig, dict[str, Any]]:
    """Return the arrangement that known points tell from its twin, in true lengths."""
    refusal: InputError | None = None
    sized = []
    for one in found:
        try:
            rig, scale = _sized(_in_first(one.bundle.rig), keypoints, options)
        except InputError as error:
            refusal = refusal or error
        else:
            sized.append((max(scale.get("residuals", {"": 0.0}).values()), one, rig, scale))
    if not sized:
        assert refusal is not None
        raise refusal
    _, one, rig, scale = min(sized, key=lambda entry: entry[0])
    return one, rig, scale


def _sized(rig: Rig, keypoints: Keypoints2D, options: LocateOptions) -> tuple[Rig, dict[str, Any]]:
    """Return the rig in true lengths, and where they come from."""
    rig = replace(rig, units=options.units)
    lenient = replace(options.triangulation, min_views=2)
    xyz = np.asarray(solve_chunk(rig, keypoints, lenient).points)
    by_name = np.moveaxis(xyz.reshape(-1, len(keypoints.keypoints), 3), 1, 0)
    places = dict(zip(keypoints.keypoints, by_name, strict=True))
    if options.known is None:
        scale, found = scale_by(rig, places, options.distances)
        cameras = {n: c.with_pose(c.cam_from_world.scaled(scale)) for n, c in rig.cameras.items()}
        return replace(rig, cameras=cameras), {"distances": found}
    frame = _onto_known(rig, places, options.known)
    return moved(rig, frame), {"residuals": frame.description["residuals"]}


def _onto_known(rig: Rig, places: Mapping[str, Floats], known: KnownPoints) -> WorldFrame:
    located = {n: xyz[~np.isnan(xyz[:, 0])] for n, xyz in places.items() if n in known.xyz}
    here = {name: np.median(xyz, axis=0) for name, xyz in located.items() if len(xyz)}
    if len(here) < 3:
        raise NothingUsable(
            f"{len(here)} of the {len(known.xyz)} points with known positions were located; three "
            "are needed, not on one line"
        )
    truth = {name: known.xyz[name] for name in here}
    return from_measured(rig, here, truth, known.units, known.max_error)


def _fits(rig: Rig, keypoints: Keypoints2D, options: TriangulationOptions) -> dict[str, CameraFit]:
    bundle, seen = tracks(rig, keypoints, options.threshold_px, replace(options, min_views=2))
    length = np.linalg.norm(bundle.residuals(seen), axis=1)
    present = keypoints.for_cameras(rig.names).present
    shared = (present & (present.sum(0) > 1)).sum((1, 2, 3))
    found = {}
    for c, name in enumerate(rig.names):
        own = length[seen.camera == c]
        found[name] = CameraFit(float(np.median(own)), len(own), int(shared[c]))
    return found


def _check(cameras: Mapping[str, Camera], keypoints: Keypoints2D, options: LocateOptions) -> None:
    if len(cameras) < 2:
        raise InputError(f"locating needs two cameras or more, there is {', '.join(cameras)}")
    if not keypoints.identified:
        raise InputError("choose one individual first: the cameras list them in different orders")
    if options.known is None and not options.distances:
        raise InputError(
            "nothing says how long a length is: state a measured one between two landmarks or two "
            "cameras (--distance A:B=0.5m), or the positions of landmarks (--points)"
        )
    if options.known is not None and options.distances:
        raise InputError("positions of landmarks already give the scale; leave --distance out")
    for distance in options.distances:
        distance.require(tuple(cameras), keypoints.keypoints)
    if options.known is not None:
        strange = [name for name in options.known.xyz if name not in keypoints.keypoints]
        if strange:
            raise InputError(
                f"there is no landmark {', '.join(strange[:SHOWN])}; there are "
                f"{', '.join(keypoints.keypoints[:SHOWN])} ..."
            )
