"""Lists of x, y, score in JSON, checked as they are read."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError


def triples(values: Any, where: Path) -> NDArray[np.float64]:
    """Return x, y, score (K, 3) of a flat list, or of a list of triples; InputError otherwise."""
    found = numbers(values, where)
    if found.size % 3 or (found.ndim == 2 and found.shape[1] != 3) or found.ndim > 2:
        raise InputError("has keypoints that are not triples x, y, confidence", where=where)
    return found.reshape(-1, 3)


def numbers(values: Any, where: Path) -> NDArray[np.float64]:
    """Return a list, or a list of equal lists, of numbers or null (NaN); InputError otherwise."""
    if not isinstance(values, list):
        raise InputError("has keypoints that are no list of numbers", where=where)
    flat = [part for one in values for part in (one if isinstance(one, list) else [one])]
    if not all(part is None or isinstance(part, int | float) for part in flat):
        raise InputError("has keypoints that are no numbers", where=where)
    try:
        return np.array(values, dtype=np.float64)
    except (ValueError, OverflowError):  # lists of different lengths, integers of 400 digits
        raise InputError("has keypoints of different lengths, or too large", where=where) from None


def whole(value: Any, what: str, where: Path) -> int:
    """Return a whole number that may be stored as text or float; InputError for anything else."""
    try:
        number = int(value) if isinstance(value, str) else value
        if isinstance(number, int | float) and number == int(number) and abs(number) < 2**63:
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise InputError(f"has {what} {str(value)[:40]!r}, which is no whole number", where=where)
