"""Units of length: the one list of them, and lengths written with their unit."""

import re
from typing import Literal, get_args

Unit = Literal["m", "cm", "mm", "um"]
UNITS_IN_M: dict[str, float] = dict(zip(get_args(Unit), (1.0, 0.01, 0.001, 1e-6), strict=True))
UNIT_NAMES = ", ".join(UNITS_IN_M)
UNIT_WORDS = " or ".join(UNIT_NAMES.rsplit(", ", 1))
UNIT_CHOICE = "|".join(UNITS_IN_M)
UNIT_PATTERN = "|".join(sorted(UNITS_IN_M, key=len, reverse=True))


def length_in_m(text: str) -> float | None:
    """Return the metres that ``300 mm`` or ``.5m`` says; None for another form."""
    match = re.fullmatch(rf"([0-9]+\.?[0-9]*|\.[0-9]+) *({UNIT_PATTERN})", text.strip())
    return None if match is None else float(match[1]) * UNITS_IN_M[match[2]]
