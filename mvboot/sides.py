"""Which keypoints are left and right of one another, read from their names."""

import re
from collections.abc import Callable, Sequence

Swap = Callable[[str], str]

_WORD = re.compile("left", re.IGNORECASE)
_LETTERS = (
    r"(?<![A-Za-z])[lL](?![A-Za-z])",  # l_hip, hip.L, Hip L, L1
    r"^[lL](?=[A-Z])",  # LShoulder, lShoulder
    r"(?<=[a-z0-9])L(?![A-Za-z])",  # hipL, hip2L_base
    r"^[lL](?=[a-z])",  # Lhip, lhip
)


def left_right_pairs(names: Sequence[str]) -> dict[str, str]:
    """Return the right keypoint of each left one, for `Mirror` and for detectors that swap them.

    Two names are a pair where they differ by "left" for "right", or by a letter L for R that
    stands apart from a word, at its beginning or at its end, in the same case. A name without
    such a partner among the ``names`` is left out.
    """
    known, pairs = set(names), {}
    for name in names:
        for swap in _SWAPS:
            image = swap(name)
            if image != name and image in known:
                pairs[name] = image
                break
    return pairs


def without_partner(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names with the word left or right whose other side is not among the ``names``."""
    sided = [name for name in names if re.search("left|right", name, re.IGNORECASE)]
    pairs = left_right_pairs(names)
    paired = {*pairs, *pairs.values()}
    return tuple(name for name in sided if name not in paired)


def _word(name: str) -> str:
    return _WORD.sub(lambda found: _in_case_of(found[0], "right"), name)


def _letter(pattern: str) -> Swap:
    rule = re.compile(pattern)
    return lambda name: rule.sub(lambda found: _in_case_of(found[0], "r"), name)


def _in_case_of(model: str, word: str) -> str:
    if model.isupper():
        return word.upper()
    return word.capitalize() if model[0].isupper() else word


_SWAPS: tuple[Swap, ...] = (_word, *map(_letter, _LETTERS))
