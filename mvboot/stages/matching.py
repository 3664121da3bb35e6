"""Bring detections and a rig together: who is meant, and which camera is which."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mvboot.calib import Diagnosis, diagnose
from mvboot.calib.diagnosis import Names
from mvboot.errors import InputError
from mvboot.formats.alignment import AS_IT_IS, Alignment
from mvboot.formats.detections import load_keypoints, match_cameras
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.sides import left_right_pairs
from mvboot.stages.output import Output
from mvboot.stages.settings.base import DetectionSettings
from mvboot.words import listed

LARGEST = "largest"
"""The subject that is chosen by its size in each picture."""


def alignment_of(told: DetectionSettings, rig: Rig) -> Alignment:
    """Return what must be undone; InputError where it does not fit the rig."""
    stated = Alignment(told.timestamps, told.offset, told.crop)
    stated.check(rig)
    return stated


def matched(
    keypoints: Keypoints2D,
    rig: Rig,
    camera_map: Mapping[str, str],
    alignment: Alignment = AS_IT_IS,
) -> Keypoints2D:
    """Return the detections with the rig's camera names, order, instants and pixels.

    ``camera_map`` (keypoint camera to rig camera, see `match_cameras`) names every camera of the
    rig; keypoint cameras that it leaves out are dropped.
    """
    paired = keypoints.for_cameras(list(camera_map)).renamed(camera_map)
    counted = keypoints.source.get("rows", {})
    rows = {there: counted[here] for here, there in camera_map.items() if here in counted}
    return alignment.applied(paired.for_cameras(rig.names), rows)


def paired(
    names: Sequence[str], found: Sequence[str], chosen: Sequence[str], given: Mapping[str, str]
) -> dict[str, str]:
    """Return which of the ``names`` each camera of detections has.

    Of the cameras that were ``found`` only the ``chosen`` count, all where none is; ``given`` are
    the pairs that were stated. InputError for cameras without a partner (`match_cameras`).
    """
    wanted = {*(chosen or found), *given}
    seen = tuple(name for name in found if name in wanted) or found
    return match_cameras(names, seen, given)


def say_pairs(names: Mapping[str, str], say: Output, how: str = "cameras paired") -> None:
    """Say which cameras were paired under different names."""
    renamed = ", ".join(f"{a} is {b}" for a, b in names.items() if a != b)
    if renamed:
        say.say(f"{how}: {renamed}")


def check_subject(keypoints: Keypoints2D, subject: str | None, where: str | Path) -> None:
    """Raise InputError where the subject does not exist, or one must be chosen and none is."""
    if subject is None and not keypoints.identified:
        raise InputError(
            f"there are up to {len(keypoints.individuals)} people in a picture and nothing says "
            f"who is who in the other cameras; choose with --subject {LARGEST}, or give them names "
            "of their own in the files (numbers such as ind1 or track_0 are no names)",
            where=where,
        )
    if subject not in (None, LARGEST, *keypoints.individuals):
        raise InputError(
            f"there is no individual {subject!r}; there are "
            f"{listed(keypoints.individuals)}, or {LARGEST}",
            where=where,
        )
    if subject not in (None, LARGEST) and not keypoints.identified:
        raise InputError(
            f"{subject} is a number that each camera's file gave on its own, not one individual in "
            f"all of them; choose --subject {LARGEST}, or give individuals names of their own in "
            "the files",
            where=where,
        )


def of_subject(keypoints: Keypoints2D, subject: str | None, min_confidence: float) -> Keypoints2D:
    """Return the detections of one individual; of all where ``subject`` is None."""
    if subject is None:
        return keypoints
    if subject == LARGEST:
        return keypoints.largest(min_confidence)
    return keypoints.of(subject)


def diagnosed(
    rig: Rig, everyone: Keypoints2D, told: DetectionSettings, camera_map: Mapping[str, str]
) -> Diagnosis:
    """Return how well the detections of the subject fit the rig, and why not better.

    ``everyone`` has all individuals, with the rig's cameras; ``camera_map`` tells what they were
    called, for advice.
    """
    chosen = of_subject(everyone, told.subject, told.min_confidence).above(told.min_confidence)
    pairs = left_right_pairs(everyone.keypoints)
    names = Names(
        cameras={there: here for here, there in camera_map.items()},
        sides=pairs | {b: a for a, b in pairs.items()},
        offsets=told.offset,
        largest=told.subject == LARGEST,
    )
    people = None if told.subject is None else everyone.above(told.min_confidence)
    return diagnose(rig, chosen, people, names)


def diagnosis_of(rig: Rig, pattern: str, told: DetectionSettings) -> tuple[Diagnosis, list[str]]:
    """Return what the detections in files say about a rig, and what was noted when reading them."""
    everyone, names = _everyone(rig, pattern, told)
    return diagnosed(rig, everyone, told, names), notes(everyone.source)


def detections_of(rig: Rig, pattern: str, told: DetectionSettings) -> Keypoints2D:
    """Return the confident detections of the subject, as the rig's cameras would have them."""
    everyone, _ = _everyone(rig, pattern, told)
    return of_subject(everyone, told.subject, told.min_confidence).above(told.min_confidence)


def notes(source: Mapping[str, Any]) -> list[str]:
    """Return what a reader found worth telling about a file."""
    noted = source.get("notes", ())
    return [str(note) for note in (noted if isinstance(noted, list | tuple) else [noted])]


def _everyone(
    rig: Rig, pattern: str, told: DetectionSettings
) -> tuple[Keypoints2D, dict[str, str]]:
    alignment = alignment_of(told, rig)
    known = (*rig.names, *told.camera_map)
    found = load_keypoints(pattern, told.keypoints_format, known, alignment.timed)
    check_subject(found, told.subject, pattern)
    names = match_cameras(rig.names, found.cameras, told.map_for(found.cameras))
    return matched(found, rig, names, alignment), names
