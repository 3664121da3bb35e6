"""Training anew where a run is: the earlier run stays until the new one has a model."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mvboot.errors import Stopped
from mvboot.report.rounds import DATA, TABLE
from mvboot.stages.stage import CONFIG, SUMMARY
from mvboot.training.dense.batches import ROUNDS
from mvboot.training.run import CHECKPOINT, LOGS, MODEL

PREVIOUS = "previous"
"""Folder in that of a run where the one that it replaces waits."""
FILES = (MODEL, CHECKPOINT, LOGS, ROUNDS, TABLE, DATA, CONFIG, SUMMARY)
"""What makes up a run; anything else in its folder is not ours."""


@contextmanager
def replacing(out: Path, begun: str) -> Iterator[None]:
    """Set an earlier run in ``out`` aside while the block makes another.

    ``begun`` is what a run has that can be gone on with. The earlier run is back where the new one
    ends without it, stays in ``out/previous`` where the new one has it, and is removed when the
    new one is whole.
    """
    _set_aside(out)
    try:
        yield
    except BaseException:
        if not (out / begun).exists():
            _put_back(out)
        raise
    forget_previous(out)


def forget_previous(out: Path) -> None:
    """Remove the run that was replaced, now that there is a model in its stead."""
    shutil.rmtree(out / PREVIOUS, ignore_errors=True)


@contextmanager
def told(out: Path, begun: str, command: str, warn: Callable[[str], None]) -> Iterator[None]:
    """Say how a run that ended early goes on, and where the one that it replaces waits."""
    aside = out / PREVIOUS
    try:
        yield
    except Stopped as stopped:
        if (out / begun).exists():
            kept = f"; the run that it replaces waits in {aside}" if aside.exists() else ""
            stopped.saved = f"go on with {command} --config {out / CONFIG} --resume{kept}"
        raise
    except Exception:
        if aside.exists():
            warn(f"the run that was to be replaced waits in {aside}")
        raise


def _set_aside(out: Path) -> None:
    aside = out / PREVIOUS
    if aside.exists() and not any((out / name).exists() for name in (MODEL, SUMMARY)):
        _remove(out)  # a run that never was whole does not take the place of one
        return
    forget_previous(out)
    there = [out / name for name in FILES if (out / name).exists()]
    if there:
        aside.mkdir()
    for path in there:
        path.rename(aside / path.name)


def _put_back(out: Path) -> None:
    _remove(out)
    aside = out / PREVIOUS
    if aside.exists():
        for path in aside.iterdir():
            path.rename(out / path.name)
        aside.rmdir()
    with suppress(OSError):  # other files lie in it, or it was never made
        out.rmdir()


def _remove(out: Path) -> None:
    for path in (out / name for name in FILES):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
