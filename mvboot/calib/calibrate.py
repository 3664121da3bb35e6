"""Calibrate a rig from what its cameras saw of a board."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from mvboot.calib.boards import Board, Checkerboard
from mvboot.calib.bundle import INTRINSICS, TERMS, Held
from mvboot.calib.extrinsics import Link, chained, find_links, groups, placed
from mvboot.calib.faults import UNEXPLAINED, contradictions, frozen, no_overlap, undispelled
from mvboot.calib.finding import Finding
from mvboot.calib.flatness import BoardShape, measured_shape, with_shape
from mvboot.calib.intrinsics import (
    LENS_CHOICES,
    MIN_POINTS,
    MIN_VIEWS,
    Intrinsics,
    board_observations,
    calibrate_camera,
)
from mvboot.calib.quality import CameraQuality, Ruler, camera_qualities, measure_board, unobservable
from mvboot.calib.rounds import Adjusted, adjust_in_rounds
from mvboot.calib.select import chosen_shots
from mvboot.calib.shots import Shots
from mvboot.calib.uncertainty import covariance
from mvboot.errors import InputError, NothingUsable
from mvboot.geometry import Camera
from mvboot.rig import Rig

MAX_SHOTS = 150
LENS_VIEWS = 40
"""Pictures of a camera from which its lens is chosen; all count in the end."""

AUTOMATIC = tuple(LENS_CHOICES)


@dataclass(frozen=True)
class CalibrationOptions:
    """What the user decides.

    Parameters
    ----------
    lenses
        By camera, the names of `LENS_CHOICES` to choose from; every lens where it is not named.
    known
        Cameras whose intrinsics are right, by name: they start there and stay.
    held
        By camera, intrinsic groups or terms (`Held`) that stay as the camera alone gave them.
    distances
        Measured distances between two cameras in the board's units, by their names.
    distance_tolerance
        How far, over itself, a measured distance may be off.
    max_shots
        Most instants that are used.
    allow_partial
        Calibrate the largest group of linked cameras where not all are linked.
    upright
        Board and cameras were never turned by more than a right angle against one another, so
        that a checkerboard that looks the same upside down serves.
    """

    lenses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known: Mapping[str, Camera] | None = None
    held: Mapping[str, frozenset[str]] = field(default_factory=dict)
    distances: Mapping[tuple[str, str], float] = field(default_factory=dict)
    distance_tolerance: float = 0.02
    max_shots: int = MAX_SHOTS
    allow_partial: bool = False
    upright: bool = False


@dataclass(frozen=True)
class Calibration:
    """A calibrated rig and all that is known about how it came about.

    Parameters
    ----------
    rig
        In the frame of the first camera, in the board's units.
    shots
        The instants that were used, and ``adjusted`` the end of bundle adjustment on them.
    cameras
        Each camera alone.
    links, tree
        Which pairs saw the board together, and the links the start was chained along.
    qualities, ruler, shape
        Figures by camera, the board as a ruler, and its measured shape.
    left_out
        Cameras that were not linked to the others.
    """

    rig: Rig
    shots: Shots
    adjusted: Adjusted
    cameras: Mapping[str, Intrinsics]
    links: Sequence[Link]
    tree: Sequence[Link]
    qualities: Mapping[str, CameraQuality]
    ruler: Ruler
    shape: BoardShape | None
    left_out: tuple[str, ...]


class CalibrationFailed(NothingUsable):
    """The recording cannot be calibrated; ``findings`` say why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"no rig was made: {findings[0].message}{more}")


def calibrate_rig(
    shots: Shots,
    options: CalibrationOptions | None = None,
    edge_px: np.ndarray[tuple[int, int], np.dtype[np.float64]] | None = None,
) -> Calibration:
    """Calibrate all cameras of ``shots``.

    ``edge_px`` (C, S), the width of edges in the pictures, keeps blurred ones out. Raises
    InputError for options that name unknown cameras or lenses, CalibrationFailed where the
    recording has a fault that would make the rig wrong.
    """
    options = options or CalibrationOptions()
    check_options(shots.cameras, options)
    if not options.upright:
        require_a_top(shots.board, shots.cameras)
    _require_none(frozen(shots))
    every = shots.without_poor(MIN_POINTS)
    chosen = chosen_shots(shots, options.max_shots, edge_px)
    _check_views(chosen)
    cameras = calibrate_cameras(chosen, options)
    links = find_links(chosen, cameras)
    left_out = _unlinked(chosen, links, options)
    if left_out:
        chosen, cameras = _without(left_out, chosen, cameras)
        links = [link for link in links if {link.a, link.b} <= set(cameras)]
    found = _contradictions(every.of(chosen.cameras), chosen, cameras)
    doubts = [finding for finding in found if finding.code == UNEXPLAINED]
    _require_none([finding for finding in found if finding not in doubts])
    held = _held(cameras, options)
    start, tree = _adjusted(chosen, cameras, links, held)
    _require_none(undispelled(doubts, chosen, start))
    adjusted, shape = _shaped(chosen, start, held)
    observations = board_observations(chosen)
    spread = covariance(adjusted.bundle, observations.where(adjusted.used), held)
    _require_none(unobservable(adjusted.bundle.rig, spread))
    _require_none(_distances(adjusted.bundle.rig, chosen, options))
    return Calibration(
        adjusted.bundle.rig,
        chosen,
        adjusted,
        cameras,
        links,
        tree,
        camera_qualities(chosen, observations, adjusted, spread),
        measure_board(chosen, adjusted.bundle, observations.where(adjusted.used)),
        shape,
        left_out,
    )


