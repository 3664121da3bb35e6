"""A capture folder: what cameras filmed, and everything that is known about it (DESIGN 4)."""

from collections.abc import Collection, Mapping
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mvboot.config import load_yaml
from mvboot.datasets.boxes import Boxes
from mvboot.datasets.decoding import Colour
from mvboot.datasets.footage import filmed_cameras, find_pictures, numbered_files
from mvboot.datasets.layout import (
    BOXES,
    CAPTURE,
    FIELDS,
    KEYPOINTS,
    MASKS,
    RIG,
    TEMPLATE,
    CaptureFiles,
)
from mvboot.datasets.pictures import Numbers, PictureFiles, Pictures, require_size
from mvboot.datasets.schema import CaptureModel
from mvboot.datasets.truth import Truth
from mvboot.errors import InputError
from mvboot.fields import DenseField, read_field
from mvboot.formats.detections import respelled
from mvboot.formats.keypoints2d_table import read_keypoints2d
from mvboot.formats.pictures import read_gray
from mvboot.formats.rigs import load_rig
from mvboot.geometry import Camera
from mvboot.keypoints import Keypoints2D
from mvboot.rig import Rig
from mvboot.template import Template, require_topology

Split = Literal["train", "validation"]


class Capture:
    """Pictures, masks, fields and keypoints of named cameras, read when asked for.

    Made by `open`. Open files never travel along when it is pickled. Asking for a camera that is
    not in use is InputError.

    Parameters
    ----------
    folder
        The capture folder.
    model
        Content of its ``capture.yaml``.
    rig
        The cameras, those that are not in use as well.
    pictures
        What each of them filmed.
    label_cameras
        Cameras whose labels count; None: all.
    fields
        Folder of the dense fields; None: the capture's own.
    """

    def __init__(
        self,
        folder: Path,
        model: CaptureModel,
        rig: Rig,
        pictures: Mapping[str, Pictures],
        label_cameras: Collection[str] | None = None,
        fields: Path | None = None,
    ) -> None:
        self.folder = folder
        self.model = model
        self.stated = rig
        self.rig = rig.subset(pictures)
        self.pictures = pictures
        self.label_cameras = frozenset(self.cameras if label_cameras is None else label_cameras)
        self.fields = folder / FIELDS if fields is None else fields
        self.marked = None if model.labelled is None else frozenset(model.labelled)

    @staticmethod
    def open(folder: str | Path, rig: Rig | None = None) -> "Capture":
        """Open a capture folder; only lists files and reads ``rig.yaml`` and ``capture.yaml``.

        ``rig`` takes the place of ``rig.yaml``: of a folder that has none, or of a better one; its
        cameras take the names of those that were filmed, where they differ by spelling.
        Without a ``capture.yaml`` all cameras of the rig and all their pictures are used.
        Videos and the content of files are looked at when they are needed, or by `check`.

        Raises
        ------
        InputError
            No folder or rig, cameras that do not match, a camera without pictures, pictures of
            another size than the rig's, frames that are stated but were not filmed.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise InputError("no such capture folder", where=folder)
        if rig is None and not (folder / RIG).is_file():
            raise InputError(
                f"the capture has no {RIG}; write one with `mvboot rig convert`", where=folder
            )
        stated = (folder / CAPTURE).is_file()
        model = load_yaml(folder / CAPTURE, CaptureModel) if stated else CaptureModel(schema=1)
        if rig is None:
            rig = load_rig(folder / RIG)
        else:
            rig = rig.renamed(respelled(filmed_cameras(folder), rig.names))
        model.require_cameras(rig.names, folder / CAPTURE)
        pictures = find_pictures(folder, model, rig)
        capture = Capture(folder, model, rig, pictures)
        if all(isinstance(p, PictureFiles) for p in pictures.values()):
            capture._check_sizes()
            capture._check_frames()
        return capture

    # --- what it holds --------------------------------------------------------------------

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras in use."""
        return self.rig.names

    @cached_property
    def frames(self) -> Numbers:
        """Numbers of all frames that any camera filmed, increasing."""
        return np.unique(np.concatenate([p.frames for p in self.pictures.values()]))

    def has(self, camera: str, frame: int) -> bool:
        """Whether a camera filmed a frame."""
        self._require_camera(camera)
        return frame in self._filmed[camera]

    def size(self, camera: str) -> tuple[int, int]:
        """Width and height of a camera's pictures."""
        self._require_camera(camera)
        return self.pictures[camera].size

    def camera(self, name: str, frame: int) -> Camera:
        """Return a camera at its pose in a frame; InputError where it has none."""
        try:
            return self.rig[name].at(frame)
        except ValueError as error:
            raise InputError(f"camera {name}: {error}", where=self.folder / RIG) from None

    def time(self, camera: str, frame: int) -> float | None:
        """Return the time of a picture in s: its timestamp, else frame / fps, else None."""
        self._require_camera(camera)
        entry = (self.model.cameras or {}).get(camera)
        if entry is not None and entry.timestamps is not None and entry.frames is not None:
            if frame not in entry.frames:
                raise InputError(f"camera {camera} has no picture of frame {frame}", self.folder)
            return entry.timestamps[entry.frames.index(frame)]
        return None if self.model.fps is None else frame / self.model.fps

    @cached_property
    def topology(self) -> str | None:
        """Hash of the template that the fields refer to, None where nothing states one."""
        if self.model.template is not None or self.template is None:
            return self.model.template
        return self.template.topology

    @cached_property
    def template(self) -> Template | None:
        """The template beside the capture, or None; InputError for another than stated."""
        path = self.folder / TEMPLATE
        if not path.is_file():
            return None
        template = Template.load(path)
        if self.model.template is not None:
            require_topology(template, self.model.template, self.folder / CAPTURE)
        return template

    @cached_property
    def keypoints(self) -> Keypoints2D | None:
        """2D keypoints, or None; InputError where they name a camera that the rig lacks."""
        paths = [self.folder / KEYPOINTS, (self.folder / KEYPOINTS).with_suffix(".csv")]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            return None
        return self._of_rig(read_keypoints2d(path), path)

    @cached_property
    def boxes(self) -> Boxes | None:
        """Where the subject is, of a file of boxes, or None: masks, fields or keypoints say it."""
        path = self.folder / BOXES
        return self.fitting(Boxes.read(path), path) if path.is_file() else None

    @cached_property
    def truth(self) -> Truth:
        """The truth of a synthetic capture."""
        sizes = {name: self.rig[name].size for name in self.cameras}
        return Truth(CaptureFiles(self.folder, sizes, self.model.template), self.rig)

    # --- what one picture has -------------------------------------------------------------

    def picture(self, camera: str, frame: int) -> Colour:
        """Return a picture (h, w, 3) RGB; InputError where it is missing, broken or odd-sized."""
        self._require_camera(camera)
        picture = self.pictures[camera].read(frame)
        self._require_rig_size(camera)
        return picture

    def mask(self, camera: str, frame: int) -> NDArray[np.float32] | None:
        """Return the share of the subject in each pixel (h, w) in [0, 1], or None.

        InputError for another size than the picture's, and for values 0 and 1 where 255 is meant.
        """
        self._require_camera(camera)
        path = self._masks.get(camera, {}).get(frame)
        if path is None:
            return None
        mask = read_gray(path)
        require_size(mask, self.size(camera), path, f"the pictures of camera {camera}")
        if mask.max() == 1:
            raise InputError("holds only 0 and 1; masks are 0 to 255", where=path)
        return np.asarray(mask / np.float32(255), np.float32)

    def field(self, camera: str, frame: int) -> DenseField | None:
        """Return the dense field of a picture, or None; InputError for another template."""
        self._require_camera(camera)
        path = self._fields.get(camera, {}).get(frame)
        if path is None:
            return None
        field = read_field(path)
        if (field.camera, field.frame) != (camera, frame):
            raise InputError(
                f"is the field of camera {field.camera}, frame {field.frame}", where=path
            )
        if self.topology is not None:
            field.require_topology(self.topology, path)
        return field

    def is_labelled(self, camera: str, frame: int) -> bool:
        """Whether a picture has a dense field that counts as a label."""
        self._require_camera(camera)
        listed = self.model.labelled is None or frame in self._labelled
        counted = listed and camera in self.label_cameras
        return counted and frame in self._fields.get(camera, {})

    def labelled_by(self, cameras: Collection[str]) -> "Capture":
        """Return the same capture with labels of these cameras only; the others' fields stay."""
        same = copy(self)
        same.label_cameras = frozenset(cameras)
        return same

    def relabelled(self, fields: Path) -> "Capture":
        """Return the same capture with the fields of another folder, all of which are labels."""
        model = self.model.model_copy(update={"labelled": None})
        return Capture(self.folder, model, self.stated, self.pictures, fields=fields)

    def is_marked(self, camera: str, frame: int) -> bool:
        """Whether a picture has keypoints that count as labels."""
        self._require_camera(camera)
        listed = self.marked is None or frame in self.marked
        return listed and camera in self.label_cameras and self.has_keypoints(camera, frame)

    def has_keypoints(self, camera: str, frame: int) -> bool:
        """Whether a picture has any keypoint."""
        return (camera, frame) in self._keypointed

    def has_mask(self, camera: str, frame: int) -> bool:
        """Whether a picture has a mask."""
        return frame in self._masks.get(camera, {})

    def with_keypoints(self, keypoints: Keypoints2D | None) -> "Capture":
        """Return the same capture with other keypoints in place of its own, all of them labels.

        InputError where they name a camera that the rig lacks.
        """
        same = copy(self)
        same.__dict__.pop("_keypointed", None)
        same.marked = None
        same.keypoints = None if keypoints is None else self._of_rig(keypoints, self.folder)
        return same

    def fitting(self, boxes: Boxes, where: Path) -> Boxes:
        """Return boxes; InputError where they are of another rig, or of none of the pictures."""
        views = ((name, int(f)) for name, own in self.pictures.items() for f in own.frames)
        boxes = boxes.renamed(respelled(self.stated.names, boxes.cameras))
        boxes.require_among(self.stated.names, views, where)
        return boxes

    def with_boxes(self, boxes: Boxes | None) -> "Capture":
        """Return the same capture with boxes that say where the subject is."""
        same = copy(self)
        same.boxes = boxes
        return same

    # --- splits ---------------------------------------------------------------------------

    def split(self, name: Split) -> Numbers:
        """Return the frames of a split; without stated splits all train and none validate."""
        self._check_frames()
        splits = self.model.splits
        if splits is None:
            return self.frames if name == "train" else self.frames[:0]
        return np.array(splits.train if name == "train" else splits.validation, np.int64)

    @property
    def training_cameras(self) -> tuple[str, ...]:
        """Names of the cameras that are not held out."""
        held = () if self.model.splits is None else self.model.splits.held_out_cameras
        return tuple(name for name in self.cameras if name not in held)

    # --- checks ---------------------------------------------------------------------------

    def check(self) -> dict[str, int]:
        """Read everything and count it; InputError names the first file that is damaged or odd.

        The counts are of pictures, masks, fields, labelled pictures, keypoints and templates.
        """
        self._check_sizes()
        self._check_frames()
        counts = {
            "pictures": 0,
            "masks": 0,
            "fields": 0,
            "labelled": 0,
            "keypoints": 0 if self.keypoints is None else len(self.keypoints.keypoints),
            "templates": int(self.template is not None),
        }
        for name in self.cameras:
            for frame in self.pictures[name].frames.tolist():
                self.picture(name, frame)
                self.camera(name, frame)
                counts["pictures"] += 1
                counts["masks"] += self.mask(name, frame) is not None
                counts["fields"] += self.field(name, frame) is not None
                counts["labelled"] += self.is_labelled(name, frame)
        return counts

    def _require_camera(self, name: str) -> None:
        if name not in self.rig.cameras:
            raise InputError(
                f"no camera {name!r} in use; there are {', '.join(self.cameras)}", self.folder
            )

    def _of_rig(self, keypoints: Keypoints2D, where: Path) -> Keypoints2D:
        """Return the keypoints of the cameras in use; InputError where the rig lacks one."""
        keypoints = keypoints.renamed(respelled(self.stated.names, keypoints.cameras))
        unknown = [name for name in keypoints.cameras if name not in self.stated.names]
        if unknown:
            raise InputError(
                f"has keypoints of {', '.join(unknown)}, but the rig's cameras are "
                f"{', '.join(self.stated.names)}; rename them",
                where=where,
            )
        return keypoints.for_cameras([n for n in keypoints.cameras if n in self.rig.names])

    @cached_property
    def _keypointed(self) -> frozenset[tuple[str, int]]:
        """Cameras and frames that have any keypoint."""
        keypoints = self.keypoints
        if keypoints is None:
            return frozenset()
        cameras, rows = np.nonzero((keypoints.present & (keypoints.confidence > 0)).any((2, 3)))
        frames = keypoints.frames[rows].tolist()
        return frozenset(zip((keypoints.cameras[c] for c in cameras), frames, strict=True))

    def _check_sizes(self) -> None:
        for name in self.cameras:
            self._require_rig_size(name)

    def _check_frames(self) -> None:
        self.model.require_frames(self.frames, self.folder / CAPTURE)

    def _require_rig_size(self, name: str) -> None:
        size, stated = self.size(name), self.rig[name].size
        if stated is None or size == stated:
            return
        turned = " (turned by 90 degrees)" if size[::-1] == stated else ""
        raise InputError(
            f"the pictures of camera {name} have {size[0]} x {size[1]} px, but {RIG} says "
            f"{stated[0]} x {stated[1]}{turned}; calibrate for the pictures you use",
            where=self.folder,
        )

    @cached_property
    def _filmed(self) -> dict[str, frozenset[int]]:
        return {name: frozenset(p.frames.tolist()) for name, p in self.pictures.items()}

    @cached_property
    def _labelled(self) -> frozenset[int]:
        return frozenset(self.model.labelled or ())

    @cached_property
    def _masks(self) -> Mapping[str, Mapping[int, Path]]:
        return numbered_files(self.folder / MASKS)

    @cached_property
    def _fields(self) -> Mapping[str, Mapping[int, Path]]:
        return numbered_files(self.fields)
