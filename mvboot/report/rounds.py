"""The table of bootstrapping's rounds, for people and for machines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mvboot.bootstrap import Round, Selection, Verdict
from mvboot.files import atomic_file, write_json

TABLE, DATA = "rounds.md", "rounds.json"
HEADER = (
    "round",
    "learned from pictures",
    "frames",
    "rejected",
    "behind a better one",
    "chosen",
    "taken out by hand",
    "pseudo-labels",
    "hidden views",
    "unsure views",
    "mean score",
    "held-out px",
    "PCK .05",
    "median px",
)


def round_rows(rounds: Sequence[Round]) -> list[tuple[str, ...]]:
    """Return the table a person reads, the header first; what is not known is empty."""
    return [HEADER, *(_row(one) for one in rounds)]


def rejections(selection: Selection) -> str:
    """Say how many frames were rejected, and for what."""
    total = sum(selection.rejected.values())
    parts = ", ".join(f"{name} {count}" for name, count in selection.rejected.items() if count)
    return f"{total} ({parts})" if parts else "0"


def rounds_summary(rounds: Sequence[Round], found: Verdict) -> dict[str, Any]:
    """Return all of it as plain values."""
    return {
        "best": found.best,
        "stopped": found.stop,
        "rounds": [one.model_dump(mode="json") for one in rounds],
    }


def write_rounds(rounds: Sequence[Round], found: Verdict, folder: Path) -> None:
    """Write ``rounds.md`` and ``rounds.json``."""
    lines = [f"| {' | '.join(row)} |" for row in round_rows(rounds)]
    lines.insert(1, "|---" * len(HEADER) + "|")
    lines += ["", f"Best: round {found.best}." + (f" {_sentence(found.stop)}" * bool(found.stop))]
    with atomic_file(folder / TABLE) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_json(rounds_summary(rounds, found), folder / DATA)


def _row(one: Round) -> tuple[str, ...]:
    judged = (_figure(one.held_out_px), _figure(one.pck, 3), _figure(one.median_px))
    selection = one.selection
    if selection is None:
        return (str(one.round), str(one.pictures), *[""] * 9, *judged)
    return (
        str(one.round),
        str(one.pictures),
        str(selection.frames),
        rejections(selection),
        str(selection.below),
        str(len(selection.chosen)),
        str(one.refused),
        str(selection.pictures),
        str(selection.hidden_views),
        str(selection.unsure_views),
        _figure(selection.mean_score),
        *judged,
    )


def _figure(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _sentence(text: str | None) -> str:
    return "" if text is None else f"{text[0].upper()}{text[1:]}."
