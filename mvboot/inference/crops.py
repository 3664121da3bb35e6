"""Where detectors of keypoints look."""

from pathlib import Path
from typing import Literal

from mvboot.datasets import Capture, View
from mvboot.datasets.boxes import SIDES, Boxes
from mvboot.formats.keypoints2d_table import read_keypoints2d
from mvboot.formats.keypoints3d_table import read_keypoints3d
from mvboot.formats.tables import read_table
from mvboot.triangulation.projected import projected

MIN_CONFIDENCE = 0.3
"""Keypoints less sure do not say where the subject is."""


def boxes_from(path: Path, capture: Capture, individual: str | None = None) -> Boxes:
    """Return the boxes that a table has or implies, for the pictures of a capture.

    Parameters
    ----------
    path
        Boxes (`Boxes.read`), or 2D keypoints, or 3D keypoints, which are projected; Parquet or CSV.
    capture
        Its rig projects.
    individual
        Whose keypoints, where there are several.

    Raises
    ------
    InputError
        Another or a broken table, one of other cameras or frames, keypoints of several
        individuals, 3D keypoints that no camera sees.
    """
    return capture.fitting(_boxes_from(path, capture, individual), path)


def _boxes_from(path: Path, capture: Capture, individual: str | None) -> Boxes:
    columns = set(read_table(path, ()).column_names)
    if set(SIDES) <= columns:
        return Boxes.read(path)
    if "z" in columns:
        keypoints = projected(read_keypoints3d(path), capture.rig)
    else:
        keypoints = read_keypoints2d(path)
    chosen = keypoints if individual is None else keypoints.of(individual)
    return Boxes.of_keypoints(chosen, MIN_CONFIDENCE)


def framed(capture: Capture, crops: Literal["subject", "picture"]) -> Capture:
    """Return a capture whose crops are about the subject, as they are, or are whole pictures."""
    if crops == "subject":
        return capture
    return capture.with_boxes(_whole(capture))


def without_crop(capture: Capture, views: list[View]) -> int:
    """Return in how many pictures nothing says where the subject is."""
    boxes = capture.boxes
    return sum(
        (boxes is None or boxes.last(view) is None)
        and not capture.has_mask(*view)
        and not capture.is_labelled(*view)
        and not capture.has_keypoints(*view)
        for view in views
    )


def unframed(capture: Capture, views: list[View]) -> tuple[str, ...]:
    """Return a warning where nothing says where the subject is in some of the pictures."""
    count = without_crop(capture, views)
    if not count:
        return ()
    return (
        f"{capture.folder}: nothing says where the subject is in {count} of {len(views)} "
        "pictures, which are used as a whole; give --crops-from (or have whole pictures all along: "
        "crops=picture, where the task has it)",
    )


def _whole(capture: Capture) -> Boxes:
    return Boxes(
        {
            View(camera, frame): (-0.5, -0.5, width - 0.5, height - 0.5)
            for camera, pictures in capture.pictures.items()
            for width, height in [capture.size(camera)]
            for frame in pictures.frames.tolist()
        }
    )
