"""Matching: expected costs under row-normalised Gaussian matches, without ever holding all pairs.

With canonical coordinates u of pixels x and u' of pixels x', weights f' and costs d(x, x'):

    m(x, x') = f'(x') exp(-|u - u'|^2 / (2 sigma^2)),  M = m / sum_x' m,  E(x) = sum_x' M d

(Yu et al. 2021 in the reconstruction of the documentation.) Pairs are computed tile by tile and
again in the backward pass (Chen et al. 2016, recomputation; Dao et al. 2022, the same for
attention). A tile is a box of x against those boxes of x' that can matter: a box is skipped where
every pair in it lies so far that its m is below ``exp(-reach^2 / 2)`` of the best m of each x.

Inside a tile coordinates are centred on its x, or |u|^2 would drown |u - u'|^2 in rounding, and
logarithms are to base 2, whose exponential is several times faster.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from mvboot.losses.blocks import Blocks
from mvboot.losses.residuals import Penalty, Residuals

BOX = 32
"""Most x' in a box: smaller boxes skip more and cost more to choose."""

FEW_PAIRS = 2**18
"""Up to so many pairs are one tile: choosing boxes would cost more than it saves."""

ROWS = 128
"""x in a tile on a CPU: with some thousand x' its numbers stay in the cache."""

GPU_PAIRS = 2**25
"""Pairs in a tile on a GPU, which wants much work at once."""

REACH = 6.0
"""Where a match ends, in sigmas beyond the best one: a share of 1.5e-8 of a plane lies outside."""

NEVER = -1e30
"""Logit of a slot that is no pixel: finite, so that zero times it is zero."""

LOG2_E, LN_2 = math.log2(math.e), math.log(2)
STATISTICS = 8
"""log2 of the largest m, entropy, floor, and means of x, y, x^2, xy, y^2."""


@dataclass(frozen=True, eq=False)
class Tile:
    """One box of n pixels x against p pixels x'.

    ``q`` (D+2, n) and ``k`` (D+2, p) are u, u' with two more rows, so that ``q^T k`` is
    log2 m; ``lines`` (n, R, 3); ``pixels`` (3, p) homogeneous; ``box`` of the x; ``boxes`` (b,) of
    the x'. Numbers of pairs are written into ``spare`` (2, n p or more), which the next tile uses
    again: allocating them costs as much time as computing them.
    """

    box: int
    boxes: Int[Tensor, " b"]
    q: Float[Tensor, "d n"]
    k: Float[Tensor, "d p"]
    lines: Float[Tensor, "n r 3"]
    pixels: Float[Tensor, "3 p"]
    penalty: Penalty
    spare: Float[Tensor, "2 pairs"]

    def log2_m(self) -> Float[Tensor, "n p"]:
        """Return log2 of m, in the first spare room."""
        return torch.mm(self.q.mT, self.k, out=self._room(0))

    def costs(self, lines: Float[Tensor, "n r 3"]) -> Float[Tensor, "n p"]:
        """Return the costs d of every pair for lines (n, R, 3), in the second spare room."""
        first, *rest = lines.unbind(1)
        squared = torch.mm(first, self.pixels, out=self._room(1)).square_()
        for line in rest:
            squared += (line @ self.pixels).square_()
        return self.penalty.cost_(squared)

    def _room(self, which: int) -> Float[Tensor, "n p"]:
        n, p = self.q.shape[1], self.k.shape[1]
        return self.spare[which, : n * p].view(n, p)

    @cached_property
    def features(self) -> Float[Tensor, "features p"]:
        """1, x, y, x^2, xy, y^2 of x', and k."""
        x, y, one = self.pixels
        return torch.cat([torch.stack([one, x, y, x * x, x * y, y * y]), self.k])


