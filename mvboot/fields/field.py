"""DenseField: which point of the subject's surface each pixel of one picture shows."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mvboot.errors import InputError
from mvboot.fields.crop import Crop

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

ROUNDING = 1e-5


@dataclass(frozen=True)
class FieldValues:
    """What a field says at some pixels (...).

    ``part`` (...) uint8, 0 off the subject, None for an embedding; ``coordinates`` (..., D), NaN
    off the subject: u and v of the part, or the embedding; ``foreground`` (...) in [0, 1], 0
    outside the field; ``confidence`` (...) or None.
    """

    part: Bytes | None
    coordinates: Singles
    foreground: Singles
    confidence: Singles | None

    @property
    def known(self) -> Bools:
        """Where there is a surface point (...)."""
        return np.asarray(np.isfinite(self.coordinates).all(-1))


@dataclass(frozen=True, eq=False)
class DenseField:
    """Canonical surface coordinates of the pixels of one picture.

    Made by `of_charts` or `of_embedding`.

    Parameters
    ----------
    part
        (h, w) uint8 number of the chart, 0 for the background; None for an embedding.
    coordinates
        (h, w, D) float32: u and v in [0, 1] of the chart (0 on the background), or the embedding
        in units of the template (NaN off the subject).
    foreground
        (h, w) float32, probability of the subject in [0, 1].
    confidence
        (h, w) float32 in [0, 1], or None.
    grid
        Where its pixels lie in the original picture.
    topology
        Hash of the template's mesh (`Template.topology`): what the coordinates refer to.
    camera, frame
        Whose picture it is.

    Raises
    ------
    InputError
        Shapes that do not fit together, values outside their range, no topology.
    """

    part: Bytes | None
    coordinates: Singles
    foreground: Singles
    confidence: Singles | None
    grid: Crop
    topology: str
    camera: str
    frame: int

    def __post_init__(self) -> None:
        where = f"field of camera {self.camera}, frame {self.frame}"
        if not self.topology:
            raise InputError("states no template (topology hash)", where)
        h, w = self.shape
        if self.coordinates.ndim != 3 or self.coordinates.shape[:2] != (h, w):
            raise InputError(
                f"has a grid of {w} x {h} px, but coordinates {self.coordinates.shape}", where
            )
        if self.coordinates.shape[2] < 1 or (self.part is not None and self.dimensions != 2):
            raise InputError(f"has {self.dimensions} coordinates a pixel", where)
        for name in ("part", "foreground", "confidence"):
            layer = getattr(self, name)
            if layer is not None and layer.shape != (h, w):
                raise InputError(f"has a grid of {w} x {h} px, but {name} {layer.shape}", where)
        for name in ("foreground", "confidence"):
            layer = getattr(self, name)
            if layer is not None and not ((layer >= 0) & (layer <= 1)).all():
                raise InputError(f"has a {name} outside [0, 1]", where)
        inside = (self.coordinates >= 0) & (self.coordinates <= 1)
        if self.part is not None and not inside.all():
            raise InputError("has chart coordinates outside [0, 1]", where)

    @staticmethod
    def of_charts(
        part: ArrayLike,
        uv: ArrayLike,
        topology: str,
        camera: str,
        frame: int,
        foreground: ArrayLike | None = None,
        confidence: ArrayLike | None = None,
        grid: Crop | None = None,
    ) -> "DenseField":
        """Make a field of parts (h, w) and uv (h, w, 2); uv of the background is ignored.

        Without ``foreground`` the subject is where there is a part; without ``grid`` the field
        has the pixels of the original picture. InputError as for the class.
        """
        parts = np.asarray(part)
        if parts.ndim != 2 or parts.min(initial=0) < 0 or parts.max(initial=0) > 255:
            raise InputError(f"parts must be a picture of 0 to 255, got shape {parts.shape}")
        flat = np.asarray(uv, np.float32)
        if flat.shape != (*parts.shape, 2):
            raise InputError(f"parts have shape {parts.shape}, but uv {flat.shape}")
        near = np.clip(flat, 0, 1)
        flat = np.where(np.abs(flat - near) < ROUNDING, near, flat)
        flat = np.where((parts > 0)[..., None], flat, np.float32(0))
        bytes_ = parts.astype(np.uint8)
        return _made(bytes_, flat, parts > 0, topology, camera, frame, foreground, confidence, grid)

    @staticmethod
    def of_embedding(
        values: ArrayLike,
        topology: str,
        camera: str,
        frame: int,
        foreground: ArrayLike | None = None,
        confidence: ArrayLike | None = None,
        grid: Crop | None = None,
    ) -> "DenseField":
        """Make a field of an embedding (h, w, D), NaN off the subject.

        The rest as in `of_charts`.
        """
        given = np.asarray(values, np.float32)
        if given.ndim != 3:
            raise InputError(f"an embedding must be (h, w, D), got shape {given.shape}")
        known = np.asarray(np.isfinite(given).all(-1))
        flat = np.where(known[..., None], given, np.float32(np.nan))
        return _made(None, flat, known, topology, camera, frame, foreground, confidence, grid)

    # --- what it is -----------------------------------------------------------------------

    @property
    def kind(self) -> Literal["charts", "embedding"]:
        """What the coordinates are."""
        return "embedding" if self.part is None else "charts"

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of its own grid."""
        return self.grid.size[1], self.grid.size[0]

    @property
    def dimensions(self) -> int:
        """Number of coordinates D."""
        return int(self.coordinates.shape[2])

    @property
    def known(self) -> Bools:
        """Where it names a surface point (h, w)."""
        if self.part is not None:
            return np.asarray(self.part > 0)
        return np.isfinite(self.coordinates[..., 0])

    def require_topology(self, topology: str, where: str | Path | None = None) -> None:
        """Raise InputError unless the coordinates refer to the mesh with this hash."""
        if self.topology != topology:
            raise InputError(
                f"the field of camera {self.camera}, frame {self.frame} was made with the template "
                f"{self.topology}, not {topology}; use that template, or make the field again",
                where,
            )

    # --- what it does ---------------------------------------------------------------------

    def at(self, pixels: ArrayLike) -> FieldValues:
        """Look up original pixels (..., 2): the values of the nearest pixel of the field."""
        column, row, inside = self._nearest(self.grid.to_crop(pixels))
        known = self.known[row, column] & inside
        return FieldValues(
            None if self.part is None else np.where(known, self.part[row, column], np.uint8(0)),
            np.where(known[..., None], self.coordinates[row, column], np.float32(np.nan)),
            np.where(inside, self.foreground[row, column], np.float32(0)),
            None
            if self.confidence is None
            else np.where(inside, self.confidence[row, column], np.float32(0)),
        )

    def interpolated(self, pixels: ArrayLike, max_jump: float = np.inf) -> FieldValues:
        """Look up original pixels (..., 2) between the four pixels around each.

        The nearest pixel decides the part and whether there is a surface point. Neighbours of
        another part, off the subject, or farther than ``max_jump`` from it in the field's
        coordinates (behind an edge of the silhouette) do not count. Foreground and confidence
        are plainly bilinear, 0 outside.
        """
        spot = self.grid.to_crop(pixels)
        nearest = self.at(pixels)
        spot = np.where(np.isfinite(spot), spot, -9.0)
        base = np.floor(spot)
        total = np.zeros(spot.shape[:-1], np.float64)
        mean = np.zeros((*total.shape, self.dimensions), np.float64)
        foreground, confidence = np.zeros_like(total), np.zeros_like(total)
        for corner in ((0, 0), (1, 0), (0, 1), (1, 1)):
            place = base + corner
            weight = np.prod(1 - np.abs(spot - place), axis=-1)
            column, row, inside = self._nearest(place)
            foreground += np.where(inside, weight * self.foreground[row, column], 0)
            if self.confidence is not None:
                confidence += np.where(inside, weight * self.confidence[row, column], 0)
            there = self.coordinates[row, column]
            near = np.linalg.norm(there - nearest.coordinates, axis=-1) <= max_jump
            counts = inside & self.known[row, column] & near
            if self.part is not None:
                counts &= self.part[row, column] == nearest.part
            weight = np.where(counts, weight, 0.0)
            total += weight
            mean += weight[..., None] * np.where(counts[..., None], there, 0)
        mean /= np.where(total > 0, total, 1)[..., None]
        return FieldValues(
            nearest.part,
            np.where(nearest.known[..., None], mean, np.nan).astype(np.float32),
            foreground.astype(np.float32),
            None if self.confidence is None else confidence.astype(np.float32),
        )

    def on(self, grid: Crop) -> "DenseField":
        """Return the field on other pixels: cut, resized, turned or mirrored.

        Each takes the values of the nearest pixel, so that no two surface points are ever mixed;
        where the field does not reach there is background. A mirrored grid alone changes no
        coordinate: see `datasets.Mirror` for left and right.
        """
        found = self.at(grid.centers())
        coordinates = found.coordinates
        if found.part is not None:
            coordinates = np.where((found.part > 0)[..., None], coordinates, np.float32(0))
        return replace(
            self,
            part=found.part,
            coordinates=coordinates,
            foreground=found.foreground,
            confidence=found.confidence,
            grid=grid,
        )

    def _nearest(self, spot: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Bools]:
        """Return column, row (clamped) and whether a place on the grid (..., 2) is inside."""
        height, width = self.shape
        whole = np.floor(np.where(np.isfinite(spot), spot, -9.0) + 0.5)
        inside = np.asarray(((whole >= 0) & (whole < (width, height))).all(-1))
        index = np.clip(whole, 0, (width - 1, height - 1)).astype(np.int64)
        return index[..., 0], index[..., 1], inside


def _made(
    part: Bytes | None,
    coordinates: Singles,
    known: Bools,
    topology: str,
    camera: str,
    frame: int,
    foreground: Any,
    confidence: Any,
    grid: Crop | None,
) -> DenseField:
    height, width = known.shape
    return DenseField(
        part,
        coordinates,
        np.asarray(known if foreground is None else foreground, np.float32),
        None if confidence is None else np.asarray(confidence, np.float32),
        Crop.whole((width, height)) if grid is None else grid,
        topology,
        camera,
        int(frame),
    )
