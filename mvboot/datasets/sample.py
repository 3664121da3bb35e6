"""Sample: several views of a subject, cut to one size, with their exact cameras."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mvboot.errors import InputError
from mvboot.fields import Crop, DenseField
from mvboot.geometry import Camera


class View(NamedTuple):
    """One picture of a capture: a camera's name and a frame number."""

    camera: str
    frame: int


@dataclass(frozen=True, eq=False)
class FieldTensors:
    """The dense fields of N views on the cells of their crops.

    Parameters
    ----------
    part
        (N, h, w) int64 number of the chart, 0 off the subject; None for an embedding.
    coordinates
        (N, D, h, w) float32, 0 off the subject.
    known
        (N, h, w) bool, where there is a surface point.
    foreground
        (N, h, w) float32 probability of the subject, 0 in a view without a field.
    confidence
        (N, h, w) float32 weight, 1 where a field states none, 0 in a view without a field.
    present
        (N,) bool, which views have a field.
    stride
        Side of a cell in crop px.
    topology
        Hash of the template.
    """

    part: Tensor | None
    coordinates: Tensor
    known: Tensor
    foreground: Tensor
    confidence: Tensor
    present: Tensor
    stride: int
    topology: str

    @staticmethod
    def stacked(found: Sequence[DenseField | None], stride: int) -> "FieldTensors | None":
        """Stack fields that lie on the cells of their crops; None where no view has one.

        InputError where they are of different kinds or templates.
        """
        first = next((field for field in found if field is not None), None)
        if first is None:
            return None
        blank = DenseField(
            None if first.part is None else np.zeros_like(first.part),
            np.full_like(first.coordinates, 0 if first.part is not None else np.nan),
            np.zeros_like(first.foreground),
            np.zeros_like(first.foreground),
            first.grid,
            first.topology,
            "none",
            0,
        )
        for field in found:
            if field is not None and (field.kind, field.dimensions) != (
                first.kind,
                first.dimensions,
            ):
                raise InputError(
                    f"the field of camera {field.camera}, frame {field.frame} is of the kind "
                    f"{field.kind} ({field.dimensions} coordinates), that of camera "
                    f"{first.camera}, frame {first.frame} {first.kind} ({first.dimensions})"
                )
            if field is not None:
                field.require_topology(first.topology)
        layers = [field or blank for field in found]
        return FieldTensors(
            _stack([layer.part for layer in layers]).long() if first.part is not None else None,
            _stack([np.nan_to_num(layer.coordinates) for layer in layers]).permute(0, 3, 1, 2),
            _stack([layer.known for layer in layers]),
            _stack([layer.foreground for layer in layers]),
            _stack([_confidence(layer) for layer in layers]),
            torch.tensor([field is not None for field in found]),
            stride,
            first.topology,
        )


