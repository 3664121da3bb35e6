"""Damage to files: bytes, lines, numbers and the values of JSON, by a seeded generator."""

import json
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

NUMBERS = ["nan", "inf", "-1", "0", "1e308", "1e-320", "99999999999999999999", "0x7f", "", "x"]
VALUES = [None, True, -1, 0, 1e308, 2**70, "", "x", "../../x", [], {}, [[]], [None], {"x": 1}]
WORDS = [
    "../../escaped",
    "nan",
    "a" * 300,
    "\x00",
    "ä/ö",
    "-",
    "!!python/object:os.system",
    "[" * 99,
]


def mutated(content: bytes, random: Random) -> bytes:
    """Return the content with one to four kinds of damage."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        content = random.choice(MUTATIONS)(content, random)
    return content


def flip(content: bytes, random: Random) -> bytes:
    """Change single bytes."""
    damaged = bytearray(content or b"\0")
    for _ in range(random.choice((1, 1, 2, 8, 64))):
        damaged[random.randrange(len(damaged))] = random.choice((0, 255, random.randrange(256)))
    return bytes(damaged)


def header(content: bytes, random: Random) -> bytes:
    """Change bytes near the beginning, where binary formats keep their sizes."""
    return flip(content[:512], random) + content[512:]


def cut(content: bytes, random: Random) -> bytes:
    """End early, lose the beginning, or lose a part of the middle."""
    a, b = sorted(random.randrange(len(content) + 1) for _ in range(2))
    return random.choice((content[:a], content[b:], content[:a] + content[b:]))


def repeat(content: bytes, random: Random) -> bytes:
    """Insert a part of the content somewhere again, now and then many times."""
    a, b = sorted(random.randrange(len(content) + 1) for _ in range(2))
    part = content[a : min(b, a + 4096)] * random.choice((1, 1, 2, 30))
    return content[:b] + part + content[b:]


def lines(content: bytes, random: Random) -> bytes:
    """Drop, double or exchange a line."""
    rows = content.split(b"\n")
    a, b = (random.randrange(len(rows)) for _ in range(2))
    rows[a], rows[b] = random.choice(((rows[b], rows[a]), (rows[a], rows[a]), (b"", rows[b])))
    return b"\n".join(rows)


def number(content: bytes, random: Random) -> bytes:
    """Write something else where a number stands."""
    return _replaced(content, rb"-?\d+(\.\d*)?(e-?\d+)?", NUMBERS, random)


def word(content: bytes, random: Random) -> bytes:
    """Write something else where a word stands."""
    return _replaced(content, rb"[A-Za-z_]\w*", [*WORDS, *NUMBERS], random)


def value(content: bytes, random: Random) -> bytes:
    """Give a value of a JSON file another type; text that is no JSON is left alone."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return number(content, random)
    places = list(_places(tree))
    if not places:
        return content
    parent, key = random.choice(places)
    if random.random() < 0.2 and isinstance(parent, dict):
        del parent[key]
    else:
        parent[key] = random.choice(VALUES)
    return json.dumps(tree).encode()


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(tree, dict | list):
        return
    for key, part in list(tree.items() if isinstance(tree, dict) else enumerate(tree)):
        yield tree, key
        yield from _places(part)


def _replaced(content: bytes, pattern: bytes, by: list[str], random: Random) -> bytes:
    found = list(re.finditer(pattern, content[:200_000]))
    if not found:
        return flip(content, random)
    match = random.choice(found)
    return content[: match.start()] + random.choice(by).encode() + content[match.end() :]


MUTATIONS: list[Callable[[bytes, Random], bytes]] = [
    flip,
    header,
    cut,
    repeat,
    lines,
    number,
    word,
    value,
]
