"""DeepLabCut-style 3D h5: columns scorer / (individuals) / bodyparts / coords with x, y, z."""

from pathlib import Path

import pandas as pd

from mvboot.files import atomic_file
from mvboot.keypoints import Keypoints3D

KEY = "df_with_missing"
SCORER = "mvboot"


def write_deeplabcut3d(keypoints: Keypoints3D, path: Path) -> None:
    """Write a pandas table under DeepLabCut's key; several individuals get a level of theirs."""
    several = len(keypoints.individuals) > 1
    levels = [[SCORER], *([keypoints.individuals] if several else []), keypoints.keypoints]
    names = ["scorer", *(["individuals"] if several else []), "bodyparts", "coords"]
    columns = pd.MultiIndex.from_product([*levels, ["x", "y", "z"]], names=names)
    table = pd.DataFrame(
        keypoints.xyz.reshape(len(keypoints.frames), -1),
        index=pd.Index(keypoints.frames),
        columns=columns,
    )
    with atomic_file(path) as partial:
        table.to_hdf(partial, key=KEY, mode="w", format="table" if _is_narrow(table) else "fixed")


def _is_narrow(table: pd.DataFrame) -> bool:
    """Whether HDF5's attribute limit leaves room for the column names of a ``table``."""
    return len(table.columns) < 400
