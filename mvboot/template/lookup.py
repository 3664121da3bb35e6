"""Which surface point has given chart coordinates: the inverse of `Template.canonical`."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mvboot.errors import InputError
from mvboot.mesh.nearest import Located, TriangleTree
from mvboot.template.charts import Charts

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class ChartLookup:
    """Finds the surface points of chart coordinates (`Template.locate`): a tree for each part."""

    charts: Charts

    def locate(self, part: ArrayLike, uv: ArrayLike) -> Located:
        """Return the surface points of part numbers (...) and uv (..., 2)."""
        parts, values = np.asarray(part), np.asarray(uv, dtype=np.float64)
        self._check(parts, values)
        faces = np.full(parts.shape, -1)
        barycentric, distance = np.full((*parts.shape, 3), np.nan), np.full(parts.shape, np.nan)
        for number in np.unique(parts[parts > 0]):
            own, tree = self._trees[number]
            here = parts == number
            found = tree.nearest(values[here])
            faces[here], barycentric[here] = own[found.faces], found.barycentric
            distance[here] = found.distance
        return Located(faces, barycentric, distance)

    @cached_property
    def _trees(self) -> dict[int, tuple[IntArray, TriangleTree]]:
        """The faces of each part that has any, and their tree."""
        own = {int(part): np.flatnonzero(self.charts.parts == part) for part in self._used}
        return {part: (faces, TriangleTree(self.charts.uv[faces])) for part, faces in own.items()}

    @cached_property
    def _used(self) -> IntArray:
        return np.unique(self.charts.parts)

    def _check(self, parts: NDArray[Any], uv: FloatArray) -> None:
        if parts.dtype.kind not in "iu" or uv.shape != (*parts.shape, 2):
            raise InputError(
                "chart coordinates are whole part numbers (...) and uv (..., 2), got parts "
                f"{parts.dtype} {parts.shape} and uv {uv.shape}"
            )
        subject = parts != 0
        wrong = subject & ~np.isin(parts, self._used)
        if wrong.any():
            raise InputError(
                f"there is no part {parts[wrong][0]}; the template has parts 1 to "
                f"{len(self.charts.names)}, and 0 is the background"
            )
        if not np.isfinite(uv[subject]).all():
            raise InputError(
                f"uv of {int((~np.isfinite(uv[subject]).all(axis=-1)).sum())} points of the "
                "surface are not numbers; points that are not known have part 0"
            )
