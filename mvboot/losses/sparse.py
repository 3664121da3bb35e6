"""The affinity loss of heat maps: what two maps of one keypoint cost on average.

A dense field says of every pixel which surface point it shows, and matches follow from it. Heat
maps say it of one point at a time: pixel x of one picture and x' of the other match as far as
both show the keypoint, ``M(x, x') = g(x) g'(x')``, which sums to one. The costs are those of the
same error builders (`EpipolarError`, `FlowError`, `WarpError`), so that unlabelled pictures train
a detector of keypoints as they train dense fields: in the style of Yu et al., NeurIPS 2021.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from mvboot.losses.residuals import PairError, Residuals

PAIRS = 2**22
"""Pairs of cells whose costs are held at a time."""


def expected_costs(
    g: Float[Tensor, "k n"], h: Float[Tensor, "k m"], residuals: Residuals
) -> Float[Tensor, " k"]:
    """Return what matches of K keypoints cost on average, in one direction.

    Parameters
    ----------
    g, h
        Heat maps (K, N) and (K, M) over the cells of two pictures, not negative.
    residuals
        Of the same cells (`PairError.forth`).

    Returns
    -------
    (K,) ``sum_x sum_x' g(x) g'(x') d(x, x')``, px^2 for squared distances, px for unsquared ones,
    in [0, 1) for robust ones, with gradient. Cells without a prediction or a pixel do not count;
    a keypoint that has no others costs 0. The part that comes from the width of the maps alone is
    in it, as a peak has to become narrow as well.

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
    g, h = _shares(g[:, rows]), _shares(h[:, columns])
    by_g, by_h = _costs_by(g.detach(), h.detach(), known)
    both = (g.detach() * by_g).sum(1)  # counted twice below, so that either gradient is whole
    return (g * by_g).sum(1) + (h * by_h).sum(1) - both


def heatmap_affinity(
    g: Float[Tensor, "k n"], h: Float[Tensor, "k m"], error: PairError
) -> Float[Tensor, " k"]:
    """Return the mean of `expected_costs` (K,) over both directions, where both are known."""
    forth, back = expected_costs(g, h, error.forth), error.back
    return forth if back is None else (forth + expected_costs(h, g, back)) / 2


def _shares(weights: Float[Tensor, "k n"]) -> Float[Tensor, "k n"]:
    total = weights.sum(1, keepdim=True)
    return weights / total.clamp(min=torch.finfo(weights.dtype).tiny)


@torch.no_grad()
def _costs_by(g: Tensor, h: Tensor, residuals: Residuals) -> tuple[Tensor, Tensor]:
    """Return what each x costs under h (K, N), and each x' under g (K, M), block by block."""
    middle = residuals.pixels.mean(0)
    centred = residuals.about(middle)
    lines, pixels = centred.lines.to(g), pad(centred.pixels.to(g), (0, 1), value=1.0)
    by_g, by_h = [], torch.zeros_like(h)
    step = max(1, PAIRS // len(pixels))
    for start in range(0, len(lines), step):
        block = slice(start, start + step)
        squared = torch.einsum("nri,mi->nmr", lines[block], pixels).square_().sum(-1)
        costs = residuals.penalty.cost_(squared)
        by_g.append(h @ costs.mT)
        by_h += g[:, block] @ costs
    return torch.cat(by_g, 1), by_h
