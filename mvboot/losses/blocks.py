"""Blocks: points of one field sorted into boxes of neighbours, so that far pairs can be skipped.

A box tree in the manner of Friedman, Bentley and Finkel 1977: every box is halved across its
longest side until it holds a handful of points. All leaves hold the same number of slots; slots
left over repeat a point and are marked as not real.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Blocks:
    """Points (N, D) in boxes.

    Parameters
    ----------
    points
        (N, D).
    order
        (boxes, slots): which point is in each slot.
    real
        (boxes, slots): False for a slot that only repeats a point.
    """

    points: Float[Tensor, "n d"]
    order: Int[Tensor, "boxes slots"]
    real: Bool[Tensor, "boxes slots"]

    @staticmethod
    def of(points: Float[Tensor, "n d"], size: int) -> "Blocks":
        """Sort points (N, D), N > 0, into boxes of at most ``size``."""
        count = len(points)
        levels = max(0, math.ceil(math.log2(count / size)))
        slots = math.ceil(count / 2**levels)
        slot = torch.arange(2**levels * slots, device=points.device)[None]
        for _ in range(levels):
            slot = _halved(points[slot % count], slot)
        return Blocks(points, slot % count, slot < count)

    def arranged(self, values: Shaped[Tensor, "n *rest"]) -> Shaped[Tensor, "boxes slots *rest"]:
        """Return one value a slot."""
        return values[self.order]

    def restored(self, values: Shaped[Tensor, "boxes slots *rest"]) -> Shaped[Tensor, "n *rest"]:
        """Return one value a point; the inverse of `arranged`."""
        result = values.new_empty((len(self.points), *values.shape[2:]))
        result[self.order[self.real]] = values[self.real]
        return result

    def coarser(self, size: int) -> "Blocks":
        """Return the same points with neighbouring boxes joined to at most ``size`` slots."""
        boxes, slots = self.order.shape
        joined = 2 ** min(int(math.log2(boxes)), int(math.log2(max(1, size // slots))))
        shape = (boxes // joined, slots * joined)
        return Blocks(self.points, self.order.reshape(shape), self.real.reshape(shape))

    @cached_property
    def boxes(self) -> tuple[Float[Tensor, "boxes d"], Float[Tensor, "boxes d"]]:
        """Lowest and highest corner of every box."""
        inside = self.arranged(self.points)
        return inside.amin(1), inside.amax(1)

    def gaps2(self, other: "Blocks") -> Float[Tensor, "boxes others"]:
        """Return the squared distance of each box from each of another's; 0 where they touch."""
        low, high = self.boxes
        other_low, other_high = other.boxes
        total = low.new_zeros(len(low), len(other_low))
        for axis in range(low.shape[1]):
            below = low[:, None, axis] - other_high[None, :, axis]
            above = other_low[None, :, axis] - high[:, None, axis]
            total += torch.maximum(below, above).clamp(min=0).square()
        return total


def _halved(
    points: Float[Tensor, "boxes slots d"], slot: Int[Tensor, "boxes slots"]
) -> Int[Tensor, "halves half"]:
    sides = points.amax(1) - points.amin(1)
    longest = sides.argmax(1)[:, None, None].expand(-1, points.shape[1], 1)
    along = points.gather(2, longest)[..., 0]
    return slot.gather(1, along.argsort(1)).reshape(2 * len(slot), -1)
