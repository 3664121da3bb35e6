"""Recordings that cannot be calibrated, and what is wrong with them, in plain words.

Where cameras contradict each other, explanations are tried out: a camera that mirrors its pictures,
one that runs late, two whose pictures were exchanged. One that makes the contradiction vanish is
named; nothing is repaired silently.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.calib.boards import APRILTAGS, AprilGrid, Board, Charuco, marker_dictionary
from mvboot.calib.extrinsics import Link, find_links, groups, link_errors
from mvboot.calib.find import CameraFinds
from mvboot.calib.finding import Finding
from mvboot.calib.intrinsics import Intrinsics, calibrate_camera
from mvboot.calib.rounds import Adjusted
from mvboot.calib.shots import Shots
from mvboot.errors import InputError
from mvboot.formats.footage import Footage
from mvboot.formats.pictures import Gray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

BLURRED = 2.5
"""Edge width, over that of the other cameras, beyond which pictures are called blurred."""

BLURRED_PX, SURELY_BLURRED_PX = 6.0, 12.0
STILL_PX, MOVING_PX = 0.3, 3.0
FROZEN_INSTANTS = 5
CONTRADICTION, SURELY = 0.004, 0.012
"""Error over the picture's width beyond which two cameras may contradict each other at an instant,
and beyond which they do however much all cameras disagree."""

CONTRADICTION_SPREADS = 6.0
MANY, FEW = 0.25, 0.1
"""Share of the instants that is a fault, and that an explanation may leave."""

LATEST = 10
PLAIN_LENS = "brown2"
"""Fitted anew to try out an explanation."""

PROPORTION = 0.15
"""How far, over itself, markers may be off their size; small ones are seen too small."""

UNEXPLAINED = "misfit"
"""Code of a contradiction for which no explanation was found."""

ENOUGH_MARKERS = 2
"""Markers a picture on average from which another dictionary is believed."""

FAMILIES = (*(f"DICT_{n}X{n}_1000" for n in (4, 5, 6, 7)), APRILTAGS, "DICT_ARUCO_ORIGINAL")
"""Dictionaries of markers that hold all smaller ones of their kind."""


def not_found(finds: Mapping[str, CameraFinds], min_views: int) -> list[Finding]:
    """Return a finding for each camera that saw the board in too few pictures."""
    edges = {name: float(np.median(f.edge_px)) for name, f in finds.items() if len(f.edge_px)}
    found = []
    for name, f in finds.items():
        if f.found >= min_views:
            continue
        others = [edge for other, edge in edges.items() if other != name]
        usual = float(np.median(others)) if others else 0.0
        seen = f"the board was found in {f.found} of {len(f.numbers)} pictures of camera {name}"
        own = edges.get(name, 0.0)
        if own > BLURRED_PX and (own > BLURRED * usual or own > SURELY_BLURRED_PX):
            message = (
                f"{seen}; they are out of focus or blurred by motion: their sharpest edges are "
                f"{own:.0f} px wide, in the other cameras {usual:.0f} px"
            )
            found.append(Finding("blurred", (name,), message))
        else:
            message = (
                f"{seen}, at least {min_views} are needed; show it closer, whole and in good "
                "light, and check that it is the board that was named"
            )
            found.append(Finding("board-not-found", (name,), message))
    return found


def frozen(shots: Shots) -> list[Finding]:
    """Return a finding for each camera that delivered one picture again and again."""
    steps = np.stack([_steps(shots, c) for c in range(len(shots.cameras))])
    found = []
    for c, name in enumerate(shots.cameras):
        first, last = _longest_run(steps[c] < STILL_PX)
        others = np.delete(steps, c, axis=0)[:, first:last]
        moving = np.nansum(others, axis=1).max() if others.size else 0.0
        if last - first < FROZEN_INSTANTS or moving < MOVING_PX:
            continue
        span = f"{shots.numbers[first]} to {shots.numbers[last]}"
        message = (
            f"the board does not move in the pictures {span} of camera {name} while it does in the "
            "other cameras: the camera hung, or one picture was copied"
        )
        found.append(Finding("frozen", (name,), message))
    return found


def no_overlap(shots: Shots, links: Sequence[Link]) -> list[Finding]:
    """Return one finding where the cameras fall apart into groups, with what to record."""
    parts = groups(shots.cameras, links)
    if len(parts) == 1:
        return []
    listed = " | ".join(", ".join(part) for part in parts)
    missing = []
    for part in parts[1:]:
        a, b = _nearest(shots, parts[0], part)
        missing.append(f"{a} and {b}")
    message = (
        f"no picture links these groups of cameras: {listed}; record the board where "
        f"{', and where '.join(missing)} see it at the same instants, 10 or more (any camera of "
        "one group with any of the other will do)"
    )
    return [Finding("no-overlap", tuple(name for part in parts[1:] for name in part), message)]


def contradictions(shots: Shots, cameras: Mapping[str, Intrinsics]) -> list[Finding]:
    """Return what is wrong where cameras that see the board together contradict each other.

    ``shots`` should hold every instant, for a camera that runs late is recognised by the shift
    that reconciles it.
    """
    state = _State.of(shots, cameras)
    suspects = state.suspects()
    if not suspects:
        return []
    for hypothesis in _hypotheses(state, suspects):
        if hypothesis.explains(state):
            return [hypothesis.finding]
    return [_unexplained(state, name) for name in suspects]


def undispelled(doubts: Sequence[Finding], shots: Shots, adjusted: Adjusted) -> list[Finding]:
    """Return doubts about cameras unless, adjusted all together, they fit the ``shots`` after all.

    A single picture tells the board's pose badly where the board bends or is seen from far away.
    """
    errors = np.full(shots.seen.shape, np.nan)
    gap = np.linalg.norm(adjusted.residuals, axis=-1)
    errors[shots.seen] = np.where(np.isnan(gap), np.inf, gap)
    for views, seen, (width, _) in zip(errors, shots.seen, shots.sizes, strict=True):
        typical = [
            np.median(view[good]) for view, good in zip(views, seen, strict=True) if any(good)
        ]
        if np.mean(np.array(typical) > CONTRADICTION * width) > MANY:
            return list(doubts)
    return []


@dataclass(frozen=True)
class _State:
    """Detections, cameras, and at which instants each pair contradicts itself."""

    shots: Shots
    cameras: Mapping[str, Intrinsics]
    links: Sequence[Link]
    errors: Mapping[tuple[str, str], Floats]

    @staticmethod
    def of(shots: Shots, cameras: Mapping[str, Intrinsics]) -> "_State":
        links = find_links(shots, cameras)
        errors = {(link.a, link.b): link_errors(shots, cameras, link) for link in links}
        return _State(shots, cameras, links, errors)

    @cached_property
    def best_quarter(self) -> float:
        """Error in px that a quarter of the instants stays below in the pair that agrees best."""
        return float(min(np.nanpercentile(errors, 25) for errors in self.errors.values()))

    def limit(self, b: str) -> float:
        """Return the error in px of camera b from which on an instant is a contradiction."""
        width = self.shots.sizes[self.shots.cameras.index(b)][0]
        usual = CONTRADICTION_SPREADS * self.best_quarter
        return float(np.clip(usual, CONTRADICTION * width, SURELY * width))

    def bad(self, pair: tuple[str, str]) -> Mask:
        """Return the instants (S,) at which a pair contradicts itself."""
        return np.asarray(self.errors[pair] > self.limit(pair[1]))

    def share(self, pair: tuple[str, str]) -> float:
        """Return the share of a pair's instants that are contradictions."""
        return float(self.bad(pair).sum() / max(1, (~np.isnan(self.errors[pair])).sum()))

    def suspects(self) -> list[str]:
        """Return the cameras all of whose links are bad, the worst first; both of a lone pair."""
        bad = {pair for pair in self.errors if self.share(pair) > MANY}
        own = {name: [pair for pair in self.errors if name in pair] for name in self.shots.cameras}
        shares = {
            name: float(np.mean([pair in bad for pair in pairs]))
            for name, pairs in own.items()
            if pairs
        }
        worst = max(shares.values(), default=0.0)
        return [name for name, share in shares.items() if share == worst and share > 0]

    def worst(self, names: Sequence[str]) -> float:
        """Return the largest share of contradictions in the links of these cameras."""
        return max(
            (self.share(pair) for pair in self.errors if set(pair) & set(names)), default=1.0
        )


