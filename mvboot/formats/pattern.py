"""``{camera}`` and ``{frame}`` in paths: which files belong to which camera and which frame."""

import re
from pathlib import Path

from mvboot.errors import InputError
from mvboot.files import natural_key

FIELD = "{camera}"
FRAME = "{frame}"


def expand(pattern: str) -> dict[str, list[Path]]:
    """Return the paths of each camera, by the text that ``{camera}`` stands for.

    ``*`` and ``?`` match within one part of the path, ``{frame}`` matches digits; everything else
    is literal, brackets too. Hidden files count only where the pattern itself starts with a dot.
    A camera's name never spans a path separator; a field may appear again and then means the same
    text. InputError where the pattern has no ``{camera}``, where nothing matches (it says how far
    the path exists), and where ``{camera}`` is a whole part of the path and a folder there holds
    no file that matches.
    """
    return {name: [path for path, _ in pairs] for name, pairs in _matched(pattern).items()}


def frames(pattern: str) -> dict[str, dict[int, Path]]:
    """Return the path of each frame of each camera, in increasing order of the frames' numbers.

    The number is what ``{frame}`` stands for; in a pattern without it, the last digits of the
    file's name, the suffix and the camera's own name aside: 3 in ``cam01_03_int.jpg`` of ``cam01``.
    InputError as for `expand`, where a file has no number, and where two of a camera share one.
    """
    found: dict[str, dict[int, Path]] = {}
    for camera, pairs in _matched(pattern).items():
        numbered: dict[int, Path] = {}
        for path, match in pairs:
            digits = match["frame"] if FRAME in pattern else _last_digits(pattern, camera, path)
            number = _frame_number(digits, path)
            if number in numbered:
                raise InputError(
                    f"camera {camera}: {numbered[number]} and {path} both have the number "
                    f"{number}; write {FRAME} where the frame's number stands",
                    where=pattern,
                )
            numbered[number] = path
        found[camera] = dict(sorted(numbered.items()))
    return found


def _matched(pattern: str) -> dict[str, list[tuple[Path, re.Match[str]]]]:
    """Return each camera's paths, in natural order, with what the fields stand for in them."""
    if FIELD not in pattern:
        raise InputError(f"write {FIELD} where the camera's name stands", where=pattern)
    root, parts = _fixed_root(pattern)
    regex = re.compile(_regex("/".join(parts)))
    found: dict[str, list[tuple[Path, re.Match[str]]]] = {}
    for path in sorted(_candidates(root, parts), key=natural_key):
        match = regex.fullmatch("/".join(path.relative_to(root).parts))
        if match:
            found.setdefault(match["camera"], []).append((path, match))
    if not found:
        raise InputError(_nothing(root, parts), where=pattern)
    empty = _empty_cameras(root, parts) - set(found)
    if empty:
        raise InputError(
            f"no file of camera {', '.join(sorted(empty, key=natural_key))} matches; every folder "
            f"in the place of {FIELD} counts as a camera: add its files or move the folder away",
            where=pattern,
        )
    return {name: found[name] for name in sorted(found, key=natural_key)}


def _empty_cameras(root: Path, parts: list[str]) -> set[str]:
    """Return the folders that stand where ``{camera}`` is a whole part of the path.

    A folder of results, as every command writes with ``--out``, is no camera.
    """
    place = next(i for i, part in enumerate(parts) if FIELD in part)
    if parts[place] != FIELD or place == len(parts) - 1:
        return set()
    folders = (path for path in _candidates(root, parts[: place + 1]) if path.is_dir())
    return {path.name for path in folders if not (path / "summary.json").is_file()}


def _last_digits(pattern: str, camera: str, path: Path) -> str:
    """Return the last run of digits in the file's name; none of them belong to the camera's name.

    A camera whose name is a bare number is taken out only where the pattern says it stands.
    """
    pieces = Path(pattern).name.split(FIELD)
    around = re.escape(camera).join(f"({_regex(piece)})" for piece in pieces)
    match = re.fullmatch(around, path.name)
    rest = Path(" ".join(match.groups() if match else [path.name])).stem
    if not camera.isdigit():
        rest = re.sub(rf"(?<![0-9]){re.escape(camera)}(?![0-9])", " ", rest)
    runs: list[str] = re.findall("[0-9]+", rest)
    return runs[-1] if runs else ""


def _frame_number(digits: str, path: Path) -> int:
    if not digits and path.is_dir():
        raise InputError("is a folder; write the pictures in it too, as in FOLDER/*.jpg", path)
    if not digits:
        raise InputError(
            "has no number in its name; give pictures of the same instant the same number and "
            f"write {FRAME} where it stands",
            where=path,
        )
    if int(digits) >= 2**63:
        raise InputError(
            f"the number {digits} is too long for a frame; write {FRAME} where its number stands",
            where=path,
        )
    return int(digits)


def _fixed_root(pattern: str) -> tuple[Path, list[str]]:
    parts = Path(pattern).parts
    variable = next(i for i, part in enumerate(parts) if _is_variable(part))
    return Path(*parts[:variable]) if variable else Path(), list(parts[variable:])


def _is_variable(part: str) -> bool:
    return any(token in part for token in (FIELD, FRAME, "*", "?"))


def _regex(part: str) -> str:
    pieces, seen = [], set()
    for piece in re.split(r"(\{camera\}|\{frame\}|\*|\?)", part):
        if piece in (FIELD, FRAME):
            name, text = ("camera", "[^/]+?") if piece == FIELD else ("frame", "[0-9]+")
            pieces.append(f"(?P={name})" if name in seen else f"(?P<{name}>{text})")
            seen.add(name)
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
            if fits.fullmatch(child.name) and (child.name[0] != "." or part[0] == ".")
        ]
    return level


def _nothing(root: Path, parts: list[str]) -> str:
    if not root.is_dir():
        return f"nothing matches: there is no folder {root}"
    there = sorted((child.name for child in root.iterdir()), key=natural_key)
    shown = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "")
    return f"nothing matches {'/'.join(parts)} in {root}, which holds {shown or 'nothing'}"
