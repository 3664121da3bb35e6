"""What a folder holds, and the option with which commands are given it."""

import shlex
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mvboot.errors import InputError
from mvboot.formats.detections import load_keypoints
from mvboot.formats.pattern import FIELD

PICTURES = frozenset((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"))
VIDEOS = frozenset((".mp4", ".avi", ".mkv", ".mov", ".m4v", ".webm"))
MOST = 1000
"""Files of a folder that are looked at."""


@dataclass(frozen=True)
class FolderKind:
    """What a folder holds.

    Parameters
    ----------
    what
        In words: pictures, videos, detections.
    option
        With which commands are given it, as --images.
    path
        What the option takes, quoted for a shell.
    """

    what: str
    option: str
    path: str


def folder_kind(folder: Path) -> FolderKind | None:
    """Return what a folder holds; None for an empty one and for anything else."""
    inside = _visible(folder)
    files = [path for path in inside if path.is_file()]
    deeper = [_visible(path) for path in inside if path.is_dir()]
    for what, option, suffixes in (
        ("pictures", "--images", PICTURES),
        ("videos", "--videos", VIDEOS),
    ):
        suffix = _common([path for paths in deeper for path in paths], suffixes)
        if suffix:
            return FolderKind(what, option, shlex.quote(f"{folder}/{FIELD}/*{suffix}"))
        suffix = _common(files, suffixes)
        if suffix and what == "videos":
            return FolderKind(what, option, shlex.quote(f"{folder}/{FIELD}{suffix}"))
    for path in [folder, *(files if len(files) == 1 else [])]:
        with suppress(InputError):
            load_keypoints(path)
            return FolderKind("detections", "--keypoints", shlex.quote(str(path)))
    return None


def _visible(folder: Path) -> list[Path]:
    shown = (path for path in folder.iterdir() if not path.name.startswith("."))
    return sorted(islice(shown, MOST))


def _common(paths: Iterable[Path], suffixes: frozenset[str]) -> str | None:
    """Return the one ending of all these files that are of a kind, None where none is."""
    found = {path.suffix for path in paths if path.suffix.lower() in suffixes}
    return found.pop() if len(found) == 1 else None
