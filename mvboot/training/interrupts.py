"""Interrupts of a run: the step ends and is saved, so that the run can go on from there."""

import os
import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from mvboot.errors import heeded_signals

NEWS = b"\ninterrupted: this step is saved first; interrupt again to end at once\n"


class Interrupts:
    """What the first signal asks for is done at the end of a step; the second ends at once.

    A context around a run. Signals that nobody heeds (`mvboot.errors.heed_signals`) stay alone.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        self._before: dict[int, Callable[..., Any]] = {}

    def __enter__(self) -> "Interrupts":
        """Note which signals are heeded, before Lightning puts its own handlers in between."""
        if threading.current_thread() is threading.main_thread():
            self._before = heeded_signals()
        return self

    def begin(self) -> None:
        """Wait for signals from here on: there are steps to end and to save."""
        for number in self._before:
            signal.signal(number, self._ask)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let signals end the command as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: Any) -> None:
        if self.asked is not None:
            self._before[number](number, frame)
        self.asked = number
        os.write(2, NEWS)  # printing is not safe here
