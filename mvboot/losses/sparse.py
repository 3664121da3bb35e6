"""The affinity loss of heat maps: what two maps of one keypoint cost on average.

A dense field says of every pixel which surface point it shows, and matches follow from it. Heat
maps say it of one point at a time: pixel x of one picture and x' of the other match as far as
both show the keypoint, ``M(x, x') = g(x) g'(x')``, which sums to one. The costs are those of the
same error builders (`EpipolarError`, `FlowError`, `WarpError`), so that unlabelled pictures train
a detector of keypoints as they train dense fields: in the style of Yu et al., NeurIPS 2021.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from mvboot.losses.residuals import PairError, Residuals

CELLS = 128
"""Heaviest cells of a map that count at least: several peaks of a cell's width. All pairs of cells
of two whole maps would take several times as long as the network does.
"""


def heaviest(blur: float) -> int:
    """Return how many cells of a map count whose peaks are ``blur`` cells wide: 99 % of one."""
    return max(CELLS, math.ceil(-2 * math.pi * blur**2 * math.log(0.01)))


def expected_costs(
    g: Float[Tensor, "k n"], h: Float[Tensor, "k m"], residuals: Residuals, cells: int = CELLS
) -> Float[Tensor, " k"]:
    """Return what matches of K keypoints cost on average, in one direction.

    Parameters
    ----------
    g, h
        Heat maps (K, N) and (K, M) over the cells of two pictures, not negative.
    residuals
        Of the same cells (`PairError.forth`).
    cells
        How many of the heaviest cells of each map count (`heaviest`).

    Returns
    -------
    (K,) ``sum_x sum_x' g(x) g'(x') d(x, x')``, px^2 for squared distances, px for unsquared ones,
    in [0, 1) for robust ones, with gradient. The heaviest cells of each map share all of it: of
    a flat map the others get no gradient. Cells without a prediction or a pixel do not count; a
    keypoint that has no others costs 0. The part that comes from the width of the maps alone is in
    it, as a peak has to become narrow as well.

    Raises
    ------
    ValueError
        Maps that do not fit the residuals.
    """
    pixels = (len(residuals.lines), len(residuals.pixels))
    if g.shape[0] != h.shape[0] or (g.shape[1], h.shape[1]) != pixels:
        raise ValueError(
            f"heat maps must be (K, {pixels[0]}) and (K, {pixels[1]}), got {tuple(g.shape)} and "
            f"{tuple(h.shape)}"
        )
    rows, columns = residuals.predicted, residuals.present
    if not bool(rows.any()) or not bool(columns.any()):
        return 0 * (g.sum(1) + h.sum(1))
    known = residuals.of(rows.nonzero()[:, 0], columns.nonzero()[:, 0])
    g, at_g = _shares(g[:, rows], cells)
    h, at_h = _shares(h[:, columns], cells)
    return torch.einsum("kn,knm,km->k", g, _costs(known, at_g, at_h, g.dtype), h)


def heatmap_affinity(
    g: Float[Tensor, "k n"], h: Float[Tensor, "k m"], error: PairError, cells: int = CELLS
) -> Float[Tensor, " k"]:
    """Return the mean of `expected_costs` (K,) over both directions, where both are known."""
    forth, back = expected_costs(g, h, error.forth, cells), error.back
    return forth if back is None else (forth + expected_costs(h, g, back, cells)) / 2


def _shares(
    weights: Float[Tensor, "k n"], cells: int
) -> tuple[Float[Tensor, "k c"], Int[Tensor, "k c"]]:
    """Return the heaviest cells of each map as shares of their sum, and which they are."""
    found, at = weights.topk(min(cells, weights.shape[1]), dim=1)
    total = found.sum(1, keepdim=True)
    return found / total.clamp(min=torch.finfo(weights.dtype).tiny), at


@torch.no_grad()
def _costs(
    residuals: Residuals, rows: Int[Tensor, "k n"], columns: Int[Tensor, "k m"], dtype: torch.dtype
) -> Float[Tensor, "k n m"]:
    """Return d(x, x') of the chosen cells of each keypoint."""
    centred = residuals.about(residuals.pixels.mean(0))
    lines = centred.lines.to(dtype)[rows]
    pixels = pad(centred.pixels.to(dtype)[columns], (0, 1), value=1.0)
    squared = torch.einsum("knri,kmi->knmr", lines, pixels).square_().sum(-1)
    return residuals.penalty.cost_(squared)
