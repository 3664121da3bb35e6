"""``mvboot inspect``: what a file says about itself."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from mvboot.stages.output import Output


def inspect(
    path: Annotated[Path, Argument(help="A file that mvboot wrote.")],
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a file holds and where it came from."""
    from mvboot.report.inspection import file_facts

    say = Output(as_json)
    facts = file_facts(path)
    for key, value in facts.items():
        say.say(f"{key}: {value}")
    say.result(facts)
