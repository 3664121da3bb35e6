"""The command line that was meant, from the words that were typed: what a wrong try needs next."""

import re
import shlex
from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

from mvboot.errors import InputError
from mvboot.words import listed

PATTERNS = ("keypoints", "images", "videos", "labels")
"""Settings that are a path with ``{camera}``."""
FOLDER = {"triangulate": "points3d", "refine": "refined"}
"""Where results go in an example, by command."""
FILES = frozenset(
    f".{kind}"
    for kind in "c3d csv glb h5 json mat mot nc npz obj parquet ply toml trc txt yaml yml".split()
)


def options_of(command: str) -> dict[str, str]:
    """Return the options of a command (``mvboot rig refine``) by the name of their setting."""
    name = command.split()[-1]
    function = getattr(import_module(f"mvboot.commands.{name}"), name)
    return {
        key: f"--{key.removeprefix('as_').replace('_', '-')}"
        for key in signature(function).parameters
        if key != "overrides"
    }


def require_settings(
    words: Sequence[str], given: Mapping[str, Any], known: Sequence[str], command: str
) -> None:
    """Raise InputError for words that are no KEY=VALUE settings, and say what was meant by them.

    ``given`` are the settings that options gave, ``known`` are all that there are.
    """
    stray = _stray(words)
    asked = [key for key in PATTERNS if key in known]
    first = next((key for key in asked if _is_file(given.get(key))), None)
    several = len(stray) > 1 and not any(given.get(key) for key in asked) and given.get("rig")
    if asked and (first or several) and stray and all(Path(word).exists() for word in stray):
        option = first or asked[0]
        raise InputError(
            f"{listed(stray, 2)}: the shell expanded a pattern into "
            f"{len(stray) + (first is not None)} files; put it in quotes and write {{camera}} "
            f"where the camera's name stands: --{option} 'FOLDER/{{camera}}{Path(stray[0]).suffix}'"
        )
    for word in stray:
        _require_no_folder(word, known)
        meant = _option_for(word, given, known)
        if meant:
            raise InputError(f"{word!r}: say {meant} {_quoted(word)}")
    options = options_of(command)
    for key, _, value in (word.partition("=") for word in words if word not in stray):
        if key not in known and key.replace("-", "_") in {*options} - {*known}:
            rest = "" if value.lower() in ("true", "1", "yes") else f" {value}"
            raise InputError(f"{key} is an option: say {options[key.replace('-', '_')]}{rest}")
        if key == "json":
            raise InputError("json is an option: say --json")


def _require_no_folder(word: str, known: Sequence[str]) -> None:
    """Raise InputError for a folder of footage or detections that no option names."""
    if not Path(word).is_dir():
        return
    from mvboot.formats.folder_kinds import folder_kind

    kind = folder_kind(Path(word))
    if not any(Path(word).iterdir()):
        raise InputError(f"{word!r} is an empty folder")
    if kind is not None and kind.option.removeprefix("--") in known:
        raise InputError(f"{word!r} is a folder of {kind.what}: say {kind.option} {kind.path}")


def require_folder(out: Path, known: Sequence[str]) -> None:
    """Raise InputError for an ``--out`` that is called like a file: results go into a folder."""
    if out.suffix.lower() not in FILES or out.is_dir():
        return
    kind = out.suffix[1:].lower()
    more = ""
    if kind == "csv" and "csv" in known:
        more = "; --csv writes a CSV into it"
    elif kind in ("c3d", "trc") and "export" in known:
        more = f"; --export {kind} writes a {kind.upper()} into it"
    raise InputError(f"--out {out} must name a folder, as in --out {out.with_suffix('')}{more}")


def hinted(
    error: InputError, command: str, given: Mapping[str, Any], words: Sequence[str]
) -> InputError:
    """Return the error with the command line that works, where the typed one can be mended.

    That is known where the rig can be read: its names say which pattern fits the files. A command
    that has the rig by position has it first.
    """
    try:
        mended = _mended(given, words, FOLDER[command.split()[-1]])
    except (InputError, OSError):
        return error
    if mended is None:
        return error
    by_position = "rig" in command.split()
    rig = mended.pop("rig")
    start = [*command.split(), *([] if by_position else ["--rig"]), _quoted(str(rig))]
    options = [f"--{key.replace('_', '-')} {_quoted(str(v))}" for key, v in mended.items()]
    open_unit = not given.get("units") and "units" in mended
    unit = " (or cm, m, um: the board's unit)" if open_unit else ""
    said = re.sub("; try '[^']*'", "", error.message)
    return InputError(f"{said}. Try: {' '.join([*start, *options])}{unit}", error.where)


def _mended(given: Mapping[str, Any], words: Sequence[str], folder: str) -> dict[str, Any] | None:
    """Return rig, units, keypoints and out as they would work, None where they are as typed."""
    from mvboot.formats.detections import detections_beside
    from mvboot.formats.pattern import FIELD
    from mvboot.formats.rigs import load_rig

    plain = _stray(words)
    typed = given.get("keypoints") or next((word for word in plain if FIELD in word), None)
    rig = given.get("rig") or next((word for word in plain if _is_file(word)), None)
    if rig is None or typed is None:
        return None
    units = given.get("units")
    try:
        names = load_rig(rig, given.get("rig_format"), units).names
    except InputError:
        names, units = load_rig(rig, given.get("rig_format"), units or "mm").names, units or "mm"
    found = detections_beside(str(typed), names)
    if found is None:
        return None
    out = given.get("out")
    fits = out is not None and (Path(out).suffix not in FILES or Path(out).is_dir())
    mended = {
        "rig": rig,
        "units": units,
        "keypoints": found,
        "out": out if fits else _folder(out, folder),
    }
    if all(mended[key] == given.get(key) for key in ("rig", "units", "out")) and found == typed:
        return None
    return {key: value for key, value in mended.items() if value is not None}


def _folder(out: Any, default: str) -> str:
    return default if out is None else str(Path(out).with_suffix(""))


def _stray(words: Sequence[str]) -> list[str]:
    """Return the words that are no KEY=VALUE; names of files may have a = in them too."""
    return [
        word for word in words if not re.match(r"[A-Za-z_][\w.-]*=", word) or Path(word).exists()
    ]


def _option_for(word: str, given: Mapping[str, Any], known: Sequence[str]) -> str | None:
    """Return the option that a word without one belongs to, None where nothing tells."""
    if "{camera}" in word:
        free = [key for key in PATTERNS if key in known and given.get(key) is None]
        return f"--{free[0]}" if free else None
    if "rig" in known and given.get("rig") is None and Path(word).exists():
        return "--rig"
    return None


def _is_file(value: Any) -> bool:
    return value is not None and Path(str(value)).is_file()


def _quoted(word: str) -> str:
    return f"'{word}'" if "{" in word else shlex.quote(word)
