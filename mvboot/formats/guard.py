"""The front door of every reader: what a foreign file makes a reader raise becomes one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mvboot.errors import InputError, MvbootError
from mvboot.words import reason


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
        raise InputError(f"is no readable {title} ({reason(error)})", where=path) from error


def recognises(matches: Callable[[Path], bool], path: Path) -> bool:
    """Whether a path is of a format; a file that cannot even be looked into is not."""
    try:
        return bool(matches(path))
    except Exception:
        return False
