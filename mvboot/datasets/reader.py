"""Read samples from a capture: pictures of some views, cut about the subject, and changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from mvboot.datasets.augmentation import Augmentation
from mvboot.datasets.boxes import Boxes
from mvboot.datasets.capture import Capture
from mvboot.datasets.crops import cut, square_crop, subject_box
from mvboot.datasets.layout import TEMPLATE
from mvboot.datasets.mirror import Mirror
from mvboot.datasets.sample import FieldTensors, Sample, View
from mvboot.errors import InputError
from mvboot.fields import Crop, DenseField, converted
from mvboot.geometry import Camera

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SampleReader:
    """Makes samples of a capture.

    Parameters
    ----------
    capture
        Where the pictures come from.
    size
        Side of the square crops in px.
    stride
        Side of the cells of the dense fields in crop px; it must divide ``size``.
    margin
        Room around the subject on every side, as a share of its longer side.
    individual
        Whose keypoints; None where the capture has one individual, or no keypoints.
    augmentation
        Random changes, or None.
    mirror
        Left and right, needed where the augmentation mirrors.
    all_fields
        Also give fields that are no labels: for evaluation, never for training.
    kind
        Turn all fields into this kind ("charts" or "embedding"), by the capture's template; None:
        as they are.

    Raises
    ------
    InputError
        A stride that does not divide the size, several individuals and none chosen, mirroring
        without a `Mirror` or one that does not know the keypoints.
    """

    capture: Capture
    size: int = 256
    stride: int = 4
    margin: float = 0.1
    individual: str | None = None
    augmentation: Augmentation | None = None
    mirror: Mirror | None = None
    all_fields: bool = False
    kind: Literal["charts", "embedding"] | None = None

    def __post_init__(self) -> None:
        if self.size < 1 or self.stride < 1 or self.size % self.stride:
            raise InputError(f"a crop of {self.size} px has no cells of {self.stride} px")
        keypoints = self.capture.keypoints
        if keypoints is not None:
            if self.individual is not None:
                keypoints.of(self.individual)
            elif len(keypoints.individuals) > 1:
                raise InputError(
                    f"the keypoints are of {', '.join(keypoints.individuals)}; choose one "
                    "individual (mvboot capture --subject makes a capture of one)",
                    where=self.capture.folder,
                )
        if self.augmentation is None or self.augmentation.flip == 0:
            return
        if self.mirror is None:
            raise InputError("mirroring needs to know left from right: give a mirror, or flip 0")
        self.mirror.order(self.keypoint_names)

    @property
    def keypoint_names(self) -> tuple[str, ...]:
        """Names of the K keypoints; none where the capture has none."""
        keypoints = self.capture.keypoints
        return () if keypoints is None else keypoints.keypoints

    def read(self, views: Sequence[View], rng: np.random.Generator | None = None) -> Sample:
        """Return the sample of some views.

        ``rng`` draws the changes; without it the views come unchanged. InputError where a picture
        is missing or broken.
        """
        draw = None
        if self.augmentation is not None and rng is not None:
            mirror = self.mirror if self.augmentation.mirrors(rng) else None
            draw = _Draw(self.augmentation, rng, mirror)
        return _assembled([self._read(view, draw) for view in views], self)

    def _read(self, view: View, draw: "_Draw | None") -> "_Cut":
        capture = self.capture
        picture, mask = capture.picture(*view), capture.mask(*view)
        labelled = capture.is_labelled(*view)
        field = capture.field(*view) if labelled or self.all_fields else None
        xy, confidence = self._keypoints(view)
        crop = self._crop(view, mask, field)
        if draw is not None:
            crop = draw.moved(crop)
        cells = None if field is None else self._cells(field, crop)
        if draw is not None and draw.mirror is not None:
            order = draw.mirror.order(self.keypoint_names)
            xy, confidence = xy[order], confidence[order]
            cells = None if cells is None else draw.mirror.of(cells)
        image = cut(picture, crop)
        return _Cut(
            view=view,
            image=image if draw is None else draw.augmentation.appearance.changed(image, draw.rng),
            crop=crop,
            camera=capture.camera(*view),
            mirrored=crop.is_mirrored,
            labelled=labelled,
            mask=None if mask is None else cut(mask, crop),
            cells=cells,
            keypoints=crop.to_crop(xy),
            confidence=confidence,
        )

    def _cells(self, field: DenseField, crop: Crop) -> DenseField:
        """Return a field on the cells of a crop, in the kind that is wanted."""
        cells = field.on(crop.strided(self.stride))
        if self.kind in (None, cells.kind):
            return cells
        template = self.capture.template
        if template is None:
            raise InputError(
                f"fields of {field.kind} become {self.kind} by their template, but there is no "
                f"{TEMPLATE}",
                where=self.capture.folder,
            )
        assert self.kind is not None
        return converted(cells, template, self.kind)

    def _keypoints(self, view: View) -> tuple[Floats, Floats]:
        """Return original px (K, 2) and confidence (K,) of a view, NaN and 0 where missing."""
        xy = np.full((len(self.keypoint_names), 2), np.nan)
        confidence = np.zeros(len(xy))
        keypoints = self.capture.keypoints
        if keypoints is None or view.camera not in keypoints.cameras:
            return xy, confidence
        row = int(np.searchsorted(keypoints.frames, view.frame))
        if row == len(keypoints.frames) or keypoints.frames[row] != view.frame:
            return xy, confidence
        individual = 0
        if self.individual is not None:
            individual = keypoints.individuals.index(self.individual)
        at = keypoints.cameras.index(view.camera), row, individual
        return keypoints.xy[at], np.nan_to_num(keypoints.confidence[at])

    def _crop(self, view: View, mask: NDArray[np.float32] | None, field: DenseField | None) -> Crop:
        """Return the square about the subject, or about the whole picture where none is known."""
        keypoints, boxes = self.capture.keypoints, self.capture.boxes
        box = None if boxes is None else boxes.last(view)
        if box is None and (keypoints is None or len(keypoints.individuals) == 1):
            box = subject_box(mask, field, None)
        if box is None and self._about_keypoints is not None:
            box = self._about_keypoints.own(view)
        if box is not None:
            return square_crop(box, self.size, self.margin)
        width, height = self.capture.size(view.camera)
        return square_crop((-0.5, -0.5, width - 0.5, height - 0.5), self.size, 0.0)

    @cached_property
    def _about_keypoints(self) -> Boxes | None:
        keypoints = self.capture.keypoints
        if keypoints is None:
            return None
        chosen = keypoints if self.individual is None else keypoints.of(self.individual)
        return Boxes.of_keypoints(chosen)


@dataclass(frozen=True)
class _Draw:
    """The changes of one sample; ``mirror`` is None where it is not mirrored."""

    augmentation: Augmentation
    rng: np.random.Generator
    mirror: Mirror | None

    def moved(self, crop: Crop) -> Crop:
        moved = self.augmentation.moved(crop, self.rng)
        return moved if self.mirror is None else moved.mirrored()


@dataclass(frozen=True)
class _Cut:
    """One view of a sample."""

    view: View
    image: NDArray[np.uint8]
    crop: Crop
    camera: Camera
    mirrored: bool
    labelled: bool
    mask: NDArray[np.float32] | None
    cells: DenseField | None
    keypoints: Floats
    confidence: Floats


def _assembled(cuts: Sequence[_Cut], reader: SampleReader) -> Sample:
    blank = np.zeros((reader.size, reader.size), np.float32)
    images = np.stack([cut.image for cut in cuts])
    masks = np.stack([blank if cut.mask is None else cut.mask for cut in cuts])
    return Sample(
        images=torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(),
        views=tuple(cut.view for cut in cuts),
        group=torch.zeros(len(cuts), dtype=torch.int64),
        cameras=tuple(cut.camera for cut in cuts),
        crops=tuple(cut.crop for cut in cuts),
        mirrored=torch.tensor([cut.mirrored for cut in cuts]),
        labelled=torch.tensor([cut.labelled for cut in cuts]),
        masks=torch.from_numpy(masks),
        has_mask=torch.tensor([cut.mask is not None for cut in cuts]),
        fields=FieldTensors.stacked([cut.cells for cut in cuts], reader.stride),
        keypoint_names=reader.keypoint_names,
        keypoints=torch.from_numpy(np.stack([cut.keypoints for cut in cuts])),
        confidence=torch.from_numpy(np.stack([cut.confidence for cut in cuts])).float(),
    )
