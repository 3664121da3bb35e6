"""``{camera}`` in paths: which files belong to which camera."""

import re
from pathlib import Path

from mvboot.errors import InputError
from mvboot.files import natural_key

FIELD = "{camera}"


def expand(pattern: str) -> dict[str, list[Path]]:
    """Return the paths of each camera, by the text that ``{camera}`` stands for.

    ``*`` and ``?`` match within one part of the path; everything else is literal, brackets too.
    A camera's name never spans a path separator; ``{camera}`` may appear again and then means the
    same name. InputError where nothing matches, saying how far the path exists.
    """
    root, parts = _fixed_root(pattern)
    regex = re.compile(_regex("/".join(parts)))
    found: dict[str, list[Path]] = {}
    for path in _candidates(root, parts):
        match = regex.fullmatch("/".join(path.relative_to(root).parts))
        if match:
            found.setdefault(match["camera"], []).append(path)
    if not found:
        raise InputError(_nothing(root, parts), where=pattern)
    return {
        name: sorted(found[name], key=lambda path: natural_key(path))
        for name in sorted(found, key=natural_key)
    }


def _fixed_root(pattern: str) -> tuple[Path, list[str]]:
    parts = Path(pattern).parts
    variable = next(i for i, part in enumerate(parts) if _is_variable(part))
    return Path(*parts[:variable]) if variable else Path(), list(parts[variable:])


def _is_variable(part: str) -> bool:
    return FIELD in part or "*" in part or "?" in part


def _regex(part: str) -> str:
    pieces, seen = [], False
    for piece in re.split(r"(\{camera\}|\*|\?)", part):
        if piece == FIELD:
            pieces.append("(?P=camera)" if seen else "(?P<camera>[^/]+?)")
            seen = True
        elif piece in ("*", "?"):
            pieces.append("[^/]*" if piece == "*" else "[^/]")
        else:
            pieces.append(re.escape(piece))
    return "".join(pieces)


def _candidates(root: Path, parts: list[str]) -> list[Path]:
    """Return the paths below ``root`` that fit the parts one by one, cameras not yet compared."""
    level = [root]
    for part in parts:
        fits = re.compile(_regex(part))
        level = [
            child
            for folder in level
            if folder.is_dir()
            for child in folder.iterdir()
            if fits.fullmatch(child.name)
        ]
    return level


def _nothing(root: Path, parts: list[str]) -> str:
    if not root.is_dir():
        return f"nothing matches: there is no folder {root}"
    there = sorted((child.name for child in root.iterdir()), key=natural_key)
    shown = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "")
    return f"nothing matches {'/'.join(parts)} in {root}, which holds {shown or 'nothing'}"
