"""movement's netCDF: ``position (time, space, keypoint, individual)`` and ``confidence``.

movement named its dimensions in the plural before 0.17; both spellings can be written.
"""

import json
from pathlib import Path

import numpy as np

from mvboot.errors import InputError
from mvboot.files import atomic_file
from mvboot.keypoints import Keypoints3D


def write_movement(keypoints: Keypoints3D, path: Path) -> None:
    """Write the dataset of movement 0.17 and later."""
    _write(keypoints, path, "keypoint", "individual")


def write_movement_plural(keypoints: Keypoints3D, path: Path) -> None:
    """Write the dataset of movement before 0.17."""
    _write(keypoints, path, "keypoints", "individuals")


def _write(keypoints: Keypoints3D, path: Path, keypoint: str, individual: str) -> None:
    try:
        import xarray as xr
    except ImportError:
        raise InputError("netCDF needs xarray: pip install 'mvboot[export]'", where=path) from None
    fps = keypoints.fps
    attributes: dict[str, str | float] = {
        "source_software": "mvboot",
        "ds_type": "poses",
        "time_unit": "frames" if fps is None else "seconds",
        "space_unit": keypoints.units,
        "provenance": json.dumps(dict(keypoints.provenance)),
    }
    if fps is not None:
        attributes["fps"] = fps
    dataset = xr.Dataset(
        {
            "position": (
                ("time", "space", keypoint, individual),
                keypoints.xyz.transpose(0, 3, 2, 1),
            ),
            "confidence": (("time", keypoint, individual), keypoints.score.transpose(0, 2, 1)),
        },
        coords={
            "time": keypoints.frames if fps is None else keypoints.frames / np.float64(fps),
            "space": ["x", "y", "z"],
            keypoint: list(keypoints.keypoints),
            individual: list(keypoints.individuals),
        },
        attrs=attributes,
    )
    with atomic_file(path) as partial:
        dataset.to_netcdf(partial, engine="h5netcdf")