@dataclass(frozen=True)
class _Hypothesis:
    """What may have happened, and the detections if it is undone."""

    finding: Finding
    shots: Shots
    new_lens: bool = False

    def explains(self, state: _State) -> bool:
        names = self.finding.cameras
        cameras = dict(state.cameras)
        try:
            for name in names:
                known = None if self.new_lens else cameras[name].camera
                wide = cameras[name].camera.lens.name == "fisheye"
                lens = "fisheye" if wide else PLAIN_LENS
                cameras[name] = calibrate_camera(self.shots.of([name]), [lens], known)
        except InputError:
            return False
        return _State.of(self.shots, cameras).worst(names) <= FEW


def _hypotheses(state: _State, suspects: Sequence[str]) -> Iterator[_Hypothesis]:
    for name in suspects:
        yield _mirrored(state.shots, name)
    for a, b in combinations(suspects, 2):
        if (a, b) in state.errors:
            yield _exchanged(state, a, b)
    for name in suspects:
        for shift in sorted(range(-LATEST, LATEST + 1), key=abs)[1:]:
            yield _late(state.shots, name, shift)


def _mirrored(shots: Shots, name: str) -> _Hypothesis:
    c = shots.cameras.index(name)
    pixels = shots.pixels.copy()
    pixels[c, ..., 0] = shots.sizes[c][0] - 1 - pixels[c, ..., 0]
    message = (
        f"the pictures of camera {name} are mirrored, left and right are exchanged: with them "
        "flipped back it fits the other cameras; switch its mirror mode off, or flip the pictures"
    )
    finding = Finding("mirrored-pictures", (name,), message)
    return _Hypothesis(finding, replace(shots, pixels=pixels), new_lens=True)


