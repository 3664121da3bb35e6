"""``{camera}`` and ``{frame}`` in paths: which files belong to which camera and which frame."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from mvboot.errors import InputError
from mvboot.files import natural_key
from mvboot.formats.frame_names import numbers_in
from mvboot.words import listed

FIELD = "{camera}"
FRAME = "{frame}"
WILD = ("*", "?")


def expand(pattern: str, cameras: Sequence[str] = ()) -> dict[str, list[Path]]:
    """Return the paths of each camera, by the text that ``{camera}`` stands for.

    ``*`` and ``?`` match within one part of the path, ``{frame}`` matches digits; everything else
    is literal, brackets too. Hidden files count only where the pattern itself starts with a dot.
    A camera's name never spans a path separator; a field may appear again and then means the same
    text. Where ``{camera}`` can stand for several texts, it is one of ``cameras`` (a rig's names,
    spelling aside) if the path has one of them, else the shortest text.

    InputError where the pattern has no ``{camera}``, where nothing matches (it says how far the
    path exists), where ``{camera}`` stands beside ``*`` and no name tells where it ends, and where
    ``{camera}`` is a whole part of the path and a folder there holds no file that matches.
    """
    matched = _matched(pattern, cameras)
    return {name: [path for path, _ in pairs] for name, pairs in matched.items()}


def frames(pattern: str, cameras: Sequence[str] = ()) -> dict[str, dict[int, Path]]:
    """Return the path of each frame of each camera, in increasing order of the frames' numbers.

    The number is what ``{frame}`` stands for; in a pattern without it, the last digits of the
    file's name, the suffix and the camera's own name aside: 3 in ``cam01_03_int.jpg`` of ``cam01``.
    InputError as for `expand`, where a file has no number, and where two of a camera share one.
    """
    found: dict[str, dict[int, Path]] = {}
    for camera, pairs in _matched(pattern, cameras).items():
        numbered: dict[int, Path] = {}
        for path, match in pairs:
            digits = match["frame"] if FRAME in pattern else _last_digits(pattern, camera, path)
            number = _frame_number(digits, path)
            if number in numbered:
                advice = _framed(pattern, camera, [path for path, _ in pairs])
                raise InputError(
                    f"camera {camera}: {numbered[number].name} and {path.name} both have the "
                    f"number {number}; write {FRAME} where the frame's number stands{advice}",
                    where=pattern,
                )
            numbered[number] = path
        found[camera] = dict(sorted(numbered.items()))
    return found


def require_field(pattern: str) -> None:
    """Raise InputError for a pattern without ``{camera}``; it names what was written instead."""
    if FIELD in pattern:
        return
    wrong = _strange_field(pattern)
    if wrong:
        raise InputError(f"write {FIELD}, not {wrong}, where the camera's name stands", pattern)
    raise InputError(f"write {FIELD} where the camera's name stands", where=pattern)


def _strange_field(pattern: str) -> str | None:
    """Return the first ``{word}`` that is none of our fields."""
    words = re.findall(r"\{\w*\}", pattern)
    return next((word for word in words if word not in (FIELD, FRAME)), None)


def _matched(
    pattern: str, cameras: Sequence[str] = ()
) -> dict[str, list[tuple[Path, re.Match[str]]]]:
    """Return each camera's paths, in natural order, with what the fields stand for in them."""
    require_field(pattern)
    root, parts = _fixed_root(pattern)
    whole = "/".join(parts)
    found: dict[str, list[tuple[Path, re.Match[str]]]] = {}
    for path in sorted(_candidates(root, parts), key=natural_key):
        match = _read(whole, "/".join(path.relative_to(root).parts), cameras, pattern)
        if match:
            found.setdefault(match["camera"], []).append((path, match))
    if not found:
        raise InputError(_nothing(root, parts), where=pattern)
    empty = _empty_cameras(root, parts) - set(found)
    if empty:
        raise InputError(
            f"no file of camera {listed(sorted(empty, key=natural_key))} matches; every folder "
            f"in the place of {FIELD} counts as a camera: add its files or move the folder away",
            where=pattern,
        )
    return {name: found[name] for name in sorted(found, key=natural_key)}


def _read(whole: str, text: str, cameras: Sequence[str], pattern: str) -> re.Match[str] | None:
    """Return what the fields stand for in a path, None where it does not match."""
    shortest = _compiled(whole).fullmatch(text)
    if shortest is None:
        return None
    for spelled in (re.escape, _any_spelling):
        named = [_compiled(whole, spelled(name)).fullmatch(text) for name in cameras]
        fitting = [match for match in named if match and not _cuts_number(match, whole)]
        if fitting:
            return _one_of(fitting, text, pattern)
    longest = _compiled(whole, "[^/]+", "[^/]*?").fullmatch(text)
    if longest is None or longest["camera"] == shortest["camera"] or not _touches_star(whole):
        return shortest
    if cameras:
        raise InputError(
            f"{text} names none of the cameras {listed(cameras)}; narrow the pattern", pattern
        )
    numbered = _with_frames(whole)
    match = _compiled(numbered).fullmatch(text) if numbered else None
    advice = f", as in '{_with_frames(pattern)}'" if match else ""
    raise InputError(
        f"{FIELD} beside * is ambiguous: in {text} it may be {shortest['camera']!r} or "
        f"{longest['camera']!r}; write the text between them, or {FRAME} for a number{advice}",
        where=pattern,
    )


