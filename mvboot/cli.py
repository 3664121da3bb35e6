"""The command line: collects the commands, and turns errors into one line and an exit code."""

import sys
from typing import Annotated

import typer

from mvboot import __version__
from mvboot.commands.board import board
from mvboot.commands.calibrate import calibrate
from mvboot.commands.demo import demo
from mvboot.commands.evaluate import evaluate
from mvboot.commands.inspect import inspect
from mvboot.commands.predict import predict
from mvboot.commands.rig import app as rig
from mvboot.commands.synth import synth
from mvboot.commands.train import train
from mvboot.commands.triangulate import triangulate
from mvboot.errors import InputError, MvbootError

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
app.command("synth")(synth)
app.command("train")(train)
app.command("predict")(predict)
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
) -> None:
    pass


def main() -> None:
    """Run the command line; bad input ends in one line on standard error, never a traceback."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code (DESIGN 5)."""
    try:
        code = app(arguments, standalone_mode=False)
    except MvbootError as error:
        print(f"mvboot: {error}", file=sys.stderr)
        return error.exit_code
    except typer.TyperException as error:
        message = error.format_message()
        is_help = "\n" in message  # a command group that was called without a command
        print(message if is_help else f"mvboot: {message} (see --help)", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"mvboot: {error.filename or 'file'}: {error.strerror or error}", file=sys.stderr)
        return InputError.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("mvboot: interrupted; nothing was written", file=sys.stderr)
        return 130
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