def _late(shots: Shots, name: str, shift: int) -> _Hypothesis:
    """Camera pictures belong ``shift`` instants earlier than they are numbered."""
    c = shots.cameras.index(name)
    pixels = shots.pixels.copy()
    pixels[c] = np.nan
    if shift > 0:
        pixels[c, :-shift] = shots.pixels[c, shift:]
    else:
        pixels[c, -shift:] = shots.pixels[c, :shift]
    step = int(np.median(np.diff(shots.numbers))) if len(shots.numbers) > 1 else 1
    frames, way = abs(shift) * step, "late" if shift > 0 else "early"
    message = (
        f"camera {name} is not synchronous: its pictures come {frames} "
        f"frame{'s' if frames > 1 else ''} too {way}; say so with --offset {name}={shift * step} "
        "(added to an offset already given)"
    )
    return _Hypothesis(Finding("unsynchronised", (name,), message), replace(shots, pixels=pixels))


def _exchanged(state: _State, a: str, b: str) -> _Hypothesis:
    shots, instants = state.shots, _fits_better_exchanged(state, a, b)
    pixels = shots.pixels.copy()
    rows = np.array([shots.cameras.index(name) for name in (a, b)])
    pixels[np.ix_(rows, instants)] = shots.pixels[np.ix_(rows[::-1], instants)]
    numbers = shots.numbers[instants]
    span = f"{numbers[0]} to {numbers[-1]}" if len(numbers) else "none"
    message = (
        f"the pictures of cameras {a} and {b} are exchanged in a part of the recording "
        f"({len(numbers)} instants, {span}, or all the others): sort the files"
    )
    finding = Finding("exchanged", (a, b), message)
    return _Hypothesis(finding, replace(shots, pixels=pixels), new_lens=True)


def _fits_better_exchanged(state: _State, a: str, b: str) -> Mask:
    """Return the instants (S,) at which what two cameras saw fits better the other way round."""
    (link,) = (link for link in state.links if (link.a, link.b) == (a, b))
    both = state.shots.of([a, b])
    other = replace(both, pixels=both.pixels[::-1])
    try:
        posed = {n: calibrate_camera(other.of([n]), (), state.cameras[n].camera) for n in (a, b)}
    except InputError:
        return state.bad((a, b))
    return np.asarray(link_errors(other, posed, link) < state.errors[a, b])


