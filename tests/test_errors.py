import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer import Typer

from mvboot.errors import (
    InputError,
    MvbootError,
    NothingUsable,
    QualityMissed,
    Stopped,
    heed_signals,
    run_app,
)


def test_the_place_stands_in_front_of_the_message():
    assert str(InputError("is empty", where=Path("a/rig.yaml"))) == "a/rig.yaml: is empty"
    assert str(InputError("is empty")) == "is empty"
    error = InputError("is empty", where="rig.yaml:3:1")
    assert (error.message, error.where) == ("is empty", "rig.yaml:3:1")


@pytest.mark.parametrize(
    ("kind", "code"), [(QualityMissed, 1), (InputError, 2), (NothingUsable, 3), (MvbootError, 1)]
)
def test_exit_codes(kind, code):
    assert kind.exit_code == code and issubclass(kind, MvbootError)


def test_bad_input_is_a_value_error():
    with pytest.raises(ValueError, match="is empty"):
        raise InputError("is empty")


def test_a_signal_raises():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        heed_signals()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "a background job stays deaf"
        with pytest.raises(Stopped) as stopped:
            signal.raise_signal(signal.SIGTERM)
        assert stopped.value.exit_code == 143
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.slow
@pytest.mark.parametrize("module", ["formats.colmap", "calib.bundle"])
def test_libraries_do_not_take_signals_away(module):
    code = (
        "import os, signal\n"
        "from mvboot.errors import Stopped, heed_signals\n"
        "heed_signals()\n"
        f"import mvboot.{module}\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    signal.pause()\n"
        "except Stopped as stopped:\n"
        "    print(stopped.exit_code)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "143\n", "")


COMMAND = """
import signal, sys, typer
from mvboot.errors import heed_signals, run_app
from mvboot.files import atomic_folder
app, kept = typer.Typer(), []
def interrupted(number=signal.SIGINT):
    try:
        signal.raise_signal(number)
    except BaseException as error:
        kept.append(error)
@app.command()
def work():
    with atomic_folder("new/out") as folder:
        (folder / "a").write_text("half")
        BODY
        print("went on", flush=True)
signal.signal(signal.SIGINT, signal.default_int_handler)
heed_signals()
sys.exit(run_app(app, []))
"""


@pytest.mark.parametrize(
    ("body", "code", "goes_on"),
    [
        ("signal.raise_signal(signal.SIGINT)", 130, False),
        ("interrupted(); kept.clear()", 130, False),
        ("interrupted(signal.SIGTERM); kept.clear()", 143, False),
        ("interrupted(); signal.raise_signal(signal.SIGINT)", 130, False),
        ("interrupted(); raise ValueError", 130, False),
        ("interrupted()", 130, True),
    ],
)
def test_a_signal_ends_a_command_whatever_libraries_do_with_the_exception(
    tmp_path, body, code, goes_on
):
    found = subprocess.run(
        [sys.executable, "-c", COMMAND.replace("BODY", body)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert found.returncode == code
    assert found.stderr == "mvboot: interrupted; no half-written file was left behind\n"
    assert found.stdout == ("went on\n" if goes_on else "")
    assert [path.name for path in tmp_path.rglob("*")] == (["new", "out", "a"] if goes_on else [])


def fails(error):
    app = Typer()

    @app.command()
    def work():
        raise error

    return run_app(app, [])


@pytest.mark.parametrize("kind", [InputError, NothingUsable, OSError])
def test_a_message_of_any_length_is_one_line_that_begins_and_ends_as_it_did(capsys, kind):
    names = ", ".join(f"camera\n{i}" for i in range(5000))
    assert fails(kind(f"no pictures of {names}; give them with --images")) == kind_code(kind)
    (line,) = capsys.readouterr().err.splitlines()
    assert len(line) < 700 and "no pictures of camera 0, " in line and " ... " in line
    assert line.endswith("4998, camera 4999; give them with --images")


def kind_code(kind):
    return getattr(kind, "exit_code", InputError.exit_code)


def test_letters_that_steer_a_terminal_are_not_printed(capsys):
    fails(InputError("no camera \x1b[2Jleft\x07"))
    assert capsys.readouterr().err == "mvboot: no camera  [2Jleft \n"
