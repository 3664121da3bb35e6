"""KeypointNet's loss: keypoints that nobody labelled, from two views of known relative pose.

Suwajanakorn, Snavely, Tompson and Norouzi, "Discovery of latent 3D keypoints via end-to-end
geometric reasoning" (NeurIPS 2018). Each term has a file of its own beside this one; here they
meet, with the weights of the paper and of the authors' code. The unit of length is half the size
of the object, places are -1 to 1 across the picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mvboot.geometry.plain import PlainCameras
from mvboot.losses.relative_pose import relative_pose_loss
from mvboot.losses.separation import separation_loss
from mvboot.losses.silhouette import silhouette_loss
from mvboot.losses.variance import variance_loss
from mvboot.losses.view_consistency import consistency_loss


@dataclass(frozen=True)
class KeypointNetWeights:
    """How much each term counts, and what the terms themselves depend on.

    Parameters
    ----------
    consistency, pose, separation, silhouette, variance, orientation
        Factors of the terms, which are normalised as in the paper: means over keypoints, and over
        the views or pairs of views that there are.
    delta2
        Squared distance, in squared half sizes of the object, up to which keypoints repel.
    noise
        Standard deviation of the noise in the pose term, in half sizes of the object.
    """

    consistency: float = 0.0
    pose: float = 0.0
    separation: float = 0.0
    silhouette: float = 0.0
    variance: float = 0.0
    orientation: float = 0.0
    delta2: float = 0.05
    noise: float = 0.1

    @staticmethod
    def paper() -> "KeypointNetWeights":
        """Return the weights 1, 0.2, 1, 1 of the paper.

        It states neither those of the variance and the orientation nor delta and the noise: they
        are those of the authors' code.
        """
        return KeypointNetWeights(1.0, 0.2, 1.0, 1.0, 0.5, 1.0)

    @staticmethod
    def tf_code(keypoints: int) -> "KeypointNetWeights":
        """Return the weights by which the authors' code comes to its loss.

        It has the same factors as the paper, but sums both views and both directions, and divides
        the separation by 2K instead of K^2. Its separation also counts each keypoint with itself,
        a constant ``delta2`` that is left out here.
        """
        return KeypointNetWeights(2.0, 0.2, float(keypoints), 2.0, 2 * 0.5, 1.0)

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """Return the weighted sum of terms; each bears the name of its weight."""
        return torch.stack([getattr(self, name) * value for name, value in terms.items()]).sum()


@dataclass(frozen=True, eq=False)
class KeypointViews:
    """K keypoints with depths in n views.

    Parameters
    ----------
    logits
        (n, K, h, w) of their heat maps.
    places, covariance
        (n, K, 2) and (n, K, 2, 2): mean and covariance of the heat maps, -1 to 1 across the
        picture.
    depths
        (n, K) along the axis of the camera.
    cameras
        (n,) the cameras that see those places.
    mask, masked
        (n, h, w) which cells show the subject, and (n,) in which views that is known.
    same_spot
        (n, K) which keypoints mean the same spot of the subject as in other views and should be
        consistent; None: all.
    """

    logits: Float[Tensor, "n k h w"]
    places: Float[Tensor, "n k 2"]
    covariance: Float[Tensor, "n k 2 2"]
    depths: Float[Tensor, "n k"]
    cameras: PlainCameras
    mask: Bool[Tensor, "n h w"]
    masked: Bool[Tensor, " n"]
    same_spot: Bool[Tensor, "n k"] | None = None

    @property
    def points(self) -> Float[Tensor, "n k 3"]:
        """The keypoints in the cameras."""
        return self.cameras.unproject(self.places, self.depths)


def keypointnet_terms(
    views: KeypointViews,
    pairs: Sequence[tuple[int, int]],
    weights: KeypointNetWeights,
    generator: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Return the terms of some views, one value each, not yet weighted.

    Terms of pairs are left out where there is no pair, the silhouette where no mask is known, and
    all whose weight is 0: they cost no time. ``generator`` draws the noise of the pose.
    """
    terms: dict[str, Tensor] = {}
    points = views.points
    if weights.separation:
        terms["separation"] = separation_loss(points, weights.delta2).mean()
    if weights.variance:
        terms["variance"] = variance_loss(views.covariance).mean()
    if weights.silhouette and bool(views.masked.any()):
        terms["silhouette"] = silhouette_loss(
            views.logits[views.masked], views.mask[views.masked]
        ).mean()
    if not pairs:
        return terms
    a, b = torch.tensor(pairs).unbind(1)
    cameras_a, cameras_b = views.cameras[a], views.cameras[b]
    if weights.consistency:
        places, depths = views.places, views.depths
        terms["consistency"] = consistency_loss(
            cameras_a,
            cameras_b,
            places[a],
            places[b],
            depths[a],
            depths[b],
            None if views.same_spot is None else views.same_spot[a] & views.same_spot[b],
        ).mean()
    if weights.pose:
        b_from_a = cameras_b.from_other(cameras_a).R
        terms["pose"] = relative_pose_loss(
            points[a], points[b], b_from_a, weights.noise, generator
        ).mean()
    return terms
