"""Hard matches: the one nearest pixel, for validation that does not depend on sigma."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mvboot.losses.blocks import Blocks
from mvboot.losses.matching import BOX, Matching
from mvboot.losses.residuals import Residuals


@dataclass(frozen=True, eq=False)
class HardMatches:
    """The nearest pixel of another field, for each of N pixels.

    Parameters
    ----------
    index
        (N,) which pixel; -1 where there is none.
    gap
        (N,) how far apart the two are in canonical space; NaN where there is none.
    error
        (N,) its cost (px, or px^2 for squared distances); NaN where there is none.
    """

    index: Int[Tensor, " n"]
    gap: Float[Tensor, " n"]
    error: Float[Tensor, " n"]


@torch.no_grad()
def hard_matches(
    u: Float[Tensor, "n d"],
    v: Float[Tensor, "m d"],
    residuals: Residuals,
    u_weight: Float[Tensor, " n"] | None = None,
    v_weight: Float[Tensor, " m"] | None = None,
) -> HardMatches:
    """Return the nearest v of each u and what that match costs.

    Weights only say which pixels there are (> 0). Pixels without a prediction are not matched.
    """
    rows, columns = residuals.predicted, residuals.present
    rows = rows if u_weight is None else rows & (u_weight > 0)
    columns = columns if v_weight is None else columns & (v_weight > 0)
    here, there = rows.nonzero()[:, 0], columns.nonzero()[:, 0]
    index = torch.full((len(u),), -1, device=u.device)
    gap = torch.full_like(u[:, 0], torch.nan)
    error = gap.clone()
    if len(here) and len(there):
        chosen = residuals.of(here, there)
        nearest = _nearest(u[here], v[there], chosen)
        index[here] = there[nearest]
        gap[here] = torch.linalg.vector_norm(u[here] - v[there[nearest]], dim=1)
        error[here] = chosen.at(nearest).to(error.dtype)
    return HardMatches(index, gap, error)


def _nearest(u: Tensor, v: Tensor, residuals: Residuals) -> Int[Tensor, " n"]:
    columns = Blocks.of(v, BOX)
    matching = Matching.of(Blocks.of(u, BOX), columns, torch.ones_like(v[:, 0]), residuals, 1.0)
    found = []
    for tile in matching.tiles(matching.near(reach=0.0)):
        slot = tile.log2_m().argmax(1)
        found.append(columns.order[tile.boxes].flatten()[slot])
    return matching.rows.restored(torch.stack(found))
