"""Writing that never leaves half a file behind, and hashes that say which input was read."""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mvboot.errors import InputError, unfinished

PARTIAL = ".partial-"
"""How names of unfinished folders begin; the number of their process follows."""
SHOWN = 5
_looked_into: set[Path] = set()


MAX_NAME = 200
"""Bytes of a name that becomes a file's; file systems allow 255 with what is added to it."""


def safe_name(name: str, what: str, where: str | Path | None = None) -> str:
    """Return a name from a file (camera, keypoint, ...) that may become part of a path.

    InputError for a name that would leave its folder or that file systems do not allow: empty,
    ``.`` and ``..``, slashes, control characters, more than 200 bytes. ``what`` says whose name it
    is.
    """
    unsafe = set(name) & {"/", "\\", ":"} or not name.isprintable() or name != name.strip()
    if unsafe or name in ("", ".", "..") or len(name.encode()) > MAX_NAME:
        raise InputError(
            f"{what} {_shown(name)!r} cannot be part of a file's name; rename it first", where=where
        )
    return name


def require_readable(names: Iterable[str], what: str, where: str | Path) -> None:
    """Raise InputError for a name that cannot be shown or typed.

    That is one that is empty, has control characters (they move a terminal's cursor and colours),
    or has more than 200 bytes. ``what`` says whose names they are.
    """
    for name in names:
        control = any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
        if control or not name.strip() or len(name.encode("utf-8", "replace")) > MAX_NAME:
            raise InputError(
                f"has a {what} called {_shown(name)!r}, which is empty, too long or no text; "
                "rename it",
                where=where,
            )


def _shown(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:40]}..."


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a path to write to; it becomes ``path`` when the block ends, and vanishes if it fails.

    The temporary file lies in the same folder and keeps the suffix, so that writers which look at
    it still work. Missing parent folders are made.
    """
    path = Path(path)
    with _beside(path) as folder:
        partial = folder / path.name
        yield partial
        partial.replace(path)


def require_free(out: Path, overwrite: bool = False) -> None:
    """Raise InputError where ``out`` is or lies under a file, or holds something that must stay."""
    for path in (out, *out.parents):
        if path.exists() and not path.is_dir():
            raise InputError("is a file; --out must name a folder", where=path)
    if not overwrite and out.exists() and any(out.iterdir()):
        raise InputError(
            "the folder is not empty; choose another --out or add --overwrite", where=out
        )


@contextmanager
def atomic_folder(out: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty folder to fill; its content moves to ``out`` when the block ends well.

    An ``out`` that already holds something raises InputError before any work, unless
    ``overwrite``; then entries of the same name are replaced and others are left alone.
    """
    out = Path(out)
    require_free(out, overwrite)
    with _beside(out) as folder:
        yield folder
        out.mkdir(exist_ok=True)
        for entry in sorted(folder.iterdir()):
            target = out / entry.name
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            elif entry.is_dir():
                target.unlink(missing_ok=True)
            entry.replace(target)


def write_json(content: Any, path: str | Path) -> None:
    """Write plain values as indented JSON."""
    with atomic_file(path) as partial:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        partial.write_text(text + "\n", encoding="utf-8")


@contextmanager
def _beside(out: Path) -> Iterator[Path]:
    """Yield a temporary folder next to ``out``.

    If the block fails, parents that were made for it go as well, and an error of writing names
    ``out``: a full disk names no file, and the temporary folder is nobody's concern.
    """
    missing = [parent for parent in out.parents if not parent.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _mention_leftovers(out.parent)
        prefix = f"{PARTIAL}{os.getpid()}-"
        with tempfile.TemporaryDirectory(prefix=prefix, dir=out.parent) as name:
            folder = Path(name)
            unfinished[folder] = missing
            try:
                yield folder
            finally:
                del unfinished[folder]
    except BaseException as error:
        for parent in missing:
            with suppress(OSError):  # somebody else has put something there
                parent.rmdir()
        if isinstance(error, OSError) and _is_ours(error):
            error.filename = str(out)
        raise


def _mention_leftovers(parent: Path) -> None:
    """Warn, once for each folder, of what killed commands left unfinished in it."""
    if parent in _looked_into:
        return
    _looked_into.add(parent)
    left = [path.name for path in sorted(parent.glob(f"{PARTIAL}*")) if not _is_written(path.name)]
    if left:
        print(
            f"warning: {parent} holds what killed commands left unfinished, which may be deleted: "
            f"{', '.join(left[:SHOWN])}{f' ({len(left)} in all)' if len(left) > SHOWN else ''}",
            file=sys.stderr,
        )


def _is_written(name: str) -> bool:
    """Whether the process that began an unfinished folder still runs."""
    process = re.match(rf"{re.escape(PARTIAL)}(\d+)-", name)
    if process is None:
        return False
    if os.name != "posix":
        return True  # asking would end it there
    try:
        os.kill(int(process[1]), 0)
        return True
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True


def _is_ours(error: OSError) -> bool:
    if error.filename is None:
        return not isinstance(error, ConnectionError)  # who reads our words may go away
    return PARTIAL in str(error.filename)


def natural_key(path: str | Path) -> list[tuple[int, str]]:
    """Return a sorting key that puts ``cam2`` before ``cam10``; for display and stable order."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", Path(path).name)
    ]


def hash_file(*paths: str | Path) -> str:
    """Return the first 16 hex digits of the SHA-256 of a file, or of several one after another."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:16]
