"""What the detections of a recording say about a rig, and why they contradict it if they do.

Causes that are easily mended are looked for first: exchanged names, frames out of step, individuals
who are mixed up, other pictures. Only what none of them explains is the calibration's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mvboot.calib.consistency import POINTS, TIMES, Agreement, Evidence, agreement, outcasts
from mvboot.calib.finding import Finding
from mvboot.calib.lateness import late_cameras
from mvboot.calib.mistakes import REVERSED, reposed
from mvboot.calib.names import exchanged_names
from mvboot.calib.people import Doubts, Identity, doubts, in_words, mixed_up
from mvboot.calib.pictures import other_pictures
from mvboot.calib.rays import Rays
from mvboot.calib.suspicion import Suspicion
from mvboot.errors import InputError
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig

RUNS = 4
"""Stretches of consecutive frames that are looked at, where there are many."""

SHORTEST_RUN = 24


@dataclass(frozen=True)
class Names:
    """What things are called, for advice that works.

    Parameters
    ----------
    cameras
        The name a camera's detections came with, by its name in the rig; left out: the same.
    offsets
        Frames that a camera was said to be late, by its name: advice is added to it.
    sides
        The keypoint of the other side by name, in both directions.
    largest
        Whether the individual was chosen by its size in each picture.
    """

    cameras: Mapping[str, str] = field(default_factory=dict)
    offsets: Mapping[str, int] = field(default_factory=dict)
    sides: Mapping[str, str] = field(default_factory=dict)
    largest: bool = False


@dataclass(frozen=True)
class Diagnosis:
    """How well detections fit a rig, and why not better.

    Parameters
    ----------
    rig
        The cameras, in the order of ``agreement``.
    agreement
        Errors of every pair and camera, and what the noise of the detections allows.
    findings
        Faults by name: ``swapped-names``, ``late-camera``, ``mixed-individuals``,
        ``exchanged-individuals``, ``exchanged-sides``, ``flipped-pictures``, ``resized-pictures``,
        ``mirrored-world``, ``inverse-pose`` or ``inconsistent-keypoints``; () where all fits.
    doubts
        What must be said though it is no fault: frames in which individuals may be mixed up.
    """

    rig: Rig
    agreement: Agreement
    findings: tuple[Finding, ...]
    doubts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return plain values; None where nothing was judged."""
        names, a = self.rig.names, self.agreement
        return {
            "per_camera": {
                name: {
                    "left_out_px": _plain(a.left_out[c]),
                    "left_out_allowed_px": _plain(a.left_out_allowed[c]),
                }
                for c, name in enumerate(names)
            },
            "per_pair": [
                {
                    "cameras": [names[i], names[j]],
                    "epipolar_px": _plain(a.px[i, j]),
                    "allowed_px": _plain(a.allowed[i, j]),
                }
                for i in range(len(names))
                for j in range(i + 1, len(names))
                if a.judged[i, j]
            ],
        }


def diagnose(
    rig: Rig,
    keypoints: Keypoints2D,
    everyone: Keypoints2D | None = None,
    names: Names | None = None,
) -> Diagnosis:
    """Return how well the detections of a recording fit the rig, and what is wrong if they do not.

    Parameters
    ----------
    rig
        The cameras; every one must have keypoints of its name (InputError).
    keypoints
        Confident detections of the same points by several cameras, in consecutive frames where
        lateness is to be seen; InputError where an individual is not the same one in all cameras
        (choose one first, `Keypoints2D.largest`).
    everyone
        The same frames with all individuals, where one was chosen.
    names
        What things are called, for advice.
    """
    if not keypoints.identified:
        raise InputError("choose one individual first: the cameras list them in different orders")
    names = names or Names()
    rows = watched(keypoints.for_cameras(rig.names))
    seen = keypoints.for_cameras(rig.names).at_rows(rows)
    people = seen if everyone is None else everyone.for_cameras(rig.names).at_rows(rows)
    doubted = doubts(rig, Identity.of(people, seen))
    evidence = Evidence.of(rig, seen)
    suspicion = Suspicion(evidence, agreement(evidence))
    if suspicion.given.fits:
        mixed = mixed_up(rig, doubted, names.largest)
        said = (in_words(rig, doubted, names.largest),) if doubted.frames.any() else ()
        return Diagnosis(rig, suspicion.given, *(((mixed,), ()) if mixed else ((), said)))
    return _explained(suspicion, doubted, names)


def _explained(suspicion: Suspicion, doubted: Doubts, names: Names) -> Diagnosis:
    rig, given = suspicion.evidence.rig, suspicion.given
    mixed = mixed_up(rig, doubted, names.largest)
    found = _cause(suspicion, names)
    if mixed and not found:
        return Diagnosis(rig, given, (mixed,))
    return Diagnosis(rig, given, found or _unexplained(suspicion))


def _cause(suspicion: Suspicion, names: Names) -> tuple[Finding, ...]:
    """Return the first cause that explains the contradiction, of those that are easily mended."""
    if len(suspicion.evidence.rig) < 2:
        return ()
    swapped = exchanged_names(suspicion, names.cameras)
    if swapped:
        return (swapped,)
    late = late_cameras(suspicion, names.offsets)
    if late:
        return tuple(late)
    other = other_pictures(suspicion, names.sides)
    if other:
        return (other,)
    return _poses(suspicion)


