"""Frame numbers in YAML: ``0..99``, ``7``, or a list of both."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator

LONGEST = 100_000_000
_RANGE = re.compile(r"\s*(\d{1,18})\s*\.\.\s*(\d{1,18})\s*")


def frame_list(value: Any) -> tuple[int, ...]:
    """Return increasing frame numbers of an int, a range ``first..last``, or a list of them.

    Both ends belong to a range. ValueError for anything else, negative numbers, a range that
    runs backwards, numbers twice or not increasing.
    """
    entries = value if isinstance(value, list | tuple) else [value]
    numbers = [number for entry in entries for number in _expanded(entry)]
    if any(b <= a for a, b in pairwise(numbers)):
        raise ValueError("frames must increase, each once")
    return tuple(numbers)


def _expanded(entry: Any) -> Iterable[int]:
    if isinstance(entry, int) and not isinstance(entry, bool) and entry >= 0:
        return [int(entry)]
    match = _RANGE.fullmatch(entry) if isinstance(entry, str) else None
    if not match:
        raise ValueError(f"frames are numbers from 0 on, or first..last, not {entry!r}")
    first, last = int(match[1]), int(match[2])
    if not first <= last < first + LONGEST:
        raise ValueError(f"the range {entry} runs backwards or is too long")
    return range(first, last + 1)


def frame_text(frames: Iterable[int]) -> str | list[int | str]:
    """Return frame numbers as `frame_list` reads them, runs as ranges; one run is no list."""
    runs: list[list[int]] = []
    for number in frames:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = int(number)
        else:
            runs.append([int(number), int(number)])
    texts: list[int | str] = [f"{a}..{b}" if b > a else a for a, b in runs]
    return texts[0] if len(texts) == 1 and isinstance(texts[0], str) else texts


FrameList = Annotated[
    tuple[int, ...],
    BeforeValidator(frame_list, json_schema_input_type=int | str | list[int | str]),
]
