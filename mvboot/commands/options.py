"""Options that hold lists and pairs, from the words they were given as."""

from collections.abc import Sequence

from mvboot.errors import InputError


def listed(text: str, option: str) -> list[str]:
    """Return different names that commas separate; InputError for empty or repeated ones."""
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) < len(names):
        raise InputError(f"{option} {text!r} must list different names, comma-separated")
    return names


def pairs(texts: Sequence[str] | None, option: str, form: str) -> dict[str, str] | None:
    """Return ``LEFT=RIGHT`` words as a mapping, or None for none; InputError for another form."""
    found = {}
    for text in texts or ():
        left, equals, right = text.partition("=")
        if not (left and equals and right):
            raise InputError(f"{option} {text!r} is not of the form {form}")
        found[left] = right
    return found or None


def by_camera(texts: Sequence[str] | None, option: str) -> dict[str, list[str]] | None:
    """Return ``CAMERA=A,B`` words by camera, ``A,B`` alone under "all", or None for none."""
    found: dict[str, list[str]] = {}
    for text in texts or ():
        camera, equals, words = text.partition("=")
        key, value = (camera, words) if equals else ("all", text)
        found.setdefault(key, []).extend(listed(value, option))
    return found or None