@dataclass(frozen=True, eq=False)
class Sample:
    """N views of one subject, or of several samples after `concatenated`.

    Pixels of a crop go to the original picture through its `Crop`, and from there to the camera,
    which is the calibrated one, lens included. All of that is float64.

    Parameters
    ----------
    images
        (N, 3, h, w) uint8 RGB.
    views
        Camera and frame of each view.
    group
        (N,) int64: views of the same sample have the same number.
    cameras
        Each view's camera at its pose in that frame.
    crops
        Where the pixels of each view lie in its original picture.
    mirrored
        (N,) bool: pictures are mirrored and names of left and right swapped. The views of one
        group agree, so that a name means one place in all of them.
    labelled
        (N,) bool: the dense field counts as a label.
    masks
        (N, h, w) float32 share of the subject in each pixel, 0 in a view without a mask.
    has_mask
        (N,) bool.
    fields
        Dense fields, or None where no view has one.
    keypoint_names
        Names of the K keypoints.
    keypoints
        (N, K, 2) float64 in crop px, NaN where missing.
    confidence
        (N, K) float32, 0 where missing.
    """

    images: Tensor
    views: tuple[View, ...]
    group: Tensor
    cameras: tuple[Camera, ...]
    crops: tuple[Crop, ...]
    mirrored: Tensor
    labelled: Tensor
    masks: Tensor
    has_mask: Tensor
    fields: FieldTensors | None
    keypoint_names: tuple[str, ...]
    keypoints: Tensor
    confidence: Tensor

    def __len__(self) -> int:
        """Return the number of views."""
        return len(self.views)

    @property
    def original_from_crop(self) -> Tensor:
        """The maps of the crops (N, 2, 3), float64, on the device of the images."""
        maps = torch.from_numpy(np.stack([crop.original_from_crop for crop in self.crops]))
        return maps.to(self.images.device)

    @property
    def keypoints_in_original(self) -> Tensor:
        """Keypoints in px of the original pictures (N, K, 2)."""
        return self.to_original(self.keypoints)

    def to_original(self, pixels: Tensor) -> Tensor:
        """Carry crop px (N, ..., 2) to px of the original pictures, in float64."""
        maps = self.original_from_crop
        flat = pixels.to(maps).flatten(1, -2)
        moved = flat @ maps[:, :, :2].mT + maps[:, None, :, 2]
        return moved.reshape(pixels.shape)

    def cells_in_original(self, stride: int) -> Tensor:
        """Return the original px under the cells of a network (N, h / stride, w / stride, 2).

        InputError where the stride does not divide the size.
        """
        try:
            cells = [crop.strided(stride).centers() for crop in self.crops]
        except ValueError as error:
            raise InputError(str(error)) from None
        return _stack(cells).to(self.images.device)

    def pairs(self, widest_deg: float = 180.0) -> tuple[tuple[int, int], ...]:
        """Return the places (a, b), a < b, of views of one group, by two cameras at one frame.

        Views whose rays through the middles of their crops are more than ``widest_deg`` apart are
        no pair: they see different sides of the subject. Of copies of a view the first counts.
        """
        group = self.group.tolist()
        later = {b for _, b in self.copies()}
        return tuple(
            (a, b)
            for a, b in combinations([a for a in range(len(self)) if a not in later], 2)
            if group[a] == group[b]
            and self.views[a].frame == self.views[b].frame
            and self.views[a].camera != self.views[b].camera
            and (widest_deg >= 180 or self._angle_deg(a, b) <= widest_deg)
        )

    def _angle_deg(self, a: int, b: int) -> float:
        """Return the angle between the rays through the middles of two crops."""
        one, other = self._directions[a], self._directions[b]
        return float(torch.rad2deg(torch.acos((one @ other).clamp(-1, 1))))

    @cached_property
    def _directions(self) -> Tensor:
        """Unit directions (N, 3) in the world of the rays through the middles of crops."""
        height, width = self.images.shape[-2:]
        middle = [(width - 1) / 2, (height - 1) / 2]
        rays = [
            camera.ray(torch.from_numpy(crop.to_original(middle)))[1]
            for camera, crop in zip(self.cameras, self.crops, strict=True)
        ]
        return torch.stack(rays)

    def steps(self) -> tuple[tuple[int, int], ...]:
        """Return the places (a, b) of views of one group and camera, a the earlier frame."""
        group = self.group.tolist()
        return tuple(
            (a, b)
            for a in range(len(self))
            for b in range(len(self))
            if group[a] == group[b]
            and self.views[a].camera == self.views[b].camera
            and self.views[a].frame < self.views[b].frame
        )

    def copies(self) -> tuple[tuple[int, int], ...]:
        """Return the places (a, b), a < b, of the same view twice in one group, in two crops."""
        group = self.group.tolist()
        return tuple(
            (a, b)
            for a, b in combinations(range(len(self)), 2)
            if group[a] == group[b] and self.views[a] == self.views[b]
        )

    def to(self, device: torch.device | str) -> "Sample":
        """Return the sample with its tensors on a device; cameras and crops stay on the CPU."""
        return replace(
            self,
            **_moved(self, device),
            fields=None
            if self.fields is None
            else replace(self.fields, **_moved(self.fields, device)),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Pack the cameras: as loose tensors each would take a file handle between processes."""
        return {**self.__dict__, "cameras": pickle.dumps(self.cameras)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Unpack the cameras."""
        self.__dict__.update(state, cameras=pickle.loads(state["cameras"]))


def concatenated(samples: Sequence[Sample]) -> Sample:
    """Return the views of several samples as one, in groups 0, 1, ...: a batch.

    InputError where the samples differ in keypoints or in their kind of fields.
    """
    names = samples[0].keypoint_names
    if any(sample.keypoint_names != names for sample in samples):
        raise InputError("samples of different keypoints cannot be one batch")
    numbers = torch.arange(len(samples))
    tensors: dict[str, Any] = {
        name: torch.cat([getattr(sample, name) for sample in samples])
        for name in ("images", "mirrored", "labelled", "masks", "has_mask", "keypoints",
                     "confidence")
    }  # fmt: skip
    return Sample(
        **tensors,
        views=sum((sample.views for sample in samples), ()),
        group=torch.repeat_interleave(numbers, torch.tensor([len(s) for s in samples])),
        cameras=sum((sample.cameras for sample in samples), ()),
        crops=sum((sample.crops for sample in samples), ()),
        fields=_joined(samples),
        keypoint_names=names,
    )


def _joined(samples: Sequence[Sample]) -> FieldTensors | None:
    first = next((sample.fields for sample in samples if sample.fields is not None), None)
    if first is None:
        return None
    parts = [s.fields or _blank(first, len(s)) for s in samples]
    kinds = {(f.part is None, f.coordinates.shape[1:], f.stride, f.topology) for f in parts}
    if len(kinds) > 1:
        raise InputError("samples with fields of different kinds or templates cannot be one batch")
    tensors: dict[str, Any] = {
        field.name: torch.cat([getattr(part, field.name) for part in parts])
        for field in fields(FieldTensors)
        if isinstance(getattr(first, field.name), Tensor)
    }
    return replace(first, **tensors)


def _blank(like: FieldTensors, views: int) -> FieldTensors:
    tensors: dict[str, Any] = {
        field.name: torch.zeros_like(value[:1]).repeat(views, *[1] * (value.ndim - 1))
        for field in fields(FieldTensors)
        if isinstance(value := getattr(like, field.name), Tensor)
    }
    return replace(like, **tensors)


def _moved(holder: Any, device: torch.device | str) -> dict[str, Any]:
    return {
        field.name: value.to(device, non_blocking=True)
        for field in fields(holder)
        if isinstance(value := getattr(holder, field.name), Tensor)
    }


def _confidence(field: DenseField) -> Any:
    return np.ones_like(field.foreground) if field.confidence is None else field.confidence


def _stack(arrays: Sequence[Any]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