def _unexplained(state: _State, name: str) -> Finding:
    pairs = [pair for pair in state.errors if name in pair]
    errors = np.concatenate([state.errors[pair] for pair in pairs])
    share = max(state.share(pair) for pair in pairs)
    topless = getattr(state.shots.board, "looks_alike_upside_down", False)  # a checkerboard's
    asked = "was it upright in all pictures, as --upright says? Else it" if topless else "it"
    message = (
        f"camera {name} contradicts the others: in {100 * share:.0f} % of the shared pictures the "
        f"board is not where they see it, by {np.nanmedian(errors):.0f} px in the middle; {asked} "
        "was moved or zoomed, is mirrored or not synchronous, or its pictures belong to another "
        "camera"
    )
    return Finding(UNEXPLAINED, (name,), message)


def _nearest(shots: Shots, one: Sequence[str], other: Sequence[str]) -> tuple[str, str]:
    """Return the pair of two groups that came closest to a shared view: most detections."""
    total = {name: int(n) for name, n in zip(shots.cameras, shots.counts.sum(1), strict=True)}
    return max(one, key=lambda n: total[n]), max(other, key=lambda n: total[n])


def wrong_proportions(board: Board, finds: Mapping[str, CameraFinds]) -> list[Finding]:
    """Return one finding where parts of a board are not as large as it says, against others.

    Markers against their squares, and gaps against the tags beside them.
    """
    measured = np.concatenate([f.proportions for f in finds.values()])
    if len(measured) == 0 or not isinstance(board, Charuco | AprilGrid):
        return []
    got = float(np.median(measured))
    stated = board.gap / board.tag if isinstance(board, AprilGrid) else board.marker / board.square
    if abs(got / stated - 1) <= PROPORTION:
        return []
    if isinstance(board, AprilGrid):
        return [_wrong_gap(board, got, tuple(finds))]
    message = (
        f"in the pictures a marker is {got:.3f} of a square, but {board.spec} says {stated:.3f}: "
        "one of the two lengths is wrong; measure both on the print"
    )
    return [Finding("wrong-proportions", tuple(finds), message)]


def _wrong_gap(board: AprilGrid, got: float, cameras: tuple[str, ...]) -> Finding:
    gap = float(f"{got * board.tag:.2g}")
    ratio = " (Kalibr states the ratio, not the length)" if abs(board.gap - got) < 0.05 else ""
    message = (
        f"in the pictures the gaps are {100 * got:.0f} % of a tag, but {board.spec} says "
        f"{100 * board.gap / board.tag:.2g} %{ratio}: if the tag is right, state --board "
        f"{replace(board, gap=gap).spec}; measure both on the print"
    )
    return Finding("wrong-proportions", cameras, message)


def _steps(shots: Shots, c: int) -> Floats:
    """Return how far, in px, the median point moves from each instant to the next (S - 1,)."""
    steps = np.linalg.norm(np.diff(shots.pixels[c], axis=0), axis=-1)
    both = ~np.isnan(steps)
    return np.array(
        [
            np.median(row[good]) if good.any() else np.nan
            for row, good in zip(steps, both, strict=True)
        ]
    )


def _longest_run(condition: Mask) -> tuple[int, int]:
    """Return start and end (exclusive) of the longest stretch that is true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], condition.astype(np.int8), [0]])))
    starts, ends = edges[::2], edges[1::2]
    if len(starts) == 0:
        return 0, 0
    longest = int((ends - starts).argmax())
    return int(starts[longest]), int(ends[longest])


def other_dictionary(board: Charuco, footages: Mapping[str, Footage]) -> list[Finding]:
    """Return one finding where the pictures show markers of another dictionary than the board's."""
    pictures = [
        picture
        for footage in footages.values()
        for _, picture in footage.pictures(footage.numbers[[0, len(footage.numbers) // 2]])
    ]
    own = sum(_markers(picture, board.dictionary) for picture in pictures)
    counts = {name: sum(_markers(picture, name) for picture in pictures) for name in FAMILIES}
    name = max(counts, key=lambda family: counts[family])
    if counts[name] < max(ENOUGH_MARKERS * len(pictures), 2 * own):
        return []
    kind = f"{name.rsplit('_', 1)[0]}_..." if name.endswith("_1000") else name
    message = (
        f"the pictures show markers of {kind}, not of {board.dictionary}: name the board that was "
        "printed"
    )
    return [Finding("wrong-dictionary", tuple(footages), message)]


def _markers(picture: Gray, dictionary: str) -> int:
    detector = cv2.aruco.ArucoDetector(marker_dictionary(dictionary))
    return len(detector.detectMarkers(picture)[0])
