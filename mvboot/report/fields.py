"""Pictures of predicted fields: each camera's view of one frame, and the fields of several runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from mvboot.datasets import Capture
from mvboot.datasets.crops import cut
from mvboot.fields import Crop, DenseField
from mvboot.files import atomic_file
from mvboot.report.overlay import overlaid

SIDE = 256


def draw_fields(
    capture: Capture, runs: Sequence[Mapping[str, DenseField]], frame: int, path: str | Path
) -> None:
    """Draw one frame into a PNG: a column for each camera, its picture above the runs' fields.

    ``runs`` hold a field of the frame for each camera; pictures are cut where the first run's
    fields lie. Colours are places on the template (`field_colours`). The capture has a template.
    """
    template = capture.template
    assert template is not None
    columns = []
    for camera, first in runs[0].items():
        picture, grid = capture.picture(camera, frame), first.grid
        middle = grid.to_original((np.array(grid.size) - 1) / 2)
        crop = Crop.around(middle, grid.scale * grid.size[0] / SIDE, (SIDE, SIDE))
        shown = [picture, *(overlaid(picture, run[camera], template) for run in runs)]
        columns.append(np.concatenate([cut(tile, crop) for tile in shown]))
    sheet = np.concatenate(columns, axis=1)[..., ::-1]
    with atomic_file(path) as partial:
        partial.write_bytes(cv2.imencode(".png", np.ascontiguousarray(sheet))[1].tobytes())
