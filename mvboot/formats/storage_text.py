"""OpenCV FileStorage files, parsed strictly: OpenCV's own reader crashes on damaged ones.

YAML, XML and JSON become dictionaries, lists, numbers and strings; matrices become arrays whose
size was held against their data.
"""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from mvboot.config import parse_yaml
from mvboot.errors import InputError
from mvboot.reading import read_text

DEEPEST = 20
DATA = re.compile(r"(\"?data\"?:\s*)\[([^\[\]]*)\]")
"""The numbers of a matrix, taken out before the text around them is parsed: YAML is slow, and
OpenCV writes numbers that JSON does not have (``1.``, ``.Inf``)."""
DATA_KEY = "mvboot-data-"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?\.?(inf|nan)", re.IGNORECASE)
SCALARS = ("u", "c", "w", "s", "i", "f", "d", "h")
"""Letters of OpenCV's types of elements; a digit before one counts channels."""


def parse_storage(path: Path) -> dict[str, Any]:
    """Return what a FileStorage file holds by its keys; InputError where it is damaged."""
    text = read_text(path)
    beginning = text.lstrip()[:1]
    parse: Callable[[str, Path], Any] = {"<": _xml, "{": _json}.get(beginning, _yaml)
    content = _converted(parse(text, path), path, 0)
    if not isinstance(content, dict):
        raise InputError("is no readable OpenCV FileStorage file", where=path)
    return content


def _json(text: str, path: Path) -> Any:
    text, blocks = _without_data(text)
    try:
        return _with_data(json.loads(text), blocks, 0)
    except (ValueError, RecursionError):
        raise InputError("is no readable OpenCV FileStorage file (broken JSON)", path) from None


def _yaml(text: str, path: Path) -> Any:
    text, blocks = _without_data(text)
    lines = [line for line in text.split("\n") if not line.startswith("%")]
    return _with_data(parse_yaml("\n".join(lines).replace("\t", " "), path), blocks, 0)


def _without_data(text: str) -> tuple[str, list[list[str]]]:
    """Return the text with numbers of matrices replaced by where they are in the list."""
    blocks: list[list[str]] = []

    def taken(match: re.Match[str]) -> str:
        blocks.append([word for word in re.split(r"[,\s]+", match[2]) if word])
        return f'{match[1]}"{DATA_KEY}{len(blocks) - 1}"'

    return DATA.sub(taken, text), blocks


def _with_data(node: Any, blocks: list[list[str]], depth: int) -> Any:
    """Return parsed YAML with the numbers of its matrices put back."""
    if depth > DEEPEST:
        return node
    if isinstance(node, dict):
        return {str(key): _with_data(value, blocks, depth + 1) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_data(value, blocks, depth + 1) for value in node]
    if isinstance(node, str) and node.startswith(DATA_KEY):
        place = node.removeprefix(DATA_KEY)
        return blocks[int(place)] if place.isdigit() and int(place) < len(blocks) else node
    return node


def _xml(text: str, path: Path) -> Any:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError("declares entities of its own, which are not followed", where=path)
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"is no readable OpenCV FileStorage file ({error})", path) from None
    return {child.tag: _element(child, path, 0) for child in root}


def _element(element: ElementTree.Element, path: Path, depth: int) -> Any:
    """Return an element of XML: a mapping, a list (``_``), a matrix' parts, a number or text."""
    if depth > DEEPEST:
        raise InputError("is nested too deeply for an OpenCV file", where=path)
    children = list(element)
    if not children:
        return _word((element.text or "").strip())
    if all(child.tag == "_" for child in children):
        return [_element(child, path, depth + 1) for child in children]
    found = {child.tag: _element(child, path, depth + 1) for child in children}
    data = element.find("data")
    if data is not None and not len(data):
        found["data"] = (data.text or "").split()
    return found


def _word(text: str) -> Any:
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        return text[1:-1]
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    return _number(text) if NUMBER.fullmatch(text) else text


def _converted(node: Any, path: Path, depth: int) -> Any:
    """Return a node with matrices as arrays and plain numbers; InputError where one is damaged."""
    if depth > DEEPEST:
        raise InputError("is nested too deeply for an OpenCV file", where=path)
    if isinstance(node, dict):
        if {"rows", "cols", "data"} <= set(node):
            return _matrix(node, path)
        return {str(key): _converted(value, path, depth + 1) for key, value in node.items()}
    if isinstance(node, list):
        return [_converted(value, path, depth + 1) for value in node]
    if isinstance(node, bool | str | None):
        return node
    return int(node) if isinstance(node, int) else float(node)


def _matrix(node: dict[str, Any], path: Path) -> NDArray[np.float64]:
    """Return a matrix (rows, cols), or (rows, cols, channels), whose numbers are all there."""
    sides = [_plain(node["rows"]), _plain(node["cols"])]
    kind = re.fullmatch(rf"(\d*)[{''.join(SCALARS)}]", str(node.get("dt", "d")).strip('" '))
    if not all(type(side) is int and 0 <= side < 2**31 for side in sides) or kind is None:
        raise InputError("has a matrix without rows, columns or type", where=path)
    words = node["data"] if isinstance(node["data"], list) else str(node["data"]).split()
    channels = int(kind[1] or 1)
    if len(words) != sides[0] * sides[1] * channels:
        raise InputError(
            f"has a matrix of {sides[0]} x {sides[1]} with {len(words)} numbers; is it cut off?",
            where=path,
        )
    try:
        values = np.array([_number(str(word)) for word in words], dtype=np.float64)
    except (ValueError, OverflowError):
        raise InputError("has a matrix with something that is no number", where=path) from None
    return values.reshape(*sides, *([channels] if channels > 1 else []))


def _plain(value: Any) -> Any:
    """Return a whole number of YAML, which remembers how it was written, as an int."""
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(word: str) -> float:
    """Return a number as OpenCV writes it: ``1.``, ``-.5``, ``.Inf``, ``.Nan``."""
    plain = word.strip().lower()
    if plain.lstrip("+-") in (".inf", ".nan"):
        plain = plain.replace(".", "")
    value = float(plain)
    return value if math.isfinite(value) or "n" in plain else float("inf")
