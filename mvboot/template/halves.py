"""A mirror-symmetric template made of its left half, so that both sides agree to the last digit."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mvboot.template.charts import Charts, charts_of_parts

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

FLIP = np.array([-1.0, 1.0, 1.0])
CHART_BITS = 14
"""Chart coordinates are in steps of 2**-14, so that 1 - u is exact in single precision."""


@dataclass(frozen=True)
class Halves:
    """The numbering of a mesh whose first vertices are its left half (x >= 0).

    Parameters
    ----------
    partner
        (H,) number of the mirror image of each vertex of the half; itself where x = 0.
    symmetry
        (V,) the same for every vertex of the whole.
    """

    partner: IntArray
    symmetry: IntArray

    @staticmethod
    def of(middle: NDArray[np.bool_]) -> "Halves":
        """Return the numbering for a half; ``middle`` (H,) says which vertices have x = 0."""
        size = len(middle)
        partner = np.where(middle, np.arange(size), size + np.cumsum(~middle) - 1)
        return Halves(partner, np.concatenate([partner, np.flatnonzero(~middle)]))

    def vectors(self, half: FloatArray) -> FloatArray:
        """Return places or displacements (..., V, 3) of the whole from those (..., H, 3)."""
        middle = self.partner == np.arange(len(self.partner))
        left = np.where(middle[:, None], half * [0.0, 1.0, 1.0], half)
        return np.concatenate([left, left[..., ~middle, :] * FLIP], axis=-2)

    def faces(self, half: IntArray) -> IntArray:
        """Return the faces (2 F, 3) of the whole: the half's, then their mirror images."""
        return np.concatenate([half, self.partner[half][:, ::-1]])

    def weights(self, half: FloatArray, other: IntArray) -> FloatArray:
        """Return skin weights (V, B) from (H, B); ``other`` (B,) is each bone's mirror image."""
        middle = self.partner == np.arange(len(self.partner))
        left = np.where(middle[:, None], (half + half[:, other]) / 2, half)
        return np.concatenate([left, left[~middle][:, other]])

    def charts(
        self,
        vertices: FloatArray,
        half: IntArray,
        parts: IntArray,
        names: tuple[str, ...],
        other: IntArray,
    ) -> Charts:
        """Return charts of the whole from the part numbers (F,) of the half's faces.

        ``vertices`` (V, 3) of the whole; ``other`` (P,) is the number of each part's mirror image,
        its own where a part reaches across the plane.
        """
        both = np.concatenate([parts, other[parts - 1]])
        uv = charts_of_parts(vertices, self.faces(half), both, names, vertices[:, 2]).uv
        left, right = uv[: len(half)], uv[len(half) :]
        across = (other[parts - 1] == parts)[:, None, None]
        left = np.where(across, (left + _image(right)) / 2, left)
        left = rounded(left, CHART_BITS)
        return Charts(names, both, np.concatenate([left, _image(left)]), other)


def rounded(values: FloatArray, bits: int) -> FloatArray:
    """Return numbers in steps of 2**-bits, which compress well."""
    return np.asarray(np.round(values * 2.0**bits) / 2.0**bits)


def both_sides(pairs: Iterable[tuple[str, str]], middle: Collection[str]) -> list[tuple[str, str]]:
    """Return pairs of keypoints for the left and the right; those in the middle have no side."""

    def named(name: str, side: str) -> str:
        return name if name in middle else f"{name}_{side}"

    return [(named(a, side), named(b, side)) for a, b in pairs for side in ("left", "right")]


def _image(uv: FloatArray) -> FloatArray:
    """Return the chart coordinates (F, 3, 2) of the mirror images of faces."""
    return np.stack([1.0 - uv[:, ::-1, 0], uv[:, ::-1, 1]], axis=2)
