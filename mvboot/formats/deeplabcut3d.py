"""DeepLabCut-style 3D h5: columns scorer / (individuals) / bodyparts / coords with x, y, z.

Written by h5py in the ``fixed`` layout of pandas, which `pandas.read_hdf` reads.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mvboot.files import atomic_file
from mvboot.keypoints import Keypoints3D

KEY = "df_with_missing"
SCORER = "mvboot"
COORDS = ("x", "y", "z")
ROOT = {"CLASS": "GROUP", "TITLE": "", "VERSION": "1.0", "PYTABLES_FORMAT_VERSION": "2.1"}
ARRAY = {"CLASS": "ARRAY", "FLAVOR": "numpy", "TITLE": "", "VERSION": "2.4"}


def write_deeplabcut3d(keypoints: Keypoints3D, path: Path) -> None:
    """Write a pandas table under DeepLabCut's key; several individuals get a level of theirs."""
    several = len(keypoints.individuals) > 1
    owners = {"individuals": keypoints.individuals} if several else {}
    levels = {"scorer": (SCORER,), **owners, "bodyparts": keypoints.keypoints, "coords": COORDS}
    values = keypoints.xyz.reshape(len(keypoints.frames), -1)
    with atomic_file(path) as partial, h5py.File(partial, "w") as file:
        _describe(file, ROOT)
        table = file.create_group(KEY)
        _describe(table, {"CLASS": "GROUP", "TITLE": "", "VERSION": "1.0"})
        _describe(table, {"pandas_type": "frame", "pandas_version": "0.15.2"})
        _describe(table, {"encoding": "UTF-8", "errors": "strict"})
        table.attrs.update({"ndim": np.int64(2), "nblocks": np.int64(1)})
        for axis in ("axis0", "block0_items"):
            _columns(table, axis, levels)
        _describe(table, {"axis1_variety": "regular"})
        _array(table, "axis1", keypoints.frames.astype(np.int64), {"kind": "integer"})
        _array(table, "block0_values", values, {})


def _columns(table: h5py.Group, axis: str, levels: Mapping[str, Any]) -> None:
    """Write every combination of the levels' names, the last one fastest."""
    _describe(table, {f"{axis}_variety": "multi"})
    table.attrs[f"{axis}_nlevels"] = np.int64(len(levels))
    codes = np.indices([len(names) for names in levels.values()]).reshape(len(levels), -1)
    for i, (name, names) in enumerate(levels.items()):
        told = {"kind": "string", "name": name, f"{axis}_name{name}": name, "nan_rep": "nan"}
        texts = np.array([each.encode() for each in names])
        _array(table, f"{axis}_level{i}", texts, told)
        _array(table, f"{axis}_label{i}", codes[i].astype(np.int32), {})


def _array(table: h5py.Group, name: str, values: Any, told: Mapping[str, str]) -> None:
    table[name] = values
    _describe(table[name], {**ARRAY, **told})
    table[name].attrs["transposed"] = np.uint8(1)


def _describe(node: Any, told: Mapping[str, str]) -> None:
    for name, text in told.items():
        content = text.encode()
        kind = h5py.string_dtype("utf-8", max(1, len(content)))
        node.attrs.create(name, content if text else h5py.Empty(kind), dtype=kind)
