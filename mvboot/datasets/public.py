"""What the scripts ``datasets/<name>/prepare.py`` share: options, errors, the downloaded folder.

Each script knows the layout of one public data set; the user passes the folder that they
downloaded, and nothing is ever fetched.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from mvboot.errors import InputError, heed_signals, run_app
from mvboot.files import natural_key
from mvboot.frame_list import LONGEST

DownloadFolder = Annotated[
    Path, typer.Argument(metavar="DOWNLOAD", help="Downloaded folder, laid out as on the card.")
]
Out = Annotated[Path, typer.Option(help="Capture folder to write.")]
CameraNames = Annotated[
    str | None, typer.Option(help="Cameras to convert, comma-separated; none stated: all.")
]
FrameNumbers = Annotated[
    str | None, typer.Option(help="Frames to convert, as 0..999:10 or 3,8..20; none stated: all.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the capture in --out.")]
UnitInMetres = Annotated[
    float, typer.Option(help="Length in metres of the download's unit, which it does not state.")
]

_RANGE = re.compile(r"(\d{1,18})(?:\.\.(\d{1,18})(?::(\d{1,9}))?)?")


def run(command: Callable[..., None], arguments: Sequence[str] | None = None) -> int:
    """Run a script's command and return its exit code; bad input ends in one line, code 2.

    ``arguments`` None: those of the process, which then heeds signals.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    if arguments is not None:
        return run_app(app, arguments)
    heed_signals()
    return run_app(app, sys.argv[1:])


@dataclass(frozen=True)
class Download:
    """A downloaded folder.

    Parameters
    ----------
    folder
        The folder; InputError where there is none.
    card
        The card that describes its layout, for messages.
    """

    folder: Path
    card: str

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise InputError(f"no such folder; give the download ({self.card})", self.folder)

    def find(self, what: str, *patterns: str) -> Path:
        """Return the one file or folder that fits the first pattern that any fits.

        InputError naming ``what`` and the patterns where nothing fits, or more than one.
        """
        for pattern in patterns:
            found = self.all(pattern)
            if len(found) == 1:
                return found[0]
            if found:
                names = ", ".join(str(path.relative_to(self.folder)) for path in found[:3])
                raise InputError(f"has {len(found)} of {what}: {names}; keep one", self.folder)
        raise self.lacks(what, *patterns)

    def all(self, pattern: str) -> list[Path]:
        """Return what fits a pattern, in natural order; hidden files never do."""
        found = [path for path in self.folder.glob(pattern) if not path.name.startswith(".")]
        return sorted(found, key=lambda path: [natural_key(part) for part in path.parts])

    def lacks(self, what: str, *patterns: str) -> InputError:
        """Return the error for something that the download does not have."""
        return InputError(
            f"has no {' or '.join(patterns)} ({what}); {self.card} shows the layout",
            where=self.folder,
        )


@dataclass(frozen=True)
class Frames:
    """A choice of frame numbers; ``ranges`` None: all."""

    ranges: tuple[range, ...] | None = None

    @staticmethod
    def parse(text: str | None) -> "Frames":
        """Read ``first..last``, ``first..last:step`` (both ends belong to it), ``number``, commas.

        None: all. InputError for anything else.
        """
        if text is None:
            return Frames()
        return Frames(tuple(_range(word.strip()) for word in text.split(",")))

    def of(self, numbers: Iterable[int]) -> list[int]:
        """Return those of the numbers that are chosen, increasing; InputError where none is."""
        there = sorted(numbers)
        if not there:
            raise InputError("there is no frame")
        if self.ranges is None:
            return there
        ranges = self.ranges
        kept = [number for number in there if any(number in choice for choice in ranges)]
        if not kept:
            raise InputError(f"--frames chooses none of the frames {there[0]} to {there[-1]}")
        return kept


def chosen(there: Iterable[str], wanted: str | None, what: str) -> list[str]:
    """Return the names that ``wanted`` lists (commas), or all; InputError for an unknown one.

    ``what`` is their name for people, in the singular.
    """
    names = sorted(there, key=natural_key)
    if wanted is None:
        return names
    listed = [name.strip() for name in wanted.split(",")]
    unknown = [name for name in listed if name not in names]
    if unknown or len(set(listed)) < len(listed):
        raise InputError(
            f"no {what} {', '.join(unknown)}; there are {', '.join(names) or 'none'}"
            if unknown
            else f"a {what} is listed twice: {wanted}"
        )
    return listed


def table(path: Path, columns: int | None = None) -> list[list[float]]:
    """Return the numbers of a text file by lines, empty ones left out.

    InputError for a word that is no number, and for lines of another length than ``columns``.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(_lines(path), 1):
        try:
            row = [float(word) for word in re.split(r"[,\s]+", line.strip()) if word]
        except ValueError:
            raise InputError(f"needs numbers, has {line.strip()!r}", f"{path}:{number}") from None
        if row and columns is not None and len(row) != columns:
            raise InputError(f"needs {columns} numbers, has {len(row)}", f"{path}:{number}")
        rows += [row] if row else []
    return rows


def field(content: Any, key: str, where: Path) -> Any:
    """Return ``content[key]``; InputError where a file lacks it."""
    if not isinstance(content, dict) or key not in content:
        raise InputError(f"has no {key}", where=where)
    return content[key]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputError("no such file", where=path) from None
    except UnicodeDecodeError:
        raise InputError("is not a text file", where=path) from None


def _range(word: str) -> range:
    match = _RANGE.fullmatch(word)
    if not match:
        raise InputError(f"--frames {word!r} is not of the form 5, 0..999 or 0..999:10")
    first = int(match[1])
    last, step = int(match[2] or first), int(match[3] or 1)
    if not (first <= last < first + LONGEST and step > 0):
        raise InputError(f"--frames {word!r} runs backwards, is too long or has no step")
    return range(first, last + 1, step)