def options_of(camera: str, options: CalibrationOptions) -> CalibrationOptions:
    """Return what the options say of one camera that is calibrated alone."""
    return replace(
        options,
        lenses={name: value for name, value in options.lenses.items() if name == camera},
        held={name: value for name, value in options.held.items() if name == camera},
        distances={},
    )


def calibrate_cameras(shots: Shots, options: CalibrationOptions) -> dict[str, Intrinsics]:
    """Calibrate each camera alone, from its best views, and pose the board at every instant."""
    found = {}
    for name in shots.cameras:
        own = shots.of([name])
        lenses = options.lenses.get(name, AUTOMATIC)
        known = _known(own, options)
        alone = calibrate_camera(chosen_shots(own, LENS_VIEWS), lenses, known)
        posed = calibrate_camera(own, lenses, alone.camera)
        found[name] = replace(alone, cam_from_board=posed.cam_from_board, adjusted=posed.adjusted)
    return found


def _known(own: Shots, options: CalibrationOptions) -> Camera | None:
    """Return the one camera of the shots if its intrinsics are known, with their size."""
    if not options.known:
        return None
    (name,), (size,) = own.cameras, own.sizes
    camera = options.known[name]
    if camera.size not in (None, size):
        raise InputError(
            f"the known intrinsics of camera {name} are for pictures of {camera.size[0]} x "
            f"{camera.size[1]} px, but it has {size[0]} x {size[1]}; calibrate it anew"
        )
    return replace(camera, size=size)


def _adjusted(
    shots: Shots, cameras: Mapping[str, Intrinsics], links: Sequence[Link], held: Held
) -> tuple[Adjusted, Sequence[Link]]:
    rig, tree = chained(shots, cameras, links) if len(cameras) > 1 else (_alone(shots, cameras), [])
    return adjust_in_rounds(placed(shots, cameras, rig), board_observations(shots), held), tree


def _shaped(shots: Shots, start: Adjusted, held: Held) -> tuple[Adjusted, BoardShape | None]:
    """Return the adjustment with the board's measured shape, where that is better."""
    observations = board_observations(shots)
    shape = measured_shape(shots.board, start, observations, held)
    if shape is None or not shape.is_better:
        return start, shape
    return with_shape(shape, start, observations, held), shape


def _alone(shots: Shots, cameras: Mapping[str, Intrinsics]) -> Rig:
    return Rig({name: cameras[name].camera for name in shots.cameras}, shots.board.units)


def _held(cameras: Mapping[str, Intrinsics], options: CalibrationOptions) -> Held:
    known = INTRINSICS if options.known else frozenset()
    return Held(
        {
            name: camera.choice.held | known | options.held.get(name, frozenset())
            for name, camera in cameras.items()
        }
    )


def _unlinked(shots: Shots, links: Sequence[Link], options: CalibrationOptions) -> tuple[str, ...]:
    """Return the cameras that are not linked to most others, if they may be left out."""
    parts = groups(shots.cameras, links)
    if len(parts) == 1:
        return ()
    if not options.allow_partial or len(parts[0]) == 1:
        raise CalibrationFailed(no_overlap(shots, links))
    left_out = tuple(name for name in shots.cameras if name not in parts[0])
    measured = sorted({name for pair in options.distances for name in pair} & set(left_out))
    if measured:
        raise InputError(
            f"camera {', '.join(measured)} shares no picture with the others, so its distance "
            "cannot be checked; leave --distance out, or record the board before both"
        )
    return left_out


