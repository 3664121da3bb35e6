"""The front door of every reader: what a foreign file makes a reader raise becomes one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mvboot.errors import InputError, MvbootError

SHOWN = 120
"""Characters of a library's own message that are shown."""


@contextmanager
def reading(path: Path, title: str) -> Iterator[None]:
    """Turn whatever a reader raises on foreign content into an InputError that names the file.

    Readers say what they expect to go wrong themselves; this catches what nobody expected, so that
    a damaged file never ends in a traceback. The original exception stays as its cause.
    """
    try:
        yield
    except (MvbootError, OSError):
        raise
    except MemoryError as error:
        raise InputError(f"needs more memory than there is ({title})", where=path) from error
    except RecursionError as error:
        raise InputError(f"is nested too deeply for {title}", where=path) from error
    except Exception as error:
        raise InputError(f"is no readable {title} ({_said(error)})", where=path) from error


def recognises(matches: Callable[[Path], bool], path: Path) -> bool:
    """Whether a path is of a format; a file that cannot even be looked into is not."""
    try:
        return bool(matches(path))
    except Exception:
        return False


def _said(error: Exception) -> str:
    """Return what an exception says, in one short line; its type alone says little to people."""
    if isinstance(error, KeyError) and error.args:
        text = f"{error.args[0]!r} is missing"
    else:
        text = (str(error).strip().splitlines() or [""])[0]
    return text[:SHOWN] or type(error).__name__
