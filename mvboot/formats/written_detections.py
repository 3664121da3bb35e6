"""`save_keypoints2d`: one door to every format of 2D keypoints that is written."""

from collections.abc import Callable
from pathlib import Path

from mvboot.errors import InputError
from mvboot.files import safe_name
from mvboot.formats.detections import OWN, detection_formats
from mvboot.formats.keypoints2d_table import write_keypoints2d
from mvboot.keypoints import Keypoints2D

OWN_TABLES = {OWN: "keypoints.parquet", "csv": "keypoints.csv"}
"""Names of our own tables by their format."""


def save_keypoints2d(keypoints: Keypoints2D, folder: str | Path, format: str) -> None:
    """Write 2D keypoints into a folder in a foreign format, or as our own Parquet or CSV table.

    A folder that holds nothing else can be read again by `load_keypoints`. Formats keep what they
    have a place for: some know no names of keypoints, or no confidence.

    Parameters
    ----------
    keypoints
        Of all cameras.
    folder
        It is made where it is missing.
    format
        Name of one of `detection_formats`, or "mvboot" or "csv".

    Raises
    ------
    InputError
        An unknown format, a camera whose name cannot be a file's, and what a format cannot hold.
    """
    folder = Path(folder)
    writer = _writer(format)
    for camera in keypoints.cameras:
        safe_name(camera, "the camera's name")
    folder.mkdir(parents=True, exist_ok=True)
    writer(keypoints, folder)


def _writer(format: str) -> Callable[[Keypoints2D, Path], None]:
    if format in OWN_TABLES:
        return lambda keypoints, folder: write_keypoints2d(keypoints, folder / OWN_TABLES[format])
    found = detection_formats().get(format)
    if found is None or found.write is None:
        written = [name for name, one in detection_formats().items() if one.write is not None]
        known = ", ".join([*written, *OWN_TABLES])
        raise InputError(f"unknown format of 2D keypoints {format!r}; known are {known}")
    return found.write
