import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mvboot.errors import (
    InputError,
    MvbootError,
    NothingUsable,
    QualityMissed,
    Stopped,
    heed_signals,
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


def test_a_second_signal_does_not_disturb_the_cleaning_up():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        heed_signals()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN, "a background job stays deaf"
        with pytest.raises(Stopped) as stopped:
            signal.raise_signal(signal.SIGTERM)
        assert stopped.value.exit_code == 143
        signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("module", ["formats.colmap", "calib.bundle"])
def test_libraries_do_not_take_signals_away(module):
    code = (
        "import os, signal, time\n"
        "from mvboot.errors import Stopped, heed_signals\n"
        "heed_signals()\n"
        f"import mvboot.{module}\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(5)\n"
        "except Stopped as stopped:\n"
        "    print(stopped.exit_code)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "143\n", "")
