"""Where things lie in a capture folder, and how one frame's files are written."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mvboot.errors import InputError
from mvboot.fields import DenseField, write_field
from mvboot.files import atomic_file, safe_name

RIG, CAPTURE, TEMPLATE, KEYPOINTS = "rig.yaml", "capture.yaml", "template.npz", "keypoints.parquet"
IMAGES, VIDEOS, MASKS, FIELDS, TRUTH = "images", "videos", "masks", "fields", "truth"
KEYPOINTS3D, RIG_TRUE, MAPS = "keypoints3d.parquet", "rig_true.yaml", "depth"
KEYPOINTS2D, POSES = "keypoints2d.parquet", "poses.npz"
BOXES = "boxes.csv"
HIDDEN = 0.1
"""Confidence of a true keypoint that something hides; 0 would read as missing."""
PICTURE_SUFFIXES = (".png", ".jpg")
JPEG_QUALITY = 95


@dataclass(frozen=True)
class CaptureFiles:
    """The files of single frames of a capture folder; each is written whole or not at all.

    It holds no state, can be pickled, and any number of processes may write different frames.

    Parameters
    ----------
    folder
        The capture folder.
    sizes
        Width and height of the pictures of every camera, None where the rig does not say.
    topology
        Hash of the template that the fields refer to, or None where there are none.
    """

    folder: Path
    sizes: Mapping[str, tuple[int, int] | None]
    topology: str | None = None

    def picture_path(self, camera: str, frame: int, suffix: str = ".png") -> Path:
        """Return where a picture lies."""
        return self.folder / IMAGES / safe_name(camera, "camera") / f"{frame:06d}{suffix}"

    def mask_path(self, camera: str, frame: int) -> Path:
        """Return where a mask lies."""
        return self.folder / MASKS / safe_name(camera, "camera") / f"{frame:06d}.png"

    def field_path(self, camera: str, frame: int) -> Path:
        """Return where a dense field lies."""
        return self.folder / FIELDS / safe_name(camera, "camera") / f"{frame:06d}.npz"

    def maps_path(self, camera: str, frame: int) -> Path:
        """Return where the true depth and other maps of a picture lie."""
        return self.folder / TRUTH / MAPS / safe_name(camera, "camera") / f"{frame:06d}.npz"

    def truth_path(self, name: str) -> Path:
        """Return where another file of the truth lies; the folder is made."""
        (self.folder / TRUTH).mkdir(parents=True, exist_ok=True)
        return self.folder / TRUTH / name

    def write_picture(
        self, camera: str, frame: int, picture: ArrayLike, suffix: str = ".png"
    ) -> None:
        """Write a picture (h, w, 3) RGB uint8 as ``.png`` or ``.jpg``.

        InputError for an unknown camera, another size than the camera's, another type or suffix.
        """
        pixels = np.asarray(picture)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise InputError(
                f"camera {camera}, frame {frame}: a picture must be (h, w, 3) uint8, got "
                f"{pixels.dtype} {pixels.shape}"
            )
        if suffix not in PICTURE_SUFFIXES:
            raise InputError(f"pictures are {' or '.join(PICTURE_SUFFIXES)}, not {suffix!r}")
        self._require_size(camera, frame, pixels, "picture")
        bgr = np.ascontiguousarray(pixels[..., ::-1])
        _write(bgr, self.picture_path(camera, frame, suffix))

    def write_mask(self, camera: str, frame: int, mask: ArrayLike) -> None:
        """Write a mask (h, w): bool, or the share of the subject in each pixel in [0, 1]."""
        share = np.asarray(mask, np.float32)
        if share.ndim != 2 or not ((share >= 0) & (share <= 1)).all():
            raise InputError(
                f"camera {camera}, frame {frame}: a mask must be (h, w) in [0, 1], got "
                f"shape {share.shape}"
            )
        self._require_size(camera, frame, share, "mask")
        _write(np.round(share * 255).astype(np.uint8), self.mask_path(camera, frame))

    def write_field(self, field: DenseField) -> None:
        """Write a dense field to its camera and frame; InputError for another template."""
        self._known(field.camera)
        if self.topology is None:
            raise InputError("the capture states no template, so that fields mean nothing in it")
        field.require_topology(self.topology)
        write_field(field, self.field_path(field.camera, field.frame))

    def write_maps(self, camera: str, frame: int, **maps: NDArray[Any]) -> None:
        """Write true maps of a picture (h, w, ...) by name: depth, face, barycentric."""
        self._known(camera)
        for name, values in maps.items():
            if name != "depth" and "depth" not in maps:
                raise InputError(f"maps of a picture need depth beside {name}")
            self._require_size(camera, frame, values, name)
        path = self.maps_path(camera, frame)
        with atomic_file(path) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, **maps)  # type: ignore[arg-type]  # a flag's name is no map

    def _known(self, camera: str) -> None:
        if camera not in self.sizes:
            raise InputError(f"no camera {camera!r} in the rig; it has {', '.join(self.sizes)}")

    def _require_size(self, camera: str, frame: int, values: NDArray[Any], what: str) -> None:
        self._known(camera)
        height, width = values.shape[:2]
        size = self.sizes[camera]
        if size is not None and size != (width, height):
            raise InputError(
                f"camera {camera}, frame {frame}: the {what} has {width} x {height} px, but the "
                f"rig says {size[0]} x {size[1]}"
            )


def _write(pixels: NDArray[np.uint8], path: Path) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpg" else []
    encoded = cv2.imencode(path.suffix, pixels, options)[1]
    with atomic_file(path) as partial:
        partial.write_bytes(encoded.tobytes())
