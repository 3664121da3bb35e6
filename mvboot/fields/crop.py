"""Crop: where the pixels of a cut, resized, turned or mirrored picture lie in the original one.

A camera stays as it was calibrated, lens included, whatever is done to its pictures: pixels of a
crop are carried to the original picture, and only those meet the camera.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Size = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Crop:
    """A grid of pixels laid over the original picture by an affine map.

    Parameters
    ----------
    original_from_crop
        (2, 3): the pixel ``(x, y)`` of the crop has its centre at the original pixel
        ``A [x, y, 1]``; in both the centre of the first pixel is (0, 0).
    size
        Width and height of the crop in its own pixels.

    Raises
    ------
    ValueError
        Another shape, a value that is not finite, a map without inverse, an empty size.
    """

    original_from_crop: Floats
    size: Size

    def __post_init__(self) -> None:
        matrix = np.array(self.original_from_crop, np.float64)
        if matrix.shape != (2, 3) or not np.isfinite(matrix).all():
            raise ValueError(f"the map of a crop must be 2 x 3 finite numbers, got {matrix}")
        if abs(np.linalg.det(matrix[:, :2])) < 1e-12:
            raise ValueError(f"the map of a crop has no inverse: {matrix.tolist()}")
        width, height = self.size
        if width < 1 or height < 1:
            raise ValueError(f"a crop needs at least one pixel, got {width} x {height}")
        matrix.setflags(write=False)
        object.__setattr__(self, "original_from_crop", matrix)
        object.__setattr__(self, "size", (int(width), int(height)))

    # --- made from ------------------------------------------------------------------------

    @staticmethod
    def whole(size: Size) -> "Crop":
        """Return the original picture itself."""
        return Crop.of_grid((0.0, 0.0), 1.0, size)

    @staticmethod
    def of_grid(origin: ArrayLike, stride: float, size: Size) -> "Crop":
        """Return an upright grid: pixel (i, j) has its centre at ``origin + stride * (j, i)``."""
        x, y = np.asarray(origin, np.float64)
        return Crop(np.array([[stride, 0.0, x], [0.0, stride, y]]), size)

    @staticmethod
    def of_box(left: float, top: float, right: float, bottom: float, size: Size) -> "Crop":
        """Return a box resized to ``size``; its edges are in px of the original.

        The edges of a whole picture are -0.5, -0.5, width - 0.5, height - 0.5.
        """
        scale = np.array([(right - left) / size[0], (bottom - top) / size[1]])
        corner = np.array([left, top]) + 0.5 * scale
        return Crop(np.column_stack([np.diag(scale), corner]), size)

    @staticmethod
    def around(center: ArrayLike, scale: float, size: Size, turn: float = 0.0) -> "Crop":
        """Return a crop about an original pixel.

        ``scale`` is original px per crop px; ``turn`` (radians) turns the frame of the crop
        clockwise in the original, so that its content turns the other way.
        """
        cos, sin = scale * math.cos(turn), scale * math.sin(turn)
        linear = np.array([[cos, -sin], [sin, cos]])
        middle = (np.array(size, np.float64) - 1) / 2
        return Crop(np.column_stack([linear, np.asarray(center) - linear @ middle]), size)

    # --- new crops ------------------------------------------------------------------------

    def mirrored(self) -> "Crop":
        """Return the same pixels in the order of a mirror: left is right."""
        return self.of(Crop(np.array([[-1.0, 0, self.size[0] - 1], [0, 1, 0]]), self.size))

    def strided(self, stride: int) -> "Crop":
        """Return the cells of ``stride`` x ``stride`` px, as a network with that stride has them.

        ValueError where the size is no multiple of it.
        """
        width, height = self.size
        if stride < 1 or width % stride or height % stride:
            raise ValueError(f"a crop of {width} x {height} px has no cells of {stride} px")
        middle = (stride - 1) / 2
        cells = Crop.of_grid((middle, middle), stride, (width // stride, height // stride))
        return self.of(cells)

    def of(self, inner: "Crop") -> "Crop":
        """Return ``inner``, a crop of this crop, as a crop of the original."""
        matrix = self.original_from_crop @ np.vstack([inner.original_from_crop, [0, 0, 1]])
        return Crop(matrix, inner.size)

    # --- what it does ---------------------------------------------------------------------

    @property
    def crop_from_original(self) -> Floats:
        """The inverse map (2, 3)."""
        inverse = np.linalg.inv(self.original_from_crop[:, :2])
        return np.column_stack([inverse, -inverse @ self.original_from_crop[:, 2]])

    @property
    def scale(self) -> float:
        """Original px per crop px: the root of the ratio of areas."""
        return float(math.sqrt(abs(np.linalg.det(self.original_from_crop[:, :2]))))

    @property
    def is_mirrored(self) -> bool:
        """Whether left and right are swapped."""
        return bool(np.linalg.det(self.original_from_crop[:, :2]) < 0)

    def to_original(self, pixels: ArrayLike) -> Floats:
        """Carry pixels (..., 2) of the crop to the original picture; NaN stays NaN."""
        return _carried(self.original_from_crop, pixels)

    def to_crop(self, pixels: ArrayLike) -> Floats:
        """Carry pixels (..., 2) of the original picture to the crop; NaN stays NaN."""
        return _carried(self.crop_from_original, pixels)

    def centers(self) -> Floats:
        """Return the original pixel under each pixel's centre (h, w, 2)."""
        width, height = self.size
        y, x = np.mgrid[:height, :width]
        return self.to_original(np.stack([x, y], -1))

    def same_as(self, other: "Crop") -> bool:
        """Whether both have the same pixels, to a millionth of one."""
        if self.size != other.size:
            return False
        corners = np.array([[0, 0], [self.size[0], 0], [0, self.size[1]]], np.float64)
        gap = np.abs(self.to_original(corners) - other.to_original(corners)).max()
        return bool(gap < 1e-6 * self.scale)


def _carried(matrix: Floats, pixels: Any) -> Floats:
    moved = np.asarray(pixels, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved, np.float64)
