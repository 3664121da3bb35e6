"""Options from the words they were given as: lists, pairs, and all of a command together."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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

    settings = load_mapping(config, model) if config else {}
    settings |= {key: value for key, value in given.items() if value is not None}
    settings = apply_overrides(settings, overrides or [])
    fields = model.model_fields.items()
    missing = [key for key, field in fields if field.is_required() and key not in settings]
    if missing:
        words = ", ".join(key.upper() if key in arguments else f"--{key}" for key in missing)
        raise InputError(f"{words} is missing; see {command} --help")
    return from_options(settings, model)
