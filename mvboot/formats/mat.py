"""MATLAB files of either generation as plain dictionaries."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mvboot.errors import InputError
from mvboot.formats.child import read_in_child
from mvboot.formats.hdf5 import opened, own, require_stored
from mvboot.words import reason

DEEPEST = 20


def read_mat(path: Path) -> dict[str, Any]:
    """Return the variables of a .mat file: structs as dicts, cells as lists, matrices as arrays.

    Version 7.3 files (HDF5) are transposed back to MATLAB's order. InputError where the file is
    missing, cut off or of another kind. Damaged files crash the libraries that read them, so that
    they are read in a process of its own.
    """
    if not path.is_file():
        raise InputError("no such file", where=path)
    found: dict[str, Any] = read_in_child(f"{__name__}:contents", path)
    return found


def variables(path: Path) -> set[str]:
    """Return the names of a .mat file's variables without reading them; empty where it is none."""
    if path.suffix != ".mat" or not path.is_file():
        return set()
    try:
        return set(read_in_child(f"{__name__}:names", path))
    except InputError:
        return set()


def names(path: Path) -> list[str]:
    """Read what `variables` returns, in the child."""
    from scipy.io import whosmat

    if h5py.is_hdf5(path):
        with opened(path) as file:
            return [name for name in file if not name.startswith("#")]
    return [str(name) for name, _, _ in whosmat(path)]


def contents(path: Path) -> dict[str, Any]:
    """Read what `read_mat` returns, in the child."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    if h5py.is_hdf5(path):
        with opened(path) as file:
            return {
                name: _hdf5(file, own(file, name, path), path, 0)
                for name in file
                if not name.startswith("#")
            }
    try:
        content = loadmat(path, simplify_cells=True)
    except (OSError, ValueError, TypeError, KeyError, MatReadError, NotImplementedError) as error:
        raise InputError(f"is no readable MATLAB file ({reason(error)})", where=path) from None
    return {key: value for key, value in content.items() if not key.startswith("__")}


def cells(value: Any) -> list[Any]:
    """Return a cell array as a list, whatever its shape; a single cell is a list of one."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return list(value.ravel(order="F"))
    return list(value) if isinstance(value, list | np.ndarray) else [value]


def _hdf5(file: h5py.File, node: Any, path: Path, depth: int) -> Any:
    if depth > DEEPEST:
        raise InputError("is nested too deeply for a MATLAB file", where=path)
    if isinstance(node, h5py.Group):
        return {key: _hdf5(file, own(node, key, path), path, depth + 1) for key in node}
    require_stored(node, node.name or "a variable", path)
    values = node[()]
    if h5py.check_ref_dtype(node.dtype):
        return [_referred(file, reference, path, depth) for reference in np.ravel(values)]
    if node.attrs.get("MATLAB_class") == b"char":
        return "".join(chr(code) for code in np.ravel(values))
    if node.attrs.get("MATLAB_empty"):
        return np.zeros(0)
    if node.dtype.kind not in "iufb":
        raise InputError("holds something that is no number, text, cell or struct", where=path)
    return np.asarray(values).T


def _referred(file: h5py.File, reference: Any, path: Path, depth: int) -> Any:
    """Return what a cell refers to: another variable of the same file."""
    if not reference:
        raise InputError("has a cell that refers to nothing", where=path)
    return _hdf5(file, file[reference], path, depth + 1)