def _without(
    left_out: Sequence[str], shots: Shots, cameras: Mapping[str, Intrinsics]
) -> tuple[Shots, dict[str, Intrinsics]]:
    """Return the shots and the calibrated cameras without some of the cameras."""
    some = shots.of([name for name in shots.cameras if name not in left_out])
    some = some.without_poor(MIN_POINTS)
    rows = torch.from_numpy(np.isin(shots.numbers, some.numbers))
    return some, {
        name: replace(cameras[name], cam_from_board=cameras[name].cam_from_board[rows])
        for name in some.cameras
    }


def _contradictions(
    every: Shots, chosen: Shots, cameras: Mapping[str, Intrinsics]
) -> list[Finding]:
    """Return contradictions between cameras; a focal length nobody knows explains them first."""
    posed: Mapping[str, Intrinsics] = cameras
    if not np.array_equal(every.numbers, chosen.numbers):
        posed = {
            name: calibrate_camera(every.of([name]), (), cameras[name].camera)
            for name in chosen.cameras
        }
    found = contradictions(every, posed) if len(chosen.cameras) > 1 else []
    if not found:
        return []
    blind = []
    for name in chosen.cameras:
        own = chosen.of([name]).without_poor(MIN_POINTS)
        alone = cameras[name].adjusted
        held = Held({name: cameras[name].choice.held})
        seen = board_observations(own).where(alone.used)
        spread = covariance(alone.bundle, seen, held)
        blind += unobservable(alone.bundle.rig, spread)
    return blind or found


def _distances(rig: Rig, shots: Shots, options: CalibrationOptions) -> list[Finding]:
    found = []
    for (a, b), measured in options.distances.items():
        got = float((rig[a].center - rig[b].center).norm())
        if abs(got / measured - 1) > options.distance_tolerance:
            message = (
                f"cameras {a} and {b} come out {got:.4g} {rig.units} apart but were measured at "
                f"{measured:.4g} {rig.units}: every length of the board is probably "
                f"{measured / got:.3g} times what {shots.board.spec} says; measure a square"
            )
            found.append(Finding("wrong-scale", (a, b), message))
    return found


def require_a_top(board: Board, cameras: Sequence[str]) -> None:
    """Raise InputError where several cameras are to share a checkerboard that has no top.

    Each might count its corners from another end.
    """
    if isinstance(board, Checkerboard) and board.looks_alike_upside_down and len(cameras) > 1:
        raise InputError(
            f"{board.spec} looks the same upside down, so cameras cannot agree which end is which; "
            "if the board was upright in every picture of every camera, say --upright; else use "
            "one with an odd and an even number of inner corners, or a ChArUco board (each camera "
            "alone: --intrinsics-only)"
        )


def check_options(cameras: Sequence[str], options: CalibrationOptions) -> None:
    """Raise InputError where options name a camera, a lens or a group that does not exist."""
    pairs = [name for pair in options.distances for name in pair]
    named = {*options.lenses, *options.held, *pairs}
    unknown = sorted(named - set(cameras))
    if unknown:
        raise InputError(f"there is no camera {', '.join(unknown)}; there are {', '.join(cameras)}")
    for (a, b), length in options.distances.items():
        if a == b or not length > 0:
            raise InputError(f"the distance {a}:{b} must be a length between two cameras")
    missing = [n for n in cameras if options.known and n not in options.known]
    if missing:
        raise InputError(
            f"the known intrinsics lack camera {', '.join(missing)}; they have "
            f"{', '.join(options.known or ())}"
        )
    lenses = {name for names in options.lenses.values() for name in names}
    strange = sorted(lenses - set(LENS_CHOICES))
    if strange:
        raise InputError(f"unknown lens {', '.join(strange)}; use one of {', '.join(AUTOMATIC)}")
    words = {word for words in options.held.values() for word in words}
    known = {*INTRINSICS, *(term for terms in TERMS.values() for term in terms)}
    wrong = sorted(words - known)
    if wrong:
        raise InputError(
            f"cannot hold {', '.join(wrong)}; use {', '.join(sorted(INTRINSICS))} or a term as k1"
        )


def _check_views(shots: Shots) -> None:
    views = (shots.counts >= MIN_POINTS).sum(1)
    poor = [
        Finding(
            "few-views",
            (name,),
            f"camera {name} has {count} usable pictures of the board, at least {MIN_VIEWS} are "
            "needed",
        )
        for name, count in zip(shots.cameras, views.tolist(), strict=True)
        if count < MIN_VIEWS
    ]
    _require_none(poor)


def _require_none(findings: Sequence[Finding]) -> None:
    if findings:
        raise CalibrationFailed(findings)
