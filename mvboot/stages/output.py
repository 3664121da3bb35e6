"""Printing for people (tables, notes) and for machines (one JSON object)."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress


class Output:
    """Where a command's words go: to people on standard output, or with ``--json`` nowhere.

    Parameters
    ----------
    as_json
        Print nothing but one JSON object at the end.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    def say(self, text: str = "") -> None:
        """Print a line for people."""
        if not self.as_json:
            print(text, flush=True)  # who reads a pipe sees it now, not when all is done

    def warn(self, text: str) -> None:
        """Print a warning to standard error, for people and machines alike."""
        print(f"warning: {text}", file=sys.stderr)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Print rows of text; the first one is the header, the first column left-aligned."""
        if not self.as_json:
            print("\n".join(table_lines(rows)))

    def result(self, value: Any) -> None:
        """Print the JSON object of ``--json``."""
        if self.as_json:
            print(json.dumps(value, indent=2, ensure_ascii=False))

    @contextmanager
    def progress(self, items: Iterable[Any], total: int, label: str) -> Iterator[Iterator[Any]]:
        """Iterate with a progress bar and the time left; none where nobody watches a terminal."""
        if self.as_json or not sys.stderr.isatty():
            yield iter(items)
            return
        with self.bar(total, label) as bar:
            yield iter(bar.track(items, total, bar.task_ids[0]))

    def bar(self, total: int, label: str) -> "Progress":
        """Return a bar with the time left, to be started; silent where nobody watches a terminal.

        Lines that are said meanwhile appear above it.
        """
        from rich.console import Console
        from rich.progress import Progress, TimeElapsedColumn

        watched = not self.as_json and sys.stderr.isatty()
        columns = (*Progress.get_default_columns(), TimeElapsedColumn())
        bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=not watched)
        bar.add_task(label, total=total)
        return bar


SILENT = Output(as_json=True)
"""Prints nothing but warnings."""


def table_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align columns: numbers to the right, words to the left, two spaces between."""
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    right = [all(_is_number(row[j]) for row in rows[1:]) for j in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


def _is_number(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell[0] in "-+."