def watched(keypoints: Keypoints2D) -> NDArray[np.int64]:
    """Return rows of frames with about `POINTS` points, in stretches of consecutive frames."""
    shared = (keypoints.present.sum(0) >= 2).sum((1, 2))
    rows = np.flatnonzero(shared)
    if shared.sum() <= POINTS or len(rows) <= RUNS * SHORTEST_RUN:
        return rows
    length = max(SHORTEST_RUN, int(POINTS / shared[rows].mean() / RUNS))
    starts = np.linspace(0, max(0, len(rows) - length), RUNS).astype(int)
    return np.asarray(rows[np.unique((starts[:, None] + np.arange(length)).clip(0, len(rows) - 1))])


def _poses(suspicion: Suspicion) -> tuple[Finding, ...]:
    """Return what is wrong with how the poses are stored, if the detections tell it."""
    rig, given = suspicion.evidence.rig, suspicion.given
    judged = given.judged
    with np.errstate(invalid="ignore"):
        near = given.px <= TIMES * given.allowed
    if near[judged].all() and (given.behind[judged] > 0.5).all():
        message = (
            "the detections fit the rig, but all points lie behind the cameras: the world is "
            "mirrored; flip one axis of the world in the program that wrote the rig"
        )
        return (Finding("mirrored-world", rig.names, message),)
    everyone = _reversed(suspicion, list(range(len(rig))))
    if everyone:
        return (everyone,)
    wrong = outcasts(suspicion.evidence, given)
    single = [_reversed(suspicion, [i]) for i in wrong] if len(wrong) < len(rig) else []
    return tuple(finding for finding in single if finding) if single and all(single) else ()


def _reversed(suspicion: Suspicion, which: list[int]) -> Finding | None:
    rig, keypoints = suspicion.evidence.rig, suspicion.evidence.keypoints
    names = tuple(rig.names[i] for i in which)
    for what, undo in REVERSED.items():
        rays = Rays.of(reposed(rig, undo, which), keypoints)
        if suspicion.gain(rays, which) and suspicion.is_noise(rays, which):
            message = (
                f"the detections of {_listed(names)} contradict the rig, but not if the file "
                f"holds {what}; store world-to-camera poses, x_cam = R x_world + t"
            )
            return Finding("inverse-pose", names, message)
    return None


def _unexplained(suspicion: Suspicion) -> tuple[Finding, ...]:
    """Return what is left to the calibration: the cameras that most others contradict."""
    rig, given = suspicion.evidence.rig, suspicion.given
    evidence = suspicion.evidence
    wrong = outcasts(evidence, given) if given.bad.any() else _left_out(suspicion)
    if len(rig) == 2 or (given.bad.sum() == 2 and len(wrong) == 2):
        return (_pair(rig, given, *wrong),)
    if len(wrong) == len(rig):
        return (Finding("inconsistent-keypoints", rig.names, _nothing_fits(rig, given)),)
    return tuple(_odd_one(rig, given, i) for i in wrong)


def _left_out(suspicion: Suspicion) -> list[int]:
    """Return the one camera without which all others fit, or all: rays that agree two by two."""
    count = len(suspicion.evidence.rig)
    allowed = suspicion.given.left_out_allowed
    alone = []
    for c in range(count) if count > 3 else ():
        others = [i for i in range(count) if i != c]
        rest = suspicion.evidence.rays.subset(others).left_out()
        seen = [row[np.isfinite(row)] for row in rest]
        error = np.array([np.median(row) if len(row) else np.nan for row in seen])
        if not (error > TIMES * allowed[others]).any():
            alone.append(c)
    return alone if len(alone) == 1 else list(range(count))


def _odd_one(rig: Rig, given: Agreement, i: int) -> Finding:
    name = rig.names[i]
    message = (
        f"camera {name} contradicts the others: {_figures(given, i)}. No exchange of names, no "
        "lateness and no flipped picture explains it: it was moved, or its pictures were cropped; "
        f"{_mend(rig)}"
    )
    return Finding("inconsistent-keypoints", (name,), message)


def _pair(rig: Rig, given: Agreement, i: int, j: int) -> Finding:
    names = (rig.names[i], rig.names[j])
    message = (
        f"cameras {_listed(names)} contradict each other by {given.px[i, j]:.3g} px (median "
        f"distance from the epipolar line; their noise allows {given.allowed[i, j]:.2g}), and "
        "nothing tells which is wrong. No exchange of names, no lateness and no flipped picture "
        f"explains it: one was moved, or its pictures were cropped; {_mend(rig)}"
    )
    return Finding("inconsistent-keypoints", names, message)


def _nothing_fits(rig: Rig, given: Agreement) -> str:
    return (
        f"the cameras contradict one another: {_figures(given)}. No exchange of names, no lateness "
        "and no flipped picture explains it: the rig is of another recording, cameras were moved, "
        f"or pictures were cropped; {_mend(rig)}"
    )


def _figures(given: Agreement, i: int | None = None) -> str:
    """Return the errors of a camera, or of all, against what the noise allows, in words."""
    chosen = slice(None) if i is None else i
    bad = given.bad[chosen] if given.bad[chosen].any() else given.judged[chosen]
    if given.bad[chosen].any() or not given.bad_left_out[chosen].any():
        return (
            f"{np.median(given.px[chosen][bad]):.3g} px off the epipolar lines (median), where "
            f"their noise allows {np.median(given.allowed[chosen][bad]):.2g}"
        )
    return (
        f"{np.nanmax(given.left_out[chosen]):.3g} px from the points of the others (median), where "
        f"their noise allows {np.nanmax(given.left_out_allowed[chosen]):.2g}"
    )


def _mend(rig: Rig) -> str:
    if len(rig) < 3 or rig.is_moving:
        return "state a crop with --crop, or calibrate again"
    return "state a crop with --crop, else try mvboot rig refine, or calibrate again"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) < 6 else f"{', '.join(names[:4])}, ... ({len(names)})"


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
