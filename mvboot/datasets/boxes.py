"""Where the subject is in pictures, as boxes: from a file, or about keypoints."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np

from mvboot.datasets.crops import Box, subject_box
from mvboot.datasets.sample import View
from mvboot.errors import InputError
from mvboot.formats.tables import numbers, read_table, whole_numbers
from mvboot.keypoints import Keypoints2D

SIDES = ("left", "top", "right", "bottom")
FEW = 0.5
"""A box is at least so many times as large as the median one of its camera: a picture that shows
few keypoints shows the whole subject all the same."""
LAST = 25
"""For how many frames the last box stands in for missing ones."""


class Boxes:
    """Boxes by camera and frame: left, top, right, bottom in px of the original pictures."""

    def __init__(self, boxes: Mapping[View, Box]) -> None:
        self._boxes = dict(boxes)

    @staticmethod
    def read(path: str | Path) -> "Boxes":
        """Read a table, CSV or Parquet, with ``camera, frame, left, top, right, bottom``.

        InputError for a broken one, boxes without an area, and two of one picture.
        """
        path = Path(path)
        table = read_table(path, ("camera", "frame", *SIDES))
        frames = whole_numbers(table, "frame", path).tolist()
        cameras = [str(name) for name in table["camera"].to_pylist()]
        views = [View(*view) for view in zip(cameras, frames, strict=True)]
        sides = np.stack([numbers(table, side, path) for side in SIDES], -1)
        for view, (left, top, right, bottom) in zip(views, sides, strict=True):
            if not (left < right and top < bottom):  # nor where one is NaN
                raise InputError(
                    f"the box of camera {view.camera}, frame {view.frame} has no area", path
                )
        if len(set(views)) < len(views):
            raise InputError("has two boxes of one camera and frame", where=path)
        boxes = [(a, b, c, d) for a, b, c, d in sides.tolist()]
        return Boxes(dict(zip(views, boxes, strict=True)))

    @property
    def cameras(self) -> tuple[str, ...]:
        """Cameras that have boxes."""
        return tuple(dict.fromkeys(view.camera for view in self._boxes))

    def renamed(self, cameras: Mapping[str, str]) -> "Boxes":
        """Return the same boxes with cameras renamed; names not in the mapping stay."""
        return Boxes({View(cameras.get(c, c), frame): b for (c, frame), b in self._boxes.items()})

    @staticmethod
    def of_keypoints(keypoints: Keypoints2D, min_confidence: float = 0.0) -> "Boxes":
        """Return boxes about the keypoints of one individual, none where a picture has none.

        InputError for several individuals.
        """
        if len(keypoints.individuals) > 1:
            raise InputError(
                f"the keypoints are of {', '.join(keypoints.individuals)}; choose one individual"
            )
        found: dict[View, Box] = {}
        xy = keypoints.above(min_confidence).xy[:, :, 0]
        for c, camera in enumerate(keypoints.cameras):
            boxes = {
                int(frame): box
                for frame, points in zip(keypoints.frames, xy[c], strict=True)
                if (box := subject_box(None, None, points)) is not None
            }
            least = FEW * float(np.median([_side(b) for b in boxes.values()])) if boxes else 0.0
            found |= {View(camera, f): _at_least(box, least) for f, box in boxes.items()}
        return Boxes(found)

    def require_among(
        self, cameras: Collection[str], views: Iterable[tuple[str, int]], where: Path
    ) -> None:
        """Raise InputError for boxes of other cameras, and where no picture of views has one."""
        strange = sorted({view.camera for view in self._boxes} - {*cameras})
        if strange:
            raise InputError(
                f"has boxes of camera {', '.join(strange)}, but the rig's cameras are "
                f"{', '.join(cameras)}",
                where=where,
            )
        if not any(view in self._boxes for view in views):
            raise InputError("says of no picture of the capture where the subject is", where=where)

    def own(self, view: View) -> Box | None:
        """Return the box of a picture, or None."""
        return self._boxes.get(view)

    def last(self, view: View) -> Box | None:
        """Return the box of a picture, else that of the last frame before it, else None."""
        frames = range(view.frame, view.frame - LAST - 1, -1)
        return next((b for f in frames if (b := self.own(View(view.camera, f))) is not None), None)


def _side(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])


def _at_least(box: Box, side: float) -> Box:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    half = [max(length, side) / 2 for length in (box[2] - box[0], box[3] - box[1])]
    if _side(box) >= side:
        return box
    return x - half[0], y - half[1], x + half[0], y + half[1]
