"""Matches as attention: the same expectations by torch's scaled dot-product kernels.

The matchability is a softmax, ``M = softmax_x'((u.u' - |u'|^2 / 2) / sigma^2 + log f')``, and a
squared distance is linear in the second moments of x': ``(l.x')^2 = <l l^T, x' x'^T>`` for a line
l, so that ``sum_x' M d^2 = <sum_r L_r L_r^T, sum_x' M x' x'^T>``. One call of attention gives the
moments; on a GPU it is a fused kernel. It is less exact than `matching` (differences of large
numbers, twice) and compares all pairs; it is differentiable in the expected match as well.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from mvboot.losses.residuals import Residuals

LANES = 16
"""Channels are padded to a multiple of it: with unequal widths torch falls back to matrices."""


def expected_moments(
    u: Float[Tensor, "*batch n d"],
    v: Float[Tensor, "*batch m d"],
    pixels: Float[Tensor, "*batch m 2"],
    sigma: float,
    v_weight: Float[Tensor, "*batch m"] | None = None,
) -> Float[Tensor, "*batch n 3 3"]:
    """Return sum_x' M (x', 1) (x', 1)^T: px^2, with the first moments in the last column.

    Coordinates (..., N, D), (..., M, D); every pixel x' counts, weights (..., M) are positive.
    """
    middle = v.detach().mean(-2, keepdim=True)
    u, v = (u - middle) / sigma, (v - middle) / sigma
    bias = -0.5 * v.square().sum(-1, keepdim=True)
    if v_weight is not None:
        bias = bias + v_weight.detach().log()[..., None]
    homogeneous = pad(pixels.to(v.dtype), (0, 1), value=1.0)
    products = (homogeneous[..., :, None] * homogeneous[..., None, :]).flatten(-2)
    q, k = torch.cat([u, torch.ones_like(u[..., :1])], -1), torch.cat([v, bias], -1)
    width = LANES * -(-max(k.shape[-1], products.shape[-1]) // LANES)
    q, k, products = (
        pad(x, (0, width - x.shape[-1])).reshape(-1, 1, x.shape[-2], width)
        for x in (q, k, products)
    )
    moments = scaled_dot_product_attention(q, k, products, scale=1.0)[..., :9]
    return moments.reshape(*u.shape[:-1], 3, 3)


def expected_squares(
    u: Float[Tensor, "*batch n d"],
    v: Float[Tensor, "*batch m d"],
    residuals: Residuals,
    sigma: float,
    v_weight: Float[Tensor, "*batch m"] | None = None,
) -> Float[Tensor, "*batch n"]:
    """Return E(x) = sum_x' M d^2 (..., N) px^2, for squared distances without a limit.

    Every pixel must have a prediction and exist.
    """
    middle = residuals.pixels.mean(-2, keepdim=True)
    reach = (residuals.pixels - middle).abs().amax((-2, -1), keepdim=True)
    moments = expected_moments(u, v, (residuals.pixels - middle) / reach, sigma, v_weight)
    linear = residuals.lines[..., :2]
    offset = residuals.lines[..., 2] + (linear * middle[..., None, :]).sum(-1)
    L = torch.cat([linear * reach[..., None], offset[..., None]], -1).to(moments.dtype)
    return torch.einsum("...ri,...ij,...rj->...", L, moments, L)
