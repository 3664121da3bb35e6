"""NPZ files: only what is asked for, nothing larger than it is, no pickles."""

import zipfile

import numpy as np
import pytest

from mvboot.errors import InputError
from mvboot.npz import NpzFile, read_npz


def written(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


def declaring(path, shape):
    """Write an NPZ whose array has a header of a shape, and 8 bytes."""
    with zipfile.ZipFile(path, "w") as file, file.open("a.npy", "w") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f8", "fortran_order": False, "shape": shape}
        )
        stream.write(bytes(8))
    return path


def test_reads_what_numpy_wrote(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "words": np.array(["x", "yz"]), "one": np.array(3)}
    found = read_npz(written(tmp_path / "f.npz", **arrays))
    assert list(found) == list(arrays)
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("shape", [(10**11,), (2**40, 2**40), (-1,)])
def test_refuses_a_declared_size_before_it_allocates(tmp_path, shape):
    with pytest.raises(InputError, match="declares shape"):
        read_npz(declaring(tmp_path / "f.npz", shape))


def test_an_array_that_is_not_asked_for_is_not_read(tmp_path):
    path = declaring(tmp_path / "f.npz", (10**11,))
    with zipfile.ZipFile(path, "a") as file, file.open("b.npy", "w") as stream:
        np.lib.format.write_array(stream, np.array(7))
    with NpzFile(path) as file:
        assert file.names == ("a", "b")
        assert file.read("b") == 7


def test_arrays_together_stay_in_proportion_to_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("mvboot.sizes.ALWAYS", 1000)
    monkeypatch.setattr("mvboot.sizes.GROWTH", 10)
    path = written(tmp_path / "f.npz", a=np.zeros(2000), b=np.zeros(2000))
    with NpzFile(path) as file, pytest.raises(InputError, match="would need"):
        file.several(["a", "b"])


def test_refuses_objects(tmp_path):
    path = tmp_path / "f.npz"
    np.savez(path, a=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="holds Python objects"):
        read_npz(path)


def test_names_the_file_and_the_array(tmp_path):
    named = pytest.raises(InputError, match=r"f\.npz.*no array 'b'")
    with NpzFile(written(tmp_path / "f.npz", a=np.zeros(1))) as file, named:
        file.read("b")


def test_damaged_files_end_in_one_line(tmp_path):
    whole = written(tmp_path / "f.npz", a=np.arange(50.0), b=np.arange(9)).read_bytes()
    random, path = np.random.default_rng(0), tmp_path / "damaged.npz"
    refused = 0
    for _ in range(300):
        content = bytearray(whole)
        for place in random.integers(0, len(whole), 3):
            content[place] = random.integers(256)
        path.write_bytes(content[: random.integers(len(whole) // 2, len(whole) + 1)])
        try:
            read_npz(path)
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 100
