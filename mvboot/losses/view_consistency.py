"""Keypoints of two views should be one another's images, by the depth that each view states."""

from jaxtyping import Bool, Float
from torch import Tensor

from mvboot.geometry.plain import PlainCameras


def carried_places(
    here: PlainCameras,
    there: PlainCameras,
    places: Float[Tensor, "*batch k 2"],
    depths: Float[Tensor, "*batch k"],
) -> Float[Tensor, "*batch k 2"]:
    """Return where points seen at places and depths by one camera lie in the other's picture."""
    return there.project(there.carried(here, here.unproject(places, depths)))


def consistency_loss(
    a: PlainCameras,
    b: PlainCameras,
    places_a: Float[Tensor, "*batch k 2"],
    places_b: Float[Tensor, "*batch k 2"],
    depths_a: Float[Tensor, "*batch k"],
    depths_b: Float[Tensor, "*batch k"],
    counted: Bool[Tensor, "*batch k"] | None = None,
) -> Float[Tensor, "*batch"]:
    """Return how far keypoints of two views are from where the other view puts them.

    ``1/2K sum_i |[x_i, x'_i] - [x_i from b, x'_i from a]|^2`` in units of the places squared
    (Suwajanakorn et al., NeurIPS 2018, eq. 3), over the K keypoints that are counted; None: all.
    Depths are not compared: nobody observes them, but the transfer depends on them.
    """
    in_b = carried_places(a, b, places_a, depths_a)
    in_a = carried_places(b, a, places_b, depths_b)
    gap2 = (places_a - in_a).square().sum(-1) + (places_b - in_b).square().sum(-1)
    if counted is None:
        return gap2.mean(-1) / 2
    return (gap2 * counted).sum(-1) / counted.sum(-1).clamp(min=1) / 2
