"""The front and the back of a subject, which tell left from right."""

from jaxtyping import Float
from torch import Tensor


def orientation_loss(
    found: Float[Tensor, "*batch 2 2"], known: Float[Tensor, "*batch 2 2"]
) -> Float[Tensor, "*batch"]:
    """Return the mean squared distance of front and back in the picture from where they are.

    The orientation network of KeypointNet has one L2 loss on two points (Suwajanakorn et al.,
    NeurIPS 2018, section 5); the mean over the two is ours.
    """
    return (found - known).square().sum(-1).mean(-1)
