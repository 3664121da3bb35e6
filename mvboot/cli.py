"""The command line: collects the commands."""

import sys
from typing import Annotated

import typer

from mvboot import __version__
from mvboot.commands.board import board
from mvboot.commands.bootstrap import bootstrap
from mvboot.commands.calibrate import calibrate
from mvboot.commands.capture import capture
from mvboot.commands.demo import demo
from mvboot.commands.evaluate import evaluate
from mvboot.commands.inspect import inspect
from mvboot.commands.predict import predict
from mvboot.commands.rig import app as rig
from mvboot.commands.surface import surface
from mvboot.commands.synth import synth
from mvboot.commands.template import template
from mvboot.commands.train import train
from mvboot.commands.triangulate import triangulate
from mvboot.errors import DEBUG, heed_signals, run_app

app = typer.Typer(
    name="mvboot",
    help="From a calibrated camera rig to dense, geometrically consistent keypoints and metric 3D.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("demo")(demo)
app.add_typer(rig, name="rig")
app.command("board")(board)
app.command("calibrate")(calibrate)
app.command("triangulate")(triangulate)
app.command("capture")(capture)
app.command("synth")(synth)
app.command("train")(train)
app.command("bootstrap")(bootstrap)
app.command("predict")(predict)
app.command("template")(template)
app.command("surface")(surface)
app.command("evaluate")(evaluate)
app.command("inspect")(inspect)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mvboot {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option(DEBUG, help="Show where an error arose, for a report of it.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; bad input ends in one line on standard error, never a traceback."""
    heed_signals()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code (DESIGN 5)."""
    return run_app(app, arguments)


if __name__ == "__main__":
    main()
