"""How a command ends without a result: each way has its exit code (DESIGN 5)."""

import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typer import Typer


DEBUG = "--debug"
"""Shows where an error arose, anywhere on the command line."""


class MvbootError(Exception):
    """A message for people: what is wrong, where, and what to do. Never shown with a traceback."""

    exit_code = 1


class InputError(MvbootError, ValueError):
    """Bad input: a file, an option or an array that cannot be used as it is.

    Parameters
    ----------
    message
        What is wrong and what to do about it.
    where
        The file (or ``file:line:column``) it was found in, put in front of the message.
    """

    exit_code = 2

    def __init__(self, message: str, where: str | Path | None = None) -> None:
        self.message = message
        self.where = where
        super().__init__(message if where is None else f"{where}: {message}")


class NothingUsable(MvbootError):
    """The input was read, but nothing usable came out of it."""

    exit_code = 3


class QualityMissed(MvbootError):
    """A quality threshold that the user asked for was missed."""

    exit_code = 1


class Stopped(BaseException):
    """A signal asked the process to end; no KeyboardInterrupt, which Typer and others swallow."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        super().__init__(number)


def heed_signals() -> None:
    """Let SIGINT and SIGTERM raise `Stopped`, so that whatever is half done is cleaned up."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def take_signals_back() -> None:
    """Undo what the import of a library did to SIGTERM beneath Python: pycolmap dies of it."""
    handler = signal.getsignal(signal.SIGTERM)
    if handler is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def run_app(app: "Typer", arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; what went wrong is one line, no traceback."""
    import typer

    debug = DEBUG in arguments
    try:
        code = app([given for given in arguments if given != DEBUG], standalone_mode=False)
    except MvbootError as error:
        if debug:
            traceback.print_exception(error)
        print(f"mvboot: {error}", file=sys.stderr)
        return error.exit_code
    except typer.TyperException as error:
        message = error.format_message()
        is_help = "\n" in message  # a command group that was called without a command
        print(message if is_help else f"mvboot: {message} (see --help)", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"mvboot: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        return InputError.exit_code
    except typer.Abort:
        print("mvboot: a file, or the input, ended too early", file=sys.stderr)
        return InputError.exit_code
    except Stopped as error:
        print("mvboot: interrupted; no half-written file was left behind", file=sys.stderr)
        return error.exit_code
    return code if isinstance(code, int) else 0


def _stop(number: int, _: Any) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not disturb the cleaning up
    raise Stopped(number)
