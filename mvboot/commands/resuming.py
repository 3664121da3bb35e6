"""Going on with a run: only the same run goes on exactly where it stopped."""

import zipfile
from pathlib import Path
from typing import Any

from mvboot.config import load_yaml
from mvboot.errors import InputError
from mvboot.training.config import Places
from mvboot.training.run import CHECKPOINT

CONFIG = "config.yaml"
FREE = ("out", "accelerator", "workers")
"""What may differ: it decides where and how fast a run goes, not what it learns."""


def checkpoint_of(config: Places) -> Path:
    """Return the checkpoint in ``out`` to go on from.

    InputError where there is none, where it is damaged, and where the run there was started with
    other settings or files: it would end as a mixture of two runs that neither settings describe.
    """
    path = config.out / CHECKPOINT
    if not path.is_file():
        raise InputError("there is no run to --resume; start it without", where=config.out)
    _require_whole(path)
    began = load_yaml(config.out / CONFIG, type(config))
    changes = [
        f"{name}={_text(now)}, it began with {_text(then)}"
        for name, then, now in _differences(_flat(began), _flat(config))
    ]
    if changes:
        raise InputError(
            f"--resume goes on with the same run only, but {'; '.join(changes)}. Take the settings "
            f"it began with (--config {config.out / CONFIG} --resume), or start anew with another "
            "--out",
            where=config.out,
        )
    return path


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


def _flat(config: Places) -> dict[str, Any]:
    """Return all settings that must stay, those of parts as ``part.name``, and whole paths."""
    found: dict[str, Any] = {}
    for name, value in config.model_dump(exclude=set(FREE)).items():
        if isinstance(value, dict):
            found |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            found[name] = _whole(value)
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, Path):
        return value.resolve()
    return tuple(_whole(each) for each in value) if isinstance(value, tuple) else value


def _differences(then: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(name, then[name], now[name]) for name in now if then[name] != now[name]]


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{','.join(map(str, value))}]"
    return "none" if value is None else str(value)
