"""Which pattern was meant: from the files that are there and the names of the cameras."""

import re
from collections.abc import Callable, Iterable, Sequence
from glob import glob
from itertools import islice
from pathlib import Path
from typing import NoReturn

from mvboot.errors import InputError
from mvboot.files import natural_key
from mvboot.formats.pattern import FIELD, require_field
from mvboot.words import listed

MOST = 5000
"""Files of a folder that are looked at."""
Fits = Callable[[Path], bool]


def require_found(pattern: str, cameras: Sequence[str], fits: Fits) -> NoReturn:
    """Raise the InputError of a path without ``{camera}`` that does not exist."""
    matching = sorted(glob(pattern), key=natural_key)
    if matching:
        names = listed([Path(path).name for path in matching], 3)
        number = "one file matches" if len(matching) == 1 else f"{len(matching)} files match"
        raise InputError(
            f"{number} ({names}); write {FIELD} where the camera's name stands"
            f"{advice(matching, cameras, fits)}",
            where=pattern,
        )
    near = advice(beside(pattern), cameras, fits)
    if not re.search(r"[{}*?]", pattern):
        raise InputError(f"no such file or folder{near}", where=pattern)
    try:
        require_field(pattern)
    except InputError as error:
        raise InputError(f"{error.message}{near}", where=pattern) from None
    raise AssertionError(pattern)


def beside(pattern: str) -> list[Path]:
    """Return what lies in the deepest folder that a pattern names for certain."""
    folder = Path(pattern)
    while not folder.is_dir() or re.search(r"[{}*?]", str(folder)):
        if folder == folder.parent:
            return []
        folder = folder.parent
    return list(islice(folder.iterdir(), MOST))


def advice(paths: Iterable[str | Path], cameras: Sequence[str], fits: Fits) -> str:
    """Return the words of a message that name the pattern of these files, "" if none fits.

    ``fits`` says whether a file or folder is of a kind that is wanted.
    """
    fitting = patterns(paths, cameras, fits)
    if not fitting:
        return ""
    several = f" (or one of {len(fitting) - 1} more like it)" if len(fitting) > 1 else ""
    return f"; try '{fitting[0]}'{several}"


def patterns(paths: Iterable[str | Path], cameras: Sequence[str], fits: Fits) -> list[str]:
    """Return the patterns that give each of the cameras one of these paths, in natural order.

    Only the names tell cameras apart: without any, there is no pattern.
    """
    found: dict[str, dict[str, Path]] = {}
    for path in map(Path, paths):
        name = _camera_in(str(path), cameras)
        if name is not None:
            found.setdefault(_uncut(name).sub(FIELD, str(path)), {})[name] = path
    whole = [pattern for pattern, by_name in found.items() if by_name.keys() >= set(cameras)]
    kinds = {Path(pattern).suffix: found[pattern] for pattern in whole}
    wanted = {kind for kind, by_name in kinds.items() if fits(next(iter(by_name.values())))}
    return sorted((one for one in whole if Path(one).suffix in wanted), key=natural_key)


def _camera_in(path: str, cameras: Sequence[str]) -> str | None:
    """Return the longest name that stands in a path, not as a part of a longer number."""
    inside = [name for name in cameras if _uncut(name).search(path)]
    return max(inside, key=len, default=None)


def _uncut(name: str) -> re.Pattern[str]:
    before = "(?<![0-9])" if name[:1].isdigit() else ""
    after = "(?![0-9])" if name[-1:].isdigit() else ""
    return re.compile(before + re.escape(name) + after)