def _with_frames(pattern: str) -> str | None:
    """Return the pattern with ``{frame}`` for the ``*`` beside ``{camera}``; None if it has one."""
    if FRAME in pattern:
        return None
    return pattern.replace(f"{FIELD}*", FIELD + FRAME).replace(f"*{FIELD}", FRAME + FIELD)


def _one_of(fitting: Sequence[re.Match[str]], text: str, pattern: str) -> re.Match[str]:
    """Return the match whose camera is a whole word of the path, or else has the longest name."""
    rank = [
        (0, 0) if _touches_frame(pattern) else (int(_is_word(match)), len(match["camera"]))
        for match in fitting
    ]
    best = [match for match, own in zip(fitting, rank, strict=True) if own == max(rank)]
    if len({match["camera"] for match in best}) > 1:
        names = " or ".join(match["camera"] for match in best)
        raise InputError(f"{text} may be of camera {names}; narrow the pattern", where=pattern)
    return best[0]


def _is_word(match: re.Match[str]) -> bool:
    before, after = _around(match)
    return not (before.isalnum() or after.isalnum())


def _cuts_number(match: re.Match[str], whole: str) -> bool:
    """Return whether a camera's name is part of a longer number, as cam1 is in cam10."""
    before, after = _around(match)
    name = match["camera"]
    ends = (before, name[0]), (after, name[-1])
    cut = any(outside.isdigit() and inside.isdigit() for outside, inside in ends)
    return cut and not _touches_frame(whole)


def _touches_frame(pattern: str) -> bool:
    return FIELD + FRAME in pattern or FRAME + FIELD in pattern


def _around(match: re.Match[str]) -> tuple[str, str]:
    start, end = match.span("camera")
    return match.string[:start][-1:], match.string[end:][:1]


def _touches_star(whole: str) -> bool:
    return f"{FIELD}*" in whole or f"*{FIELD}" in whole


def _any_spelling(name: str) -> str:
    """Return a regex of a name whose case and punctuation may differ."""
    letters = re.sub(r"[\W_]+", "", name)
    return (
        f"(?i:{'[^0-9a-zA-Z/]*'.join(re.escape(letter) for letter in letters) or re.escape(name)})"
    )


def _framed(pattern: str, camera: str, paths: Sequence[Path]) -> str:
    """Return the words of a pattern whose ``{frame}`` tells all files of a camera apart."""
    names = [re.split("([0-9]+)", path.name.replace(camera, FIELD)) for path in paths]
    if len({len(name) for name in names}) > 1:
        return ""
    for place in range(1, len(names[0]), 2):
        if len({int(name[place]) for name in names}) == len(names):
            pieces = ["*" if i % 2 else text for i, text in enumerate(names[0])]
            pieces[place] = FRAME
            return f": '{Path(pattern).parent / ''.join(pieces)}'"
    return ""


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
    runs = numbers_in(rest)
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
    return any(token in part for token in (FIELD, FRAME, *WILD))


@lru_cache(maxsize=4096)
def _compiled(part: str, camera: str = "[^/]+?", star: str = "[^/]*") -> re.Pattern[str]:
    return re.compile(_regex(part, camera, star))


def _regex(part: str, camera: str = "[^/]+?", star: str = "[^/]*") -> str:
    """Return the regex of a pattern, with those of ``{camera}`` and ``*``."""
    pieces, seen = [], set()
    for piece in _pieces(part):
        if piece in (FIELD, FRAME):
            name, text = ("camera", camera) if piece == FIELD else ("frame", "[0-9]+")
            pieces.append(f"(?P={name})" if name in seen else f"(?P<{name}>{text})")
            seen.add(name)
        elif piece in WILD:
            pieces.append(star if piece == "*" else "[^/]")
        else:
            pieces.append(re.escape(piece))
    return "".join(pieces)


def _pieces(part: str) -> Iterator[str]:
    yield from re.split(r"(\{camera\}|\{frame\}|\*|\?)", part)


def _candidates(root: Path, parts: list[str]) -> list[Path]:
    """Return the paths below ``root`` that fit the parts one by one, cameras not yet compared."""
    level = [root]
    for part in parts:
        fits = _compiled(part)
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
    names = (child.name for child in root.iterdir() if child.name[0] != ".")
    there = sorted(names, key=natural_key)
    wrong = _strange_field("/".join(parts))
    fields = f"; the fields are {FIELD} and {FRAME}, {wrong} is none" if wrong else ""
    found = listed(there, 8) if there else "nothing"
    return f"nothing matches {'/'.join(parts)} in {root}, which holds {found}{fields}"
