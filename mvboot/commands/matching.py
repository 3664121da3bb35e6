"""Bring detections and a rig together: who is meant, and which camera is which."""

from collections.abc import Mapping
from pathlib import Path

from mvboot.calib import Finding, check_keypoints
from mvboot.errors import InputError
from mvboot.formats.detections import load_keypoints, match_cameras
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig

LARGEST = "largest"
"""The subject that is chosen by its size in each picture."""


def matched(keypoints: Keypoints2D, rig: Rig, camera_map: Mapping[str, str]) -> Keypoints2D:
    """Return the detections with the rig's camera names and order.

    ``camera_map`` (keypoint camera to rig camera, see `match_cameras`) names every camera of the
    rig; keypoint cameras that it leaves out are dropped.
    """
    paired = keypoints.for_cameras(list(camera_map)).renamed(camera_map)
    return paired.for_cameras(rig.names)


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
            f"{', '.join(keypoints.individuals)}, or {LARGEST}",
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


def findings_by_keypoints(
    rig: Rig, pattern: str, subject: str | None, min_confidence: float
) -> tuple[Finding, ...]:
    """Return the faults of a rig that only detections of its cameras can tell."""
    keypoints = load_keypoints(pattern)
    check_subject(keypoints, subject, pattern)
    named = matched(keypoints, rig, match_cameras(rig.names, keypoints.cameras))
    chosen = of_subject(named, subject, min_confidence)
    return check_keypoints(rig, chosen.above(min_confidence))