@dataclass(frozen=True, eq=False)
class Matching:
    """Which tiles of two fields matter.

    Parameters
    ----------
    rows, columns
        x and x' in boxes.
    row_values
        u (boxes, D, slots).
    column_values
        u', log2 f' and homogeneous pixels (boxes, D + 4, slots).
    lines
        (boxes, slots, R, 3).
    penalty
        What a distance costs.
    sigma
        Width of the Gaussian, in units of u.
    """

    rows: Blocks
    columns: Blocks
    row_values: Float[Tensor, "row_boxes d row_slots"]
    column_values: Float[Tensor, "boxes d4 slots"]
    lines: Float[Tensor, "row_boxes row_slots r 3"]
    penalty: Penalty
    sigma: float

    @staticmethod
    def of(
        rows: Blocks,
        columns: Blocks,
        weights: Float[Tensor, " m"],
        residuals: Residuals,
        sigma: float,
    ) -> "Matching":
        """Prepare fields in boxes of at most `BOX`, with weights f' > 0 (M,) of the x'."""
        cpu = columns.points.device.type == "cpu"
        rows = rows.coarser(ROWS if cpu else GPU_PAIRS // len(columns.points))
        dtype = columns.points.dtype
        log2_f = columns.arranged(weights.to(dtype).log2()).masked_fill(~columns.real, NEVER)
        pixels = torch.nn.functional.pad(columns.arranged(residuals.pixels), (0, 1), value=1.0)
        values = [columns.arranged(columns.points), log2_f[..., None], pixels.to(dtype)]
        return Matching(
            rows,
            columns,
            rows.arranged(rows.points).mT,
            torch.cat(values, -1).mT.contiguous(),
            rows.arranged(residuals.lines.to(dtype)),
            residuals.penalty,
            sigma,
        )

    @property
    def scale(self) -> float:
        """What makes logits to base 2 of coordinates: half the square is log2 of the Gaussian."""
        return math.sqrt(LOG2_E) / self.sigma

    def tiles(self, near: Bool[Tensor, "row_boxes boxes"]) -> Iterator[Tile]:
        """Yield the tile of every box of x and the boxes of x' that are near it."""
        spare = self._spare()
        for box, chosen in enumerate(near):
            boxes = chosen.nonzero()[:, 0]
            picked = self.column_values.index_select(0, boxes)
            yield self._tile(box, boxes, picked.transpose(0, 1).flatten(1), spare)

    def near(self, reach: float) -> Bool[Tensor, "row_boxes boxes"]:
        """Return which boxes of x' may hold an m above ``exp(-reach^2 / 2)`` of an x's best.

        One x' of each box bounds the best from below. NaN counts as near, so that it is seen.
        """
        some = self.column_values[:, :, 0].mT.contiguous()
        boxes = torch.arange(some.shape[1], device=some.device)
        spare = self._spare()
        tiles = (self._tile(box, boxes, some, spare) for box in range(len(self.lines)))
        best = [tile.log2_m().amax(1).amin() for tile in tiles]
        farthest2 = 2 / self.scale**2 * torch.stack(best).neg().clamp(min=0)
        limit = 1.0001 * farthest2 + (reach * self.sigma) ** 2
        return ~(self.rows.gaps2(self.columns) > limit[:, None])

    def _spare(self) -> Float[Tensor, "2 pairs"]:
        return self.row_values.new_empty(2, self.rows.order.shape[1] * self.columns.order.numel())

    def _tile(
        self,
        box: int,
        boxes: Int[Tensor, " b"],
        values: Float[Tensor, "d4 p"],
        spare: Float[Tensor, "2 pairs"],
    ) -> Tile:
        u, v, log2_f, pixels = self.row_values[box], values[:-4], values[-4:-3], values[-3:]
        center = u.mean(1, keepdim=True)
        q, k = (u - center) * self.scale, (v - center) * self.scale
        q = torch.cat([q, torch.ones_like(q[:1]), -0.5 * q.square().sum(0, keepdim=True)])
        k = torch.cat([k, log2_f - 0.5 * k.square().sum(0, keepdim=True), torch.ones_like(k[:1])])
        return Tile(box, boxes, q, k, self.lines[box], pixels, self.penalty, spare)


def expected_cost(
    u: Float[Tensor, "n d"], v: Float[Tensor, "m d"], matching: Matching, reach: float
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"], Float[Tensor, "n statistics"]]:
    """Return E, log sum_x' m, both differentiable in u and v, and `STATISTICS` without gradient.

    u and v are the coordinates that ``matching`` holds in boxes.
    """
    expected, log_mass, statistics = _ExpectedCost.apply(u, v, matching, reach)  # type: ignore[no-untyped-call]
    return expected, log_mass, statistics


class _ExpectedCost(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, u: Tensor, v: Tensor, matching: Matching, reach: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Go through the tiles; the statistics have no gradient."""
        ctx.matching, ctx.near = matching, matching.near(reach)
        found = torch.stack([_summary(tile) for tile in matching.tiles(ctx.near)])
        ctx.save_for_backward(found[..., 0], found[..., 1])
        found = matching.rows.restored(found)
        statistics = found[:, 2:].clone()
        ctx.mark_non_differentiable(statistics)
        return found[:, 0].clone(), LN_2 * found[:, 1], statistics

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_expected: Tensor, by_log_mass: Tensor, _: Tensor) -> Any:
        """Undo the boxes and the scale of `_walked_back`."""
        matching: Matching = ctx.matching
        with torch.autocast(by_expected.device.type, enabled=False):
            by_u, by_v = _walked_back(
                matching, ctx.near, ctx.saved_tensors, by_expected, by_log_mass
            )
        unit = 1 / (matching.sigma**2 * matching.scale)
        by_u, by_v = matching.rows.restored(by_u.mT), matching.columns.restored(by_v.mT)
        return unit * by_u, unit * by_v, None, None


def _walked_back(
    matching: Matching,
    near: Bool[Tensor, "row_boxes boxes"],
    found: tuple[Float[Tensor, "row_boxes row_slots"], Float[Tensor, "row_boxes row_slots"]],
    by_expected: Float[Tensor, " n"],
    by_log_mass: Float[Tensor, " n"],
) -> tuple[Float[Tensor, "row_boxes d row_slots"], Float[Tensor, "boxes d slots"]]:
    """Go through the tiles again: dE / d log m = M (d - E), d log sum m / d log m = M."""
    rows, (expected, log2_mass) = matching.rows, found
    slope = rows.arranged(by_expected).masked_fill(~rows.real, 0)
    offset = rows.arranged(by_log_mass).masked_fill(~rows.real, 0) - slope * expected
    by_u, size = torch.empty_like(matching.row_values), matching.row_values.shape[1]
    by_v = torch.zeros_like(matching.column_values[:, :size])
    for tile in matching.tiles(near):
        i = tile.box
        M = tile.log2_m().sub_(log2_mass[i, :, None]).exp2_()
        d = tile.costs(tile.lines)
        by_logit = M.mul_(d.mul_(slope[i, :, None]).add_(offset[i, :, None]))
        by_u[i], of_boxes = _gradients(tile, by_logit)
        by_v[tile.boxes] += of_boxes.reshape(size, len(tile.boxes), -1).transpose(0, 1)
    return by_u, by_v


def _summary(tile: Tile) -> Float[Tensor, "n channels"]:
    """Return E, log2 sum m and the statistics of the pixels x of a tile."""
    log2_m = tile.log2_m()
    best = log2_m.amax(1)
    m = log2_m.sub_(best[:, None]).exp2_()
    sums = tile.features @ m.mT
    mass, means = sums[0], sums[1:] / sums[0]
    expected = tile.costs(tile.lines).mul_(m).sum(1) / mass
    floor = tile.costs(_through(tile.lines, means[:2])).mul_(m).sum(1) / mass
    log2_mass = best + mass.log2()
    entropy = LN_2 * (log2_mass - (tile.q * means[5:]).sum(0))
    return torch.stack([expected, log2_mass, best, entropy, floor, *means[:5]], 1)


def _through(lines: Float[Tensor, "n r 3"], points: Float[Tensor, "2 n"]) -> Float[Tensor, "n r 3"]:
    """Return lines moved, without turning, to where their residual at a point (2, n) is zero."""
    linear = lines[..., :2]
    return torch.cat([linear, -linear @ points.mT[:, :, None]], -1)


def _gradients(tile: Tile, by_logit: Float[Tensor, "n p"]) -> tuple[Tensor, Tensor]:
    """Return d / dq (D, n) and d / dk (D, p) of the coordinates: sum of logits times (k - q)."""
    size = len(tile.q) - 2
    toward_k = tile.k @ by_logit.mT
    toward_q = tile.q @ by_logit
    by_q = toward_k[:size] - tile.q[:size] * toward_k[size + 1]
    by_k = toward_q[:size] - tile.k[:size] * toward_q[size]
    return by_q, by_k
