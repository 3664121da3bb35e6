"""MATLAB files of either generation as plain dictionaries."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from mvboot.errors import InputError


def read_mat(path: Path) -> dict[str, Any]:
    """Return the variables of a .mat file: structs as dicts, cells as lists, matrices as arrays.

    Version 7.3 files (HDF5) are transposed back to MATLAB's order. InputError where the file is
    missing, cut off or of another kind.
    """
    if not path.is_file():
        raise InputError("no such file", where=path)
    try:
        if h5py.is_hdf5(path):
            with h5py.File(path) as file:
                return {k: _hdf5(file, v) for k, v in file.items() if not k.startswith("#")}
        content = loadmat(path, simplify_cells=True)
    except (OSError, ValueError, TypeError, KeyError, MatReadError, NotImplementedError) as error:
        raise InputError(f"is no readable MATLAB file ({error})", where=path) from None
    return {key: value for key, value in content.items() if not key.startswith("__")}


def cells(value: Any) -> list[Any]:
    """Return a cell array as a list, whatever its shape; a single cell is a list of one."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return list(value.ravel(order="F"))
    return list(value) if isinstance(value, list | np.ndarray) else [value]


def _hdf5(file: h5py.File, node: Any) -> Any:
    if isinstance(node, h5py.Group):
        return {key: _hdf5(file, child) for key, child in node.items()}
    values = node[()]
    if h5py.check_ref_dtype(node.dtype):
        return [_hdf5(file, file[reference]) for reference in np.ravel(values)]
    if node.attrs.get("MATLAB_class") == b"char":
        return "".join(chr(code) for code in np.ravel(values))
    if node.attrs.get("MATLAB_empty"):
        return np.zeros(0)
    return np.asarray(values).T
