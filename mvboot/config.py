"""YAML files into pydantic models, with errors that point at the line, and KEY=VALUE overrides."""

import difflib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.reading import read_text
from mvboot.words import listed, reason

ModelT = TypeVar("ModelT", bound=BaseModel)

MAX_NODES = 10_000_000
"""Values of a YAML file with its aliases written out."""
UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls a key that a model, or a dataclass, does not know."""


def load_yaml(path: str | Path, model: type[ModelT]) -> ModelT:
    """Read a YAML file into a model.

    InputError as ``file:line:column: key: what is wrong``, with the source line and a caret, for
    broken YAML, unknown keys (with the nearest known one) and values the model refuses.
    """
    text = read_text(path)
    data = parse_yaml(text, path)
    if not isinstance(data, CommentedMap):
        raise InputError("must be a YAML file of `key: value` lines", where=path)
    return validate(data, model, path, text)


def load_mapping(path: str | Path, model: type[BaseModel]) -> dict[str, Any]:
    """Read part of a model's settings from a YAML file; the rest may come from elsewhere.

    InputError as in `load_yaml`, but missing keys are no fault here.
    """
    text = read_text(path)
    data = parse_yaml(text, path)
    if not isinstance(data, CommentedMap):
        raise InputError("must be a YAML file of `key: value` lines", where=path)
    for key in data:
        if key not in model.model_fields:
            line, column = _position(data, [key])
            raise _located(f"{key}: {_unknown([key], model)}", path, text, line, column)
    return dict(data)


def parse_yaml(text: str, where: str | Path) -> Any:
    """Parse YAML, keeping positions; InputError with line and column where it is broken."""
    try:
        data = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"broken YAML: {error.problem or error.context}"
        if mark is None:
            raise InputError(message, where=where) from None
        raise _located(message, where, text, mark.line, mark.column) from None
    except YAMLError as error:
        raise InputError(f"broken YAML: {reason(error)}", where=where) from None
    except RecursionError:
        raise InputError("broken YAML: it is nested too deeply", where=where) from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:  # odd tags
        raise InputError(f"broken YAML: {reason(error)}", where=where) from None
    require_finite(data, where)
    return data


def require_finite(data: Any, where: str | Path) -> None:
    """Raise InputError for YAML whose aliases repeat each other, or itself, without end."""
    try:
        count = _nodes(data, {})
    except RecursionError:
        count = MAX_NODES
    if count >= MAX_NODES:
        raise InputError("its aliases (*name) repeat each other too often; write it out", where)


def _nodes(data: Any, known: dict[int, int]) -> int:
    """Return how many values a YAML tree has once its aliases are written out."""
    if not isinstance(data, Mapping | list):
        return 1
    if id(data) not in known:
        known[id(data)] = MAX_NODES  # what holds itself has no end
        parts = data.values() if isinstance(data, Mapping) else data
        known[id(data)] = 1 + sum(_nodes(part, known) for part in parts)
    return known[id(data)]


def validate(data: Any, model: type[ModelT], where: str | Path, text: str) -> ModelT:
    """Check parsed YAML against a model; InputError points at the first fault."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # A misspelled key also shows as a missing one: the misspelling is what helps.
        faults = sorted(error.errors(), key=lambda fault: fault["type"] not in UNKNOWN)
        fault = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        line, column = _position(data, fault["loc"])
        message = f"{_message(fault, model)}{more}"
        raise _located(message, where, text, line, column) from None


