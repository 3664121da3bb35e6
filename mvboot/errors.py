"""The three ways a command ends without a result, each with its exit code (DESIGN 5)."""

from pathlib import Path


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
