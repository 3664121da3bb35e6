"""Cut a picture to a crop, and choose the crop that shows the subject."""

from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mvboot.fields import Crop, DenseField

Floats = NDArray[np.float64]
Box = tuple[float, float, float, float]
AROUND_JOINTS = 0.06
"""How far a subject reaches beyond its keypoints, which lie at joints: share of their box."""
PixelsT = TypeVar("PixelsT", NDArray[np.uint8], NDArray[np.float32])


def cut(picture: PixelsT, crop: Crop) -> PixelsT:
    """Return a picture (H, W) or (H, W, 3) on the pixels of a crop, black outside.

    Bilinear; a crop coarser than two pixels first averages whole blocks of them, so that fine
    patterns do not alias.
    """
    block = max(1, int(crop.scale + 1e-6))
    small, grid = _averaged(picture, block)
    small_from_crop = _composed(grid.crop_from_original, crop.original_from_crop)
    found = cv2.warpAffine(
        small, small_from_crop, crop.size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return np.asarray(found, picture.dtype)


def subject_box(
    mask: NDArray[np.float32] | None, field: DenseField | None, keypoints: Floats | None
) -> Box | None:
    """Return left, top, right, bottom of the subject in px of the original, or None.

    From the first that shows it: mask (H, W), dense field, keypoints (K, 2) with NaN.
    """
    if mask is not None and (mask >= 0.5).any():
        rows, columns = np.nonzero(mask >= 0.5)
        return _box(np.stack([columns, rows], -1), 0.5)
    if field is not None and field.known.any():
        return _box(field.grid.centers()[field.known], 0.5 * field.grid.scale)
    if keypoints is not None and np.isfinite(keypoints).all(-1).any():
        points = keypoints[np.isfinite(keypoints).all(-1)]
        return _box(points, 0.5 + AROUND_JOINTS * float(np.ptp(points, axis=0).max()))
    return None


def square_crop(box: Box, size: int, margin: float) -> Crop:
    """Return a square crop of ``size`` px about a box, with ``margin`` of its side all around."""
    left, top, right, bottom = box
    side = max(right - left, bottom - top) * (1 + 2 * margin)
    return Crop.around(((left + right) / 2, (top + bottom) / 2), side / size, (size, size))


def _averaged(picture: PixelsT, block: int) -> tuple[PixelsT, Crop]:
    """Return means of ``block`` x ``block`` pixels, and where they lie; the rim is continued."""
    height, width = picture.shape[:2]
    if block == 1:
        return picture, Crop.whole((width, height))
    padded = cv2.copyMakeBorder(
        picture, 0, -height % block, 0, -width % block, cv2.BORDER_REPLICATE
    )
    size = (padded.shape[1] // block, padded.shape[0] // block)
    small = cv2.resize(padded, size, interpolation=cv2.INTER_AREA)
    middle = (block - 1) / 2
    return np.asarray(small, picture.dtype), Crop.of_grid((middle, middle), block, size)


def _composed(outer: Floats, inner: Floats) -> Floats:
    return np.asarray(outer @ np.vstack([inner, [0, 0, 1]]), np.float64)


def _box(points: Any, half: float) -> Box:
    (left, top), (right, bottom) = points.min(0) - half, points.max(0) + half
    return float(left), float(top), float(right), float(bottom)
