"""The rotation between two sets of points, and the angle between two rotations."""

import torch
from jaxtyping import Float
from torch import Tensor


def rotation_between(
    a: Float[Tensor, "*batch k 3"], b: Float[Tensor, "*batch k 3"]
) -> Float[Tensor, "*batch 3 3"]:
    """Return the rotation R for which ``R a + t`` comes nearest to b, whatever t is.

    Orthogonal Procrustes: least squares over K points (..., K, 3), never a reflection even where
    one would come nearer (Schönemann 1966; Umeyama 1991, eq. 43). Solved in float64, whatever
    comes in, and returned in the type that came. Gradients are damped where points on a line or in
    one place leave the rotation open; there the result is any of the best.
    """
    import roma  # loads torch's compiler, which most commands need not wait for

    a0, b0 = (x.double() - x.double().mean(-2, keepdim=True) for x in (a, b))
    products = b0.mT @ a0
    size = torch.linalg.vector_norm(products.detach(), dim=(-2, -1), keepdim=True)
    products = products / size.clamp(min=torch.finfo(size.dtype).tiny)  # damping knows no units
    R: Tensor = roma.special_procrustes(products)
    return R.to(a.dtype)


def rotation_angle(
    R: Float[Tensor, "*batch_r 3 3"], Q: Float[Tensor, "*batch_q 3 3"]
) -> Float[Tensor, "*batch"]:
    """Return the angle in [0, pi] by which two rotations differ, radians; shapes broadcast.

    It is ``2 arcsin(|R - Q| / (2 sqrt 2))`` with the Frobenius norm, in a form whose gradient is
    bounded at 0 and at pi, and 0 in both.
    """
    between = R @ Q.mT
    skew = (between - between.mT)[..., [2, 0, 1], [1, 2, 0]] / 2
    cosine = (between.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2
    return torch.atan2(torch.linalg.vector_norm(skew, dim=-1), cosine)
