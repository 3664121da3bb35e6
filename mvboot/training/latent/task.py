"""Keypoints that nobody labelled as a task: KeypointNet on the views of a rig.

Suwajanakorn et al., NeurIPS 2018; the terms are in `latent`. In a first part of the run, where the
front and the back have labels, the network learns these alone (`start_terms`).
"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from mvboot.config import from_options
from mvboot.datasets import Sample
from mvboot.losses import KeypointNetWeights
from mvboot.losses.view_consistency import carried_places
from mvboot.networks import (
    DenseNetwork,
    KeypointPrediction,
    KeypointTarget,
    NetworkConfig,
    OrientedNetwork,
    faces_right,
)
from mvboot.training.initial import started
from mvboot.training.keypoints.labels import predicted_keypoints
from mvboot.training.latent.batches import LatentData
from mvboot.training.latent.objective import (
    TOLD_UNTIL,
    inside,
    keypoint_views,
    known_facing,
    latent_terms,
    orientation_terms,
    start_terms,
    turned_wrong,
)
from mvboot.training.latent.settings import LatentConfig, LatentSettings
from mvboot.training.latent.watch import LatentWatch
from mvboot.training.schedule import drawn_at
from mvboot.training.task import Objective, Task, Weighted


class LatentObjective(Objective):
    """The loss of KeypointNet, and a watch that the keypoints do not degenerate."""

    medians = frozenset({"angle_deg", "transfer_px"})

    def __init__(self, settings: LatentSettings) -> None:
        self.settings = settings
        self.weights = weights_of(settings)
        self.watch = LatentWatch()

    def terms(
        self,
        batch: Mapping[str, Sample],
        network: DenseNetwork,
        teacher: DenseNetwork | None,
        progress: float,
    ) -> Mapping[str, Weighted]:
        """Return the terms of pairs of views; in the start those of front and back alone."""
        sample, oriented = batch["views"], self.settings.oriented
        prediction = self._predicted(network, sample, progress)
        found = {}
        if oriented is not None:
            terms = orientation_terms(prediction, sample, oriented)
            found["orientation"] = Weighted(self.weights.orientation, terms)
            if progress < self.settings.start:
                return found | {"start": Weighted(1.0, start_terms(prediction, sample, oriented))}
        terms = latent_terms(prediction, sample, self.weights, drawn_at(progress))
        self.watch.see(terms.meters, progress)
        return found | {"latent": Weighted(1.0, terms, asdict(self.weights))}

    @torch.no_grad()
    def held(
        self, network: DenseNetwork, teacher: DenseNetwork | None, sample: Sample
    ) -> Mapping[str, Tensor]:
        """Return how keypoints do on held-out pairs of views.

        ``angle_deg`` by which they turn wrong, ``transfer_px`` (of the crop) from where the other
        view puts them by its depth, the share ``inside`` the mask, and ``facing`` the right way.
        """
        prediction = predicted_keypoints(network, sample.images)
        views, _ = keypoint_views(prediction, sample)
        pairs = sample.pairs()
        a, b = torch.tensor(pairs).unbind(1)
        carried = carried_places(
            views.cameras[a], views.cameras[b], views.places[a], views.depths[a]
        )
        half = max(sample.images.shape[-2:]) / 2
        gaps = half * torch.linalg.vector_norm(carried - views.places[b], dim=-1)
        found = {"angle_deg": turned_wrong(views, pairs), "transfer_px": gaps.flatten()}
        found["inside"] = inside(prediction, views).double().flatten()
        if self.settings.oriented is not None and prediction.orientation is not None:
            known = known_facing(sample, self.settings.oriented)
            right = faces_right(prediction.orientation.moments.mean).cpu() == known.bool()
            found["facing"] = right[~known.isnan()].double()
        return found

    def fault(self, step: int) -> str | None:
        """Return what is wrong with keypoints that have degenerated."""
        return self.watch.fault(step)

    def _predicted(
        self, network: DenseNetwork, sample: Sample, progress: float
    ) -> KeypointPrediction:
        oriented = self.settings.oriented
        told = progress < max(TOLD_UNTIL, self.settings.start)
        if told and oriented is not None and isinstance(network, OrientedNetwork):
            facing = known_facing(sample, oriented).to(sample.images.device)
            return network.forward(sample.images, facing)
        return predicted_keypoints(network, sample.images)


def weights_of(settings: LatentSettings) -> KeypointNetWeights:
    """Return the weights of the preset, with those that are stated in their place."""
    presets = {
        "paper": KeypointNetWeights.paper(),
        "tf_code": KeypointNetWeights.tf_code(settings.keypoints),
    }
    return replace(presets[settings.preset], **settings.weights)


def _network(settings: LatentSettings, data: LatentData, teacher: Path | None) -> DenseNetwork:
    target = KeypointTarget.latent(settings.keypoints, settings.oriented)
    same = {name: getattr(settings, name) for name in ("backbone", "stride", "width")}
    config = from_options({"target": target} | same, NetworkConfig)
    return started(config, settings.seed, teacher)


LATENT = Task(
    "keypoints that nobody labelled",
    LatentConfig,
    LatentData,
    _network,
    lambda settings, network, data: LatentObjective(settings),
)