def apply_overrides(data: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return ``data`` with ``key=value`` or ``a.b=value`` assignments applied, values as YAML.

    InputError for an argument that is not an assignment.
    """
    merged: dict[str, Any] = dict(data)
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not key:
            raise InputError(f"{override!r} is not of the form KEY=VALUE: options begin with --")
        *parents, last = key.split(".")
        table = merged
        for parent in parents:
            table[parent] = dict(table.get(parent) or {})
            table = table[parent]
        table[last] = parse_yaml(value, where=override)
    return merged


def from_options(data: Mapping[str, Any], model: type[ModelT], where: str | None = None) -> ModelT:
    """Check values that come from the command line; InputError names the first wrong one.

    ``where`` is what they were read from, if they were.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        fault = min(error.errors(), key=lambda fault: fault["type"] not in UNKNOWN)
        raise InputError(_message(fault, model), where=where) from None


def dump_yaml(data: Any, path: str | Path) -> None:
    """Write plain data as YAML, keys in the given order."""
    with atomic_file(path) as partial:
        partial.write_text(yaml_text(data), encoding="utf-8")


def yaml_text(data: Any) -> str:
    """Return plain data as YAML; lists of plain values stay on one line."""
    yaml = YAML()
    yaml.width = 4096
    stream = io.StringIO()
    yaml.dump(_flowing(data), stream)
    return stream.getvalue()


def _flowing(data: Any) -> Any:
    if isinstance(data, Mapping):
        return CommentedMap({key: _flowing(value) for key, value in data.items()})
    if isinstance(data, list | tuple):
        sequence = CommentedSeq([_flowing(value) for value in data])
        if not any(isinstance(value, Mapping) for value in data):
            sequence.fa.set_flow_style()
        return sequence
    return data


def _message(fault: Any, model: type[BaseModel]) -> str:
    place = ".".join(str(part) for part in fault["loc"] if "[" not in str(part))  # no type names
    explained = _explain(fault, model)
    return f"{place}: {explained}" if place else explained


def _explain(fault: Any, model: type[BaseModel]) -> str:
    if fault["type"] in UNKNOWN:
        return _unknown(fault["loc"], model)
    if fault["type"] == "missing":
        return "is missing; add it"
    message = str(fault["msg"]).removeprefix("Value error, ")
    given = repr(fault["input"])
    return (
        message if len(given) > 60 or fault["type"] == "value_error" else f"{message}, got {given}"
    )


def _unknown(location: Sequence[str | int], model: type[BaseModel]) -> str:
    """Say that a key is unknown, which one may be meant, and which there are."""
    schema = model.model_json_schema()
    keys = list(_properties_at(schema, location[:-1], schema.get("$defs", {})))
    if not keys:
        return "unknown key; remove it"
    near = difflib.get_close_matches(str(location[-1]), keys, n=1)
    meant = f"did you mean {near[0]!r}? There" if near else "there"
    return f"unknown key; {meant} are {listed(keys, most=30)}"


def _properties_at(
    schema: Mapping[str, Any], location: Sequence[str | int], named: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the properties that a JSON schema knows at a place, none where it cannot tell."""
    for option in schema.get("anyOf", [schema]):
        own = named[option["$ref"].rpartition("/")[2]] if "$ref" in option else option
        properties: Mapping[str, Any] = own.get("properties", {})
        if not location and properties:
            return properties
        inner = properties.get(str(location[0])) if location else None
        inner = inner or own.get("additionalProperties") or own.get("items")
        if location and isinstance(inner, Mapping):
            return _properties_at(inner, location[1:], named)
    return {}


def _position(data: Any, location: Sequence[str | int]) -> tuple[int, int]:
    """Return the (line, column) of the innermost key of ``location`` that is in the file."""
    line, column = getattr(getattr(data, "lc", None), "line", 0) or 0, 0
    for part in location:
        try:
            if isinstance(data, CommentedMap):
                line, column = data.lc.key(part)
            elif isinstance(data, CommentedSeq):
                line, column = data.lc.item(part)
            else:
                break
            data = data[part]
        except (KeyError, IndexError, TypeError):
            break
    return line, column


def _located(message: str, where: str | Path, text: str, line: int, column: int) -> InputError:
    source = (text.splitlines() or [""])[min(line, len(text.splitlines()) - 1)]
    caret = " " * column + "^"
    return InputError(f"{message}\n    {source}\n    {caret}", f"{where}:{line + 1}:{column + 1}")
