"""MATLAB files are read in a process of their own: a damaged one is a line, not a crash."""

from random import Random

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from mvboot import InputError
from mvboot.formats.mat import cells, read_mat, variables


@pytest.fixture
def version5(tmp_path):
    path = tmp_path / "a.mat"
    entries = np.empty((2, 1), dtype=object)
    entries[:, 0] = [{"K": np.eye(3), "name": "left"}, {"K": 2 * np.eye(3), "name": "right"}]
    savemat(path, {"params": entries, "n": 3.0})
    return path


def test_structs_and_cells(version5):
    found = read_mat(version5)
    first, second = cells(found["params"])
    np.testing.assert_array_equal(second["K"], 2 * np.eye(3))
    assert first["name"] == "left" and found["n"] == 3
    assert variables(version5) == {"params", "n"}


def test_damage_anywhere_is_read_or_refused(version5):
    whole, random = version5.read_bytes(), Random(0)
    for _ in range(15):
        damaged = bytearray(whole)
        for _ in range(random.choice((1, 8))):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        version5.write_bytes(damaged)
        variables(version5)
        try:
            read_mat(version5)
        except InputError as error:
            assert str(error).startswith(str(version5))


def version73(path, change=lambda file: None):
    """Write a cell of two texts as MATLAB 7.3 does."""
    with h5py.File(path, "w", userblock_size=512) as file:
        refs = file.create_group("#refs#")
        for name, word in (("a", "left"), ("b", "right")):
            refs[name] = np.array([[ord(letter)] for letter in word], dtype=np.uint16)
            refs[name].attrs["MATLAB_class"] = np.bytes_("char")
        kind = h5py.ref_dtype
        names = file.create_dataset("names", (1, 2), dtype=kind)
        names[0] = [refs["a"].ref, refs["b"].ref]
        file["K"] = np.arange(6.0).reshape(2, 3)
        change(file)
    return path


def test_version_73(tmp_path):
    path = version73(tmp_path / "a.mat")
    found = read_mat(path)
    assert found["names"] == ["left", "right"]
    np.testing.assert_array_equal(found["K"], np.arange(6.0).reshape(2, 3).T)
    assert variables(path) == {"names", "K"}


def linked(file):
    file["x"] = h5py.ExternalLink("other.mat", "/K")


def dangling(file):
    file["names"][0, 1] = h5py.Reference()


def circular(file):
    file["names"][0, 1] = file["names"].ref


def huge(file):
    file.create_dataset("x", (1 << 20, 1 << 20), "f8", chunks=(64, 64))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (linked, "link to somewhere else"),
        (dangling, "refers to nothing"),
        (circular, "nested too deeply"),
        (huge, "would need"),
    ],
)
def test_what_reaches_beyond_the_file_is_refused(tmp_path, change, said):
    path = version73(tmp_path / "a.mat", change)
    with pytest.raises(InputError, match=said):
        read_mat(path)
