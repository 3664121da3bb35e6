"""DeepLabCut-style 3D h5: columns scorer / (individuals) / bodyparts / coords with x, y, z."""

from pathlib import Path

from mvboot.files import atomic_file
from mvboot.keypoints import Keypoints3D

KEY = "df_with_missing"
SCORER = "mvboot"


def write_deeplabcut3d(keypoints: Keypoints3D, path: Path) -> None:
    """Write a pandas table under DeepLabCut's key; several individuals get a level of theirs."""
    import pandas as pd  # slow to load

    several = len(keypoints.individuals) > 1
    levels = [[SCORER], *([keypoints.individuals] if several else []), keypoints.keypoints]
    names = ["scorer", *(["individuals"] if several else []), "bodyparts", "coords"]
    columns = pd.MultiIndex.from_product([*levels, ["x", "y", "z"]], names=names)
    table = pd.DataFrame(
        keypoints.xyz.reshape(len(keypoints.frames), -1),
        index=pd.Index(keypoints.frames),
        columns=columns,
    )
    narrow = len(columns) < 400  # HDF5's attribute limit leaves room for the columns' names
    with atomic_file(path) as partial:
        table.to_hdf(partial, key=KEY, mode="w", format="table" if narrow else "fixed")
