"""The frame's number in the name of a picture or of a file of detections."""

import re
from pathlib import Path

from mvboot.errors import InputError

MOST = 2**63
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
HASH = re.compile(r"(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{8,}", re.IGNORECASE)
COUNTED = re.compile(r"[a-f]+[0-9]+", re.IGNORECASE)
"""Letters and then a number, as in ``cafe0012``: a name that is counted, not a hash."""
LONG = 16
SUFFIXES = {"mp4", "mp3", "m4v", "jp2", "h264", "h265"}
"""Of videos and pictures, which tools put in the middle of a name."""


def frame_number(name: str, where: Path) -> int:
    """Return the last number in a file's name, folders and suffix aside.

    Digits of hashes (as labelling services add them) and of suffixes of videos are no number.
    InputError where there is none, or where it is too long.
    """
    digits = numbers_in(Path(name).stem.removesuffix("_keypoints"))
    if not digits:
        raise InputError(f"the name {name[-60:]!r} holds no frame number", where=where)
    if len(digits[-1]) > 19 or int(digits[-1]) >= MOST:
        raise InputError(f"the number in the name {name[-60:]!r} is too long", where=where)
    return int(digits[-1])


def numbers_in(stem: str) -> list[str]:
    """Return the runs of digits in a name, those of hashes and of suffixes of videos left out."""
    words = re.split(r"[^0-9A-Za-z]+", UUID.sub(" ", stem))
    digits: list[str] = re.findall(r"[0-9]+", " ".join(w for w in words if not _is_noise(w)))
    return digits


def _is_noise(word: str) -> bool:
    if word.lower() in SUFFIXES:
        return True
    counted = COUNTED.fullmatch(word) and len(word) < LONG
    return HASH.fullmatch(word) is not None and not counted
