"""Charts: the surface cut into parts, each with flat coordinates of its own (IUV)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.errors import InputError
from mvboot.mesh.flatten import flatten_disc, is_disc
from mvboot.template.parts import cells, local_mesh, uv_islands

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MAX_PARTS = 255
"""Parts are stored in one byte of a picture, and 0 is the background."""
AUTOMATIC_PARTS = 24


@dataclass(frozen=True)
class Charts:
    """Part and flat coordinates of every face.

    Parameters
    ----------
    names
        Names of the P parts; part number i is ``names[i - 1]``, and 0 is the background.
    parts
        (F,) part number of each face, 1 to P.
    uv
        (F, 3, 2) coordinates of the face's corners in [0, 1].
    symmetry
        (P,) number of each part's mirror image, or None where unknown. The mirror image of
        (part, u, v) is (symmetry[part - 1], 1 - u, v).

    Raises
    ------
    InputError
        Part numbers or coordinates out of range, shapes that do not fit.
    """

    names: tuple[str, ...]
    parts: IntArray
    uv: FloatArray
    symmetry: IntArray | None = None

    def __post_init__(self) -> None:
        count = len(self.names)
        if not 1 <= count <= MAX_PARTS:
            raise InputError(f"charts have 1 to {MAX_PARTS} parts, got {count}")
        if self.uv.shape != (len(self.parts), 3, 2):
            raise InputError(
                f"uv has shape {self.uv.shape}, expected {(len(self.parts), 3, 2)}: one pair for "
                "each corner of each face"
            )
        if len(self.parts) and not (self.parts.min() >= 1 and self.parts.max() <= count):
            raise InputError(f"part numbers must be 1 to {count}")
        if not (np.isfinite(self.uv).all() and self.uv.min() >= 0 and self.uv.max() <= 1):
            raise InputError("chart coordinates must lie in [0, 1]")
        if self.symmetry is not None:
            known = self.symmetry.shape == (count,)
            if not known or not np.isin(self.symmetry, np.arange(1, count + 1)).all():
                raise InputError(f"the parts' symmetry must give a part number 1 to {count} each")

    def at(self, faces: IntArray, barycentric: FloatArray) -> tuple[IntArray, FloatArray]:
        """Return part (...) and uv (..., 2) of surface points: faces (...), weights (..., 3).

        A face of -1 is the background: part 0 and uv 0.
        """
        known = faces >= 0
        part, uv = np.zeros(faces.shape, dtype=np.int64), np.zeros((*faces.shape, 2))
        part[known] = self.parts[faces[known]]
        uv[known] = np.einsum("nc,ncd->nd", barycentric[known], self.uv[faces[known]])
        return part, uv


def charts_of_parts(
    vertices: FloatArray,
    faces: IntArray,
    parts: IntArray,
    names: tuple[str, ...],
    height: FloatArray,
) -> Charts:
    """Lay each part (F,) 1 to P out flat (`flatten_disc`); every part must be a disc.

    v follows ``height`` (V,) as well as it can, and charts are seen from outside.
    """
    uv = np.zeros((len(faces), 3, 2))
    for number in range(1, len(names) + 1):
        used, local = local_mesh(faces[parts == number])
        if not is_disc(local):
            raise InputError(
                f"part {names[number - 1]!r} is not a disc and cannot be laid out flat; split it"
            )
        uv[parts == number] = flatten_disc(vertices[used], local, height[used])[local]
    return Charts(names, parts, np.clip(uv, 0.0, 1.0))


def automatic_charts(
    vertices: FloatArray, faces: IntArray, height: FloatArray, count: int = AUTOMATIC_PARTS
) -> Charts:
    """Cut any surface into about ``count`` cells and lay them out (`charts_of_parts`)."""
    parts = cells(vertices, faces, count) + 1
    names = tuple(f"part{number}" for number in range(1, int(parts.max()) + 1))
    return charts_of_parts(vertices, faces, parts, names, height)


def charts_of_uv(faces: IntArray, uv: FloatArray) -> Charts | None:
    """Take a file's texture coordinates (F, 3, 2): each island is a part.

    Islands are scaled to [0, 1]. None where there are more of them than part numbers, as in the
    atlas of a scan.
    """
    parts = uv_islands(faces, uv) + 1
    count = int(parts.max())
    if count > MAX_PARTS:
        return None
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    for corner in range(3):
        np.minimum.at(low, parts - 1, uv[:, corner])
        np.maximum.at(high, parts - 1, uv[:, corner])
    size = np.where(high > low, high - low, 1.0)
    scaled = (uv - low[parts - 1, None]) / size[parts - 1, None]
    return Charts(tuple(f"part{i}" for i in range(1, count + 1)), parts, np.clip(scaled, 0.0, 1.0))
