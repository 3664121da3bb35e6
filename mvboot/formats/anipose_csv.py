"""anipose 3D CSV: one row a frame, exactly anipose's columns, so that its readers take it.

``<keypoint>_x, _y, _z, _error, _ncams, _score`` for each keypoint, then ``M_00 ... M_22`` and
``center_0 ... center_2`` (anipose's change of axes, here none) and ``fnum``.
"""

from pathlib import Path

import numpy as np

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.keypoints import Keypoints3D


def write_anipose_csv(keypoints: Keypoints3D, path: Path) -> None:
    """Write one individual; InputError where there are several (the format has no place)."""
    if len(keypoints.individuals) != 1:
        raise InputError(
            f"anipose's CSV holds one individual, there are {len(keypoints.individuals)} "
            f"({', '.join(keypoints.individuals)}); triangulate with --subject NAME",
            where=path,
        )
    columns = {}
    for k, name in enumerate(keypoints.keypoints):
        for axis, label in enumerate("xyz"):
            columns[f"{name}_{label}"] = keypoints.xyz[:, 0, k, axis]
        columns[f"{name}_error"] = keypoints.error_px[:, 0, k]
        columns[f"{name}_ncams"] = np.where(
            keypoints.accepted[:, 0, k], keypoints.n_views[:, 0, k], np.nan
        )
        columns[f"{name}_score"] = keypoints.score[:, 0, k]
    for i, j in np.ndindex(3, 3):
        columns[f"M_{i}{j}"] = np.full(len(keypoints.frames), float(i == j))
    for i in range(3):
        columns[f"center_{i}"] = np.zeros(len(keypoints.frames))
    import pandas as pd  # slow to load

    table = pd.DataFrame(columns)
    table["fnum"] = keypoints.frames
    with atomic_file(path) as partial:
        table.to_csv(partial, index=False)
