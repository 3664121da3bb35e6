"""Recordings that cannot be calibrated, and what is wrong with them, in plain words.

Where cameras contradict each other, explanations are tried out: a camera that mirrors its pictures,
one that runs late, two whose pictures were exchanged. One that makes the contradiction vanish is
named; nothing is repaired silently.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.calib.boards import Charuco, marker_dictionary
from mvboot.calib.extrinsics import Link, find_links, groups, link_errors
from mvboot.calib.find import CameraFinds
from mvboot.calib.finding import Finding
from mvboot.calib.intrinsics import Intrinsics, calibrate_camera
from mvboot.calib.shots import Shots
from mvboot.errors import InputError
from mvboot.formats.footage import Footage
from mvboot.formats.pictures import Gray

Mask = NDArray[np.bool_]

BLURRED = 2.5
"""Edge width, over that of the other cameras, beyond which pictures are called blurred."""

BLURRED_PX = 6.0
STILL_PX, MOVING_PX = 0.3, 3.0
FROZEN_INSTANTS = 5
CONTRADICTION = 0.004
"""Error over the picture's width beyond which two cameras contradict each other at an instant."""

CONTRADICTION_SPREADS = 6.0
MANY, FEW = 0.25, 0.1
"""Share of the instants that is a fault, and that an explanation may leave."""

LATEST = 10
ENOUGH_MARKERS = 2
"""Markers a picture on average from which another dictionary is believed."""

DICTIONARIES = [
    f"DICT_{bits}X{bits}_{size}" for bits in (4, 5, 6, 7) for size in (50, 100, 250, 1000)
] + ["DICT_APRILTAG_36h11", "DICT_ARUCO_ORIGINAL"]


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
        if own > BLURRED_PX and own > BLURRED * usual:
            message = (
                f"{seen}; they are out of focus or blurred by motion: their sharpest edges are "
                f"{own:.0f} px wide" + (f", {usual:.0f} px in the other cameras" if usual else "")
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
    found = []
    for c, name in enumerate(shots.cameras):
        rows = np.flatnonzero(shots.counts[c] > 0)
        others = np.delete(np.arange(len(shots.cameras)), c)
        if len(rows) < FROZEN_INSTANTS or len(others) == 0:
            continue
        elsewhere = max(_spread(shots, int(other), rows) for other in others)
        if _spread(shots, c, rows) < STILL_PX and elsewhere > MOVING_PX:
            message = (
                f"the board does not move in the {len(rows)} pictures of camera {name} while it "
                "does in the other cameras: the camera hung, or one picture was copied"
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


@dataclass(frozen=True)
class _State:
    """Detections, cameras, and at which instants each pair contradicts itself."""

    shots: Shots
    cameras: Mapping[str, Intrinsics]
    links: Sequence[Link]
    errors: Mapping[tuple[str, str], NDArray[np.float64]]

    @staticmethod
    def of(shots: Shots, cameras: Mapping[str, Intrinsics]) -> "_State":
        links = find_links(shots, cameras)
        errors = {(link.a, link.b): link_errors(shots, cameras, link) for link in links}
        return _State(shots, cameras, links, errors)

    def limit(self, b: str) -> float:
        """Return the error in px of camera b from which on an instant is a contradiction."""
        quarter = [np.nanpercentile(errors, 25) for errors in self.errors.values()]
        width = self.shots.sizes[self.shots.cameras.index(b)][0]
        return float(max(CONTRADICTION * width, CONTRADICTION_SPREADS * min(quarter)))

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
                lens = cameras[name].choice.name if known is None else ""
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
        f"frame{'s' if frames > 1 else ''} too {way}; trim its recording, or give --timestamps"
    )
    return _Hypothesis(Finding("unsynchronised", (name,), message), replace(shots, pixels=pixels))


def _exchanged(state: _State, a: str, b: str) -> _Hypothesis:
    shots, instants = state.shots, state.bad((a, b))
    i, j = shots.cameras.index(a), shots.cameras.index(b)
    pixels = shots.pixels.copy()
    pixels[i, instants], pixels[j, instants] = (
        shots.pixels[j, instants],
        shots.pixels[i, instants],
    )
    numbers = shots.numbers[instants]
    span = f"{numbers[0]} to {numbers[-1]}" if len(numbers) else "none"
    message = (
        f"the pictures of cameras {a} and {b} are exchanged in a part of the recording "
        f"({len(numbers)} instants, {span}, or all the others): sort the files"
    )
    return _Hypothesis(Finding("exchanged", (a, b), message), replace(shots, pixels=pixels))


def _unexplained(state: _State, name: str) -> Finding:
    pairs = [pair for pair in state.errors if name in pair]
    errors = np.concatenate([state.errors[pair] for pair in pairs])
    share = max(state.share(pair) for pair in pairs)
    message = (
        f"camera {name} contradicts the others: in {100 * share:.0f} % of the shared pictures the "
        f"board is not where they see it, by {np.nanmedian(errors):.0f} px in the middle; it was "
        "moved, zoomed or is not synchronous, or its pictures belong to another camera"
    )
    return Finding("misfit", (name,), message)


def _nearest(shots: Shots, one: Sequence[str], other: Sequence[str]) -> tuple[str, str]:
    """Return the pair of two groups that came closest to a shared view: most detections."""
    total = {name: int(n) for name, n in zip(shots.cameras, shots.counts.sum(1), strict=True)}
    return max(one, key=lambda n: total[n]), max(other, key=lambda n: total[n])


def _spread(shots: Shots, c: int, instants: NDArray[np.int64]) -> float:
    """Return how far, in px, the points of a camera move over these instants: the median point."""
    with np.errstate(all="ignore"):
        deviation = np.nanstd(shots.pixels[c, instants], axis=0).max(-1)
    many = shots.seen[c, instants].sum(0) >= min(FROZEN_INSTANTS, len(instants))
    return float(np.median(deviation[many])) if many.any() else 0.0


def other_dictionary(board: Charuco, footages: Mapping[str, Footage]) -> list[Finding]:
    """Return one finding where the pictures show markers of another dictionary than the board's."""
    pictures = [
        picture
        for footage in footages.values()
        for _, picture in footage.pictures(footage.numbers[:: max(1, len(footage.numbers) // 3)])
    ]
    counts = {name: sum(_markers(picture, name) for picture in pictures) for name in DICTIONARIES}
    best = max(counts.values())
    if best < ENOUGH_MARKERS * len(pictures) or counts[board.dictionary] * 2 > best:
        return []
    name = next(name for name in DICTIONARIES if counts[name] == best)  # the smallest that has all
    message = (
        f"the pictures show markers of {name}, not of {board.dictionary}: name the board that was "
        "printed"
    )
    return [Finding("wrong-dictionary", tuple(footages), message)]


def _markers(picture: Gray, dictionary: str) -> int:
    detector = cv2.aruco.ArucoDetector(marker_dictionary(dictionary))
    return len(detector.detectMarkers(picture)[0])
