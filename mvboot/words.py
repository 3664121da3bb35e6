"""Words of messages: lists that stay short, and what an exception says to people."""

from collections.abc import Sequence

LONGEST_NAME = 40
LONGEST_LIST = 160
LONGEST_REASON = 120
"""Characters of a name, of a list of names, and of a library's own message that are shown."""


def listed(names: Sequence[str], most: int = 16) -> str:
    """Return names with commas, at most so many and few enough to read; how many, if not all."""
    shown: list[str] = []
    for name in names[:most]:
        word = name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."
        if shown and len(", ".join([*shown, word])) > LONGEST_LIST:
            break
        shown.append(word)
    more = f", ... ({len(names)} in all)" if len(shown) < len(names) else ""
    return (", ".join(shown) or "none") + more


def reason(error: BaseException) -> str:
    """Return what an exception says, in one short line; its type alone says little to people."""
    if isinstance(error, KeyError) and error.args:
        text = f"{error.args[0]!r} is missing"
    else:
        text = (str(error).strip().splitlines() or [""])[0]
    return text[:LONGEST_REASON] or type(error).__name__
