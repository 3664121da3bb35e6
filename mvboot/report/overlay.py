"""Videos of cameras with fields or keypoints on the pictures."""

from pathlib import Path
from types import TracebackType
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.fields import DenseField
from mvboot.files import safe_name
from mvboot.report.capture import field_colours
from mvboot.template import Template

Bytes = NDArray[np.uint8]

OPACITY = 0.65
SUBJECT = 0.5
"""Probability from which a pixel is painted."""


class OverlayVideo:
    """Writes ``<camera>.mp4`` into a folder, one frame for each picture that is added."""

    def __init__(self, folder: Path, fps: float) -> None:
        self.folder = folder
        self.fps = fps
        self._open: dict[str, Any] = {}

    def __enter__(self) -> "OverlayVideo":
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish all videos."""
        for container, stream in self._open.values():
            for packet in stream.encode():
                container.mux(packet)
            container.close()

    def add(self, camera: str, drawn: Bytes) -> None:
        """Append a picture (h, w, 3) RGB, as `overlaid` or `dotted` draws it."""
        height, width = (side - side % 2 for side in drawn.shape[:2])
        if camera not in self._open:
            self._open[camera] = self._started(camera, width, height)
        container, stream = self._open[camera]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(drawn[:height, :width]), "rgb24")
        for packet in stream.encode(frame):
            container.mux(packet)

    def _started(self, camera: str, width: int, height: int) -> tuple[Any, Any]:
        self.folder.mkdir(parents=True, exist_ok=True)
        container = av.open(str(self.folder / f"{safe_name(camera, 'camera')}.mp4"), "w")
        stream = container.add_stream("h264", rate=round(self.fps))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        return container, stream


def overlaid(picture: Bytes, field: DenseField, template: Template) -> Bytes:
    """Return the picture with the field's colours on its subject."""
    height, width = picture.shape[:2]
    layers = field_colours(field, template), (field.foreground >= SUBJECT).astype(np.uint8) * 255
    maps = field.grid.original_from_crop
    colours, cover = (cv2.warpAffine(layer, maps, (width, height)) for layer in layers)
    share = OPACITY / 255 * cover[..., None]
    return np.asarray(np.rint((1 - share) * picture + share * colours), np.uint8)
