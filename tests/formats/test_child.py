"""What crashes, hangs or fills the memory does so in the child; the caller gets one line."""

import ctypes
import os

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.formats import child
from mvboot.formats.child import read_in_child


def good(path):
    cell = np.empty((2, 1), dtype=object)
    cell[:, 0] = ["left", {"K": np.eye(3)}]
    return {"text": path.read_text(), "cell": cell, "n": np.float32(2), "none": None}


def refusing(path):
    raise InputError("holds no camera", where=path)


def raising(path):
    return [][1]


def crashing(path):
    return ctypes.string_at(0)


def hanging(path):
    while True:
        pass


def greedy(path):
    return np.ones(1 << 40)


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read a small file by a function of this module."""
    path = tmp_path / "a.mat"
    path.write_text("hello")
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))
    monkeypatch.setattr(child, "_child", None)
    return lambda function: read_in_child(f"test_child:{function.__name__}", path)


def test_values_and_arrays_come_back(read):
    found = read(good)
    assert found["text"] == "hello" and found["n"] == 2 and found["none"] is None
    assert found["cell"][0] == "left"
    np.testing.assert_array_equal(found["cell"][1]["K"], np.eye(3))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (refusing, "a.mat: holds no camera"),
        (raising, r"a.mat: is no readable file \(list index out of range\)"),
        (crashing, "a.mat: is damaged: reading it crashed"),
        (greedy, "a.mat: needs more memory than there is"),
    ],
)
def test_faults_are_one_line_and_the_next_file_is_read(read, function, said):
    with pytest.raises(InputError, match=said):
        read(function)
    assert read(good)["text"] == "hello"


@pytest.mark.slow
def test_a_reader_that_never_ends_is_ended(read, monkeypatch):
    with pytest.raises(InputError, match="took too long"):
        read(hanging)
