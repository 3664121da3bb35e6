"""Training anew where a run is: the earlier run stays until the new one has a model."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mvboot.stages.resume import CONFIG
from mvboot.training.dense.batches import ROUNDS
from mvboot.training.run import CHECKPOINT, LOGS, MODEL

SUMMARY = "summary.json"
PREVIOUS = "previous"
"""Folder in that of a run where the one that it replaces waits."""
FILES = (MODEL, CHECKPOINT, LOGS, ROUNDS, CONFIG, SUMMARY)
"""What makes up a run; anything else in its folder is not ours."""


@contextmanager
def replacing(out: Path) -> Iterator[None]:
    """Set an earlier run in ``out`` aside while the block trains another.

    It is back where the new one ends before its first checkpoint, stays in ``out/previous`` where
    the new one can be gone on with, and is removed when the new one is whole.
    """
    _set_aside(out)
    try:
        yield
    except BaseException:
        if not (out / CHECKPOINT).exists():
            _put_back(out)
        raise
    forget_previous(out)


def forget_previous(out: Path) -> None:
    """Remove the run that was replaced, now that there is a model in its stead."""
    shutil.rmtree(out / PREVIOUS, ignore_errors=True)


def _set_aside(out: Path) -> None:
    aside = out / PREVIOUS
    if aside.exists() and not (out / MODEL).exists():
        _remove(out)  # a run that never had a model does not take the place of one
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
