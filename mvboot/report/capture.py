"""Pictures of a capture: what the cameras filmed, and which surface point is where in it."""

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.datasets import Capture
from mvboot.errors import InputError
from mvboot.fields import Crop, DenseField, converted
from mvboot.files import atomic_file
from mvboot.keypoints import Keypoints2D
from mvboot.template import Template

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

COLUMNS = 4
DOT_PX, SURE = 2, 0.5
SEEN, UNSURE = (255, 230, 60), (255, 90, 60)
FADED = 0.25
"""How much of the picture shows behind the colours of a field."""


def draw_capture(
    capture: Capture, path: str | Path, frame: int, cameras: Sequence[str] | None = None
) -> None:
    """Draw one frame of a capture into a PNG: each camera's picture, and below it its field.

    Keypoints are dots, yellow where confidence is at least one half, else red. Colours of fields
    are places on the template: the same colour is the same place, in every camera. InputError
    where no camera filmed the frame.
    """
    shown = [name for name in cameras or capture.cameras if capture.has(name, frame)]
    if not shown:
        raise InputError(f"no camera filmed frame {frame}", where=capture.folder)
    side = min(capture.size(name)[1] for name in shown)
    tiles = [_tile(capture, name, frame, side) for name in shown]
    across = math.ceil(len(tiles) / math.ceil(len(tiles) / COLUMNS))
    rows = [tiles[i : i + across] for i in range(0, len(tiles), across)]
    width = max(sum(tile.shape[1] for tile in row) for row in rows)
    sheet = np.concatenate([_padded(np.concatenate(row, axis=1), width) for row in rows])
    encoded = cv2.imencode(".png", np.ascontiguousarray(sheet[..., ::-1]))[1]
    with atomic_file(path) as partial:
        partial.write_bytes(encoded.tobytes())


def field_colours(field: DenseField, template: Template) -> Bytes:
    """Return a colour (h, w, 3) RGB for every pixel of a field; gray where it has no place."""
    values = converted(field, template, "embedding").coordinates[..., :3]
    assert template.embedding is not None
    low, high = template.embedding[:, :3].min(0), template.embedding[:, :3].max(0)
    shade = 30 + 225 * np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(np.where(np.isfinite(shade), shade, 128), np.uint8)


def _tile(capture: Capture, camera: str, frame: int, side: int) -> Bytes:
    picture = capture.picture(camera, frame)
    layers = [dotted(picture, capture.keypoints, camera, frame)]
    field, template = capture.field(camera, frame), capture.template
    if field is not None and template is not None:
        whole = Crop.whole(capture.size(camera))
        layers.append(_painted(picture, field.on(whole), template))
    scale = side / picture.shape[0]
    size = (round(scale * picture.shape[1]), side)
    layers = [np.asarray(cv2.resize(layer, size), np.uint8) for layer in layers]
    return np.concatenate(layers)


def _painted(picture: Bytes, field: DenseField, template: Template) -> Bytes:
    """Return the colours of a field over its faded picture."""
    gray = picture.mean(-1, keepdims=True) * FADED + 255 * (1 - FADED)
    off = ~np.isfinite(field.coordinates).all(-1, keepdims=True)
    if field.part is not None:
        off = field.part[..., None] == 0
    return np.asarray(np.where(off, gray, field_colours(field, template)), np.uint8)


def dotted(picture: Bytes, keypoints: Keypoints2D | None, camera: str, frame: int) -> Bytes:
    """Return a picture with a dot at each keypoint of its camera and frame, by confidence."""
    drawn = np.ascontiguousarray(picture)
    if keypoints is None or camera not in keypoints.cameras or frame not in keypoints.frames:
        return drawn
    c, f = keypoints.cameras.index(camera), int(np.searchsorted(keypoints.frames, frame))
    for (x, y), sure in zip(
        keypoints.xy[c, f].reshape(-1, 2), keypoints.confidence[c, f].ravel(), strict=True
    ):
        if np.isfinite(x):
            colour = SEEN if sure >= SURE else UNSURE
            place = (round(float(x)), round(float(y)))
            cv2.circle(drawn, place, DOT_PX, colour, -1, cv2.LINE_AA)
    return drawn


def _padded(row: Bytes, width: int) -> Bytes:
    blank = ((0, 0), (0, width - row.shape[1]), (0, 0))
    return np.asarray(np.pad(row, blank, constant_values=255), np.uint8)
