"""Heat maps should have one narrow peak."""

from jaxtyping import Float
from torch import Tensor


def variance_loss(covariance: Float[Tensor, "*batch k 2 2"]) -> Float[Tensor, "*batch"]:
    """Return the mean spread of heat maps, from their covariances (`mvboot.heatmaps.moments`).

    ``1/K sum_i sum_{u,v} g_i(u, v) |(u, v) - (u_i, v_i)|^2`` (Suwajanakorn et al., NeurIPS 2018,
    eq. 10), which is the mean trace.
    """
    return covariance.diagonal(dim1=-2, dim2=-1).sum(-1).mean(-1)
