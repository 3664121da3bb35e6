"""Text files of other programs: decoded, parsed, and refused in one line where they are broken."""

import json
import tomllib
from pathlib import Path
from typing import Any

from mvboot.errors import InputError

MAX_TEXT = 2 << 30
"""Bytes of text that are read at most: far above any rig, label file or detection file."""
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
"""Byte order marks that Windows programs write, and the encodings they stand for."""


def read_text(path: str | Path) -> str:
    """Read a text file: UTF-8, with or without a byte order mark, or UTF-16 with one.

    InputError where it is missing, a folder, no text or too large.
    """
    try:
        if Path(path).stat().st_size > MAX_TEXT:
            raise InputError("is larger than 2 GB, too large for a text file", where=path)
        content = Path(path).read_bytes()
        return content.decode(encoding_of(content)).replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        raise InputError("no such file", where=path) from None
    except IsADirectoryError:
        raise InputError("is a folder, not a file", where=path) from None
    except UnicodeDecodeError:
        raise InputError("is not a text file", where=path) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=path) from None


def encoding_of(beginning: bytes) -> str:
    """Return the encoding that a byte order mark states, else UTF-8."""
    return next((name for mark, name in MARKS if beginning.startswith(mark)), "utf-8")


def head(path: Path, characters: int = 4000) -> str:
    """Return the beginning of a text file for sniffing; "" where it is not text."""
    if not path.is_file():
        return ""
    with open(path, "rb") as stream:
        beginning = stream.read(4 * characters)
    return beginning.decode(encoding_of(beginning), errors="replace")[:characters]


def read_json(path: Path) -> Any:
    """Parse a JSON file; InputError with line and column where it is broken or cut off."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise InputError(f"broken JSON: {error.msg}", where=where) from None
    except RecursionError:
        raise InputError("broken JSON: it is nested too deeply", where=path) from None
    except ValueError:  # an integer of thousands of digits
        raise InputError("broken JSON: a number is too long", where=path) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file; InputError with its position where it is broken or cut off."""
    try:
        return tomllib.loads(read_text(path))
    except RecursionError:
        raise InputError("broken TOML: it is nested too deeply", where=path) from None
    except ValueError as error:  # also what tomllib says of impossible dates and numbers
        raise InputError(f"broken TOML: {error}", where=path) from None
