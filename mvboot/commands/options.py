"""Options from the words they were given as: lists, pairs, and all of a command together."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mvboot.commands.meant import require_folder, require_settings
from mvboot.errors import InputError

if TYPE_CHECKING:
    from pydantic import BaseModel

    ModelT = TypeVar("ModelT", bound=BaseModel)


def listed(text: str, option: str) -> list[str]:
    """Return different names that commas separate; InputError for empty or repeated ones."""
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise InputError(f"{option} {text!r} must list different names, comma-separated")
    return names


def each(texts: Sequence[str] | None, option: str) -> list[str] | None:
    """Return the names of an option that is repeated, or lists several with commas; None for none.

    InputError for empty or repeated ones.
    """
    return listed(",".join(texts), option) if texts else None


def frame_words(text: str | None) -> list[int | str] | None:
    """Return the words of ``0..79,85`` as a frame list of YAML has them, or None for none."""
    words = (word.strip() for word in text.split(",")) if text is not None else None
    return None if words is None else [int(w) if w.isdecimal() else w for w in words]


def pairs(texts: Sequence[str] | None, option: str, form: str) -> dict[str, str] | None:
    """Return ``LEFT=RIGHT`` words as a mapping, or None for none.

    InputError for another form, and for one left side that is given twice.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        left, equals, right = text.partition("=")
        if not (left and equals and right):
            raise InputError(f"{option} {text!r} is not of the form {form}")
        if left in found:
            raise InputError(f"{option} {left} is given twice: {found[left]} and {right}")
        found[left] = right
    return found or None


def offsets(texts: Sequence[str] | None, option: str = "--offset") -> dict[str, int] | None:
    """Return ``CAMERA=FRAMES`` words: how many frames each camera is late; None for none.

    At ``cam=1`` frame n of the camera shows what the others show at n - 1. InputError for what is
    no whole number.
    """
    found = pairs(texts, option, "CAMERA=FRAMES") or {}
    for camera, text in found.items():
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", text):
            raise InputError(f"{option} {camera}={text}: {text} is no whole number of frames")
    return {camera: int(text) for camera, text in found.items()} or None


def crops(
    texts: Sequence[str] | None, option: str = "--crop"
) -> dict[str, tuple[float, ...]] | None:
    """Return ``CAMERA=X,Y,W,H`` words by camera, in px; None for none.

    InputError for what is not four numbers, or an empty picture.
    """
    found = {}
    for camera, text in (pairs(texts, option, "CAMERA=X,Y,W,H") or {}).items():
        try:
            sides = [float(word) for word in text.split(",")]
        except ValueError:
            sides = []
        if len(sides) != 4 or not all(map(math.isfinite, sides)) or min(sides[2:]) <= 0:
            raise InputError(
                f"{option} {camera}={text} is not of the form CAMERA=X,Y,W,H: where the crop "
                "begins in the calibrated picture, and its width and height, in px"
            )
        found[camera] = tuple(sides)
    return found or None


def by_camera(texts: Sequence[str] | None, option: str) -> dict[str, list[str]] | None:
    """Return ``CAMERA=A,B`` words by camera, ``A,B`` alone under "all", or None for none."""
    found: dict[str, list[str]] = {}
    for text in texts or ():
        camera, equals, words = text.partition("=")
        if equals and not camera:
            raise InputError(f"{option} {text!r} names no camera; leave = away to mean all")
        key, value = (camera, words) if equals else ("all", text)
        found.setdefault(key, []).extend(listed(value, option))
    return found or None


def folders(
    words: Sequence[str] | None, option: str, alone: str = "subject"
) -> dict[str, str] | None:
    """Return folders by name of words ``[NAME=]DIR``, ``DIR`` alone under ``alone``; None for none.

    InputError for a name that is given twice.
    """
    found: dict[str, str] = {}
    for word in words or ():
        name, equals, folder = word.partition("=")
        if not equals or Path(word).exists():
            name, folder = alone, word
        if not (name and folder):
            raise InputError(f"{option} {word!r} is not of the form NAME=DIR")
        if name in found:
            raise InputError(f"{option}: {name} is given twice; name each folder, NAME=DIR")
        found[name] = folder
    return found or None


def stated(config: Path | None, key: str) -> Any:
    """Return what a config file says of one key, None where it says nothing.

    For a setting that decides which model the others belong to. InputError for broken YAML.
    """
    if config is None:
        return None
    from mvboot.config import parse_yaml
    from mvboot.reading import read_text

    content = parse_yaml(read_text(config), config)
    return content.get(key) if isinstance(content, dict) else None


def resolved(
    model: "type[ModelT]",
    given: Mapping[str, Any],
    config: Path | None,
    overrides: Sequence[str] | None,
    command: str,
    arguments: Sequence[str] = (),
) -> "ModelT":
    """Return all settings of a command: the config file's, then options, then KEY=VALUE.

    ``arguments`` are those settings that the command line takes by position, without an option.
    InputError for settings that the model refuses, and for required ones that nothing gave.
    """
    from mvboot.config import apply_overrides, from_options, load_mapping

    require_settings(overrides or [], given, list(model.model_fields), command)
    settings = load_mapping(config, model) if config else {}
    settings |= {key: value for key, value in given.items() if value is not None}
    settings = apply_overrides(settings, overrides or [])
    fields = model.model_fields.items()
    missing = [key for key, field in fields if field.is_required() and key not in settings]
    missing.sort(key=lambda key: (key not in arguments, key == "out"))
    if missing:
        words = ", ".join(key.upper() if key in arguments else f"--{key}" for key in missing)
        raise InputError(f"{words} is missing; see {command} --help")
    if "out" in model.model_fields:
        require_folder(Path(str(settings["out"])), list(model.model_fields))
    return from_options(settings, model)
