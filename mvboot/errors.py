"""How a command ends without a result: each way has its exit code (DESIGN 5)."""

import os
import shutil
import signal
import sys
import threading
import traceback
import weakref
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typer import Typer


DEBUG = "--debug"
"""Shows where an error arose, anywhere on the command line."""
LONGEST = 600
"""Characters of a message; names and numbers in the middle of longer ones are left out."""
INTERRUPTED = "mvboot: interrupted; no half-written file was left behind"
unfinished: dict[Path, Sequence[Path]] = {}
"""Folders that are being written and parents made for them; who ends the process removes them."""


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
    typed
        The message on a command line, which has options instead of arguments: by an option that
        the command must have (the first one counts), "" where it has none of them.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        where: str | Path | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message
        self.where = where
        self.typed = typed or {}
        super().__init__(self._placed(message))

    def with_options(self, options: Collection[str]) -> str:
        """Return the message for a command that has these options."""
        fitting = (text for name, text in self.typed.items() if not name or name in options)
        return self._placed(next(fitting, self.message))

    def _placed(self, message: str) -> str:
        return message if self.where is None else f"{self.where}: {message}"


class NothingUsable(MvbootError):
    """The input was read, but nothing usable came out of it."""

    exit_code = 3


class QualityMissed(MvbootError):
    """A quality threshold that the user asked for was missed."""

    exit_code = 1


class Stopped(BaseException):
    """A signal asked the process to end; no KeyboardInterrupt, which Typer and others swallow."""

    def __init__(self, number: int, saved: str | None = None) -> None:
        self.exit_code = 128 + number
        self.saved = saved  # what was kept, and how to go on
        super().__init__(number)


class _Command:
    """The command line that runs in this process, and the signal that asked it to end."""

    process: int | None = None
    signal: int | None = None
    met = False  # whether the exception arrived where it is dealt with

    def begin(self) -> None:
        self.process, self.signal, self.met = os.getpid(), None, False

    def runs_here(self) -> bool:
        return self.process == os.getpid()  # forked processes have a copy of the one they are from


_command = _Command()


def heed_signals() -> None:
    """Let SIGINT and SIGTERM raise `Stopped`, so that whatever is half done is cleaned up.

    While `run_app` runs the process ends in any case: at once where a library swallows the
    exception, as module loaders and compilers do, and at the second signal at the latest.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def heeded_signals() -> dict[int, Callable[..., Any]]:
    """Return the signals that `heed_signals` heeds, and what handles them."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    return {number: _stop for number in numbers if signal.getsignal(number) is _stop}


def take_signals_back() -> None:
    """Restore Python's SIGTERM handler, which importing pycolmap replaces in C."""
    handler = signal.getsignal(signal.SIGTERM)
    if handler is not None and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def run_app(app: "Typer", arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; what went wrong is one line, no traceback."""
    _command.begin()
    try:
        code = _run(app, arguments)
    except BaseException:
        if _command.signal is None:
            raise
        code = None  # an error that followed from being interrupted
    finally:
        _command.process = None
    code = code or 0
    if _command.signal is None or code > 128:
        return code
    print(INTERRUPTED, file=sys.stderr)
    return 128 + _command.signal


def _run(app: "Typer", arguments: Sequence[str]) -> int:
    import typer

    debug = DEBUG in arguments
    try:
        code = app([given for given in arguments if given != DEBUG], standalone_mode=False)
    except MvbootError as error:
        if debug:
            traceback.print_exception(error)
        said = str(error)
        if isinstance(error, InputError):
            said = error.with_options(_options(app, arguments))
        print(f"mvboot: {shortened(said)}", file=sys.stderr)
        return error.exit_code
    except typer.TyperException as error:
        message = _usage(error.format_message(), arguments)
        is_help = "\n" in message  # a command group that was called without a command
        one = f"mvboot: {shortened(message)} (see --help)"
        print(message if is_help else one, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        said = f"{error.filename or 'file'}: {error.strerror or error}"
        print(f"mvboot: {shortened(said)}", file=sys.stderr)
        return InputError.exit_code
    except typer.Abort:
        print("mvboot: a file, or the input, ended too early", file=sys.stderr)
        return InputError.exit_code
    except Stopped as error:
        _command.met = True
        print(
            INTERRUPTED if error.saved is None else f"mvboot: interrupted; {error.saved}",
            file=sys.stderr,
        )
        return error.exit_code
    return code if isinstance(code, int) else 0


def _options(app: "Typer", arguments: Sequence[str]) -> set[str]:
    """Return the options of the command that was called."""
    import typer

    command: Any = typer.main.get_command(app)
    for word in arguments:
        command = getattr(command, "commands", {}).get(word, command)
    return {option for parameter in command.params for option in parameter.opts}


def _usage(message: str, arguments: Sequence[str]) -> str:
    """Return what Typer says of a command line, with what probably happened."""
    if "\n" not in message and "unexpected extra argument" in message:
        files = [word for word in arguments if Path(word).is_file()]
        if len(files) > 1:
            return (
                f"the shell expanded a pattern into files ({Path(files[-1]).name} is one): put the "
                "pattern in quotes and write {camera} where the camera's name stands"
            )
        if any("{camera}" in word for word in arguments):
            return f"{message}; say --keypoints before a path with {{camera}}"
    if message.startswith("No such option: --rig"):
        return f"{message}; write the rig's path alone, right after the command"
    return message


def shortened(message: str) -> str:
    """Return a message as one line of at most `LONGEST` characters: its beginning and its end.

    The beginning says what is wrong and where, the end what to do.
    """
    line = "".join(letter if letter.isprintable() else " " for letter in message.strip())
    if len(line) <= LONGEST:
        return line
    half = (LONGEST - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"


def _stop(number: int, _: Any) -> None:
    if _command.runs_here() and _command.signal is not None:
        _end(number)
    error = Stopped(number)
    if _command.runs_here():
        _command.signal = number
        weakref.finalize(error, _swallowed, number).atexit = False
    try:
        raise error
    finally:
        del error  # this frame, which the exception knows, would hold it for ever


def _swallowed(number: int) -> None:
    """End the process, whose exception nobody holds any more without having ended it."""
    if _command.runs_here() and not _command.met:
        _end(number)


def _end(number: int) -> None:
    """End the process at once, without the folders that it was writing."""
    for folder, parents in tuple(unfinished.items()):
        shutil.rmtree(folder, ignore_errors=True)
        for parent in parents:
            with suppress(OSError):  # somebody else has put something there
                parent.rmdir()
    os.write(2, f"{INTERRUPTED}\n".encode())
    os._exit(128 + number)
