"""Going on with a run: only the same run goes on exactly where it stopped."""

import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mvboot.config import load_yaml
from mvboot.errors import InputError
from mvboot.stages.stage import CONFIG
from mvboot.training.config import Places
from mvboot.training.run import CHECKPOINT

FREE = ("out", "accelerator", "workers")
"""What may differ: it decides where and how fast a run goes, not what it learns."""


def checkpoint_of(config: Places) -> Path:
    """Return the checkpoint in ``out`` to go on from.

    InputError where there is none, where it is damaged, and where the run there was started with
    other settings or files: it would end as a mixture of two runs that neither settings describe.
    """
    path = config.out / CHECKPOINT
    if not path.is_file():
        raise InputError(_no_run(config.out), where=config.out)
    _require_whole(path)
    began = load_yaml(config.out / CONFIG, type(config))
    changes = [
        f"{name}={text_of(now)}, it began with {text_of(then)}"
        for name, then, now in differences(began, config, FREE)
    ]
    if changes:
        raise InputError(
            f"--resume goes on with the same run only, but {'; '.join(changes)}. Take the settings "
            f"it began with (--config {config.out / CONFIG} --resume), or start anew with another "
            "--out",
            where=config.out,
        )
    return path


def _no_run(out: Path) -> str:
    if out.is_dir() and any(out.iterdir()):
        return (
            f"has no {CHECKPOINT}: no run there came to its first step, and there is nothing to "
            "--resume; start it with --overwrite instead"
        )
    return "there is no run to --resume; start it without"


def _require_whole(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as file:
            broken = file.testzip()
    except (zipfile.BadZipFile, OSError):
        broken = path.name
    if broken is not None:
        raise InputError(
            "is damaged or cut off, so that the run cannot go on; start it anew", where=path
        )


def differences(
    began: BaseModel, now: BaseModel, free: Collection[str]
) -> list[tuple[str, Any, Any]]:
    """Return the settings in which two runs differ, those of parts as ``part.name``.

    Relative paths count from the folder that is worked in; ``free`` may differ.
    """
    before, later = (_flat(one.model_dump(exclude=set(free))) for one in (began, now))
    names = dict.fromkeys((*before, *later))
    pairs = ((name, before.get(name), later.get(name)) for name in names)
    return [pair for pair in pairs if pair[1] != pair[2]]


def _flat(values: Mapping[str, Any], part: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{part}{name}.")
        else:
            found[part + name] = _whole(value)
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, Path):
        return value.resolve()
    return tuple(_whole(each) for each in value) if isinstance(value, tuple) else value


def text_of(value: Any) -> str:
    """Return a setting as it is given on the command line."""
    if isinstance(value, tuple):
        return f"[{','.join(map(str, value))}]"
    return "none" if value is None else str(value)
