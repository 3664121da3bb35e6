"""Keypoints as a task: L = L_L + w_M L_M + w_R L_R and the terms of KeypointNet (`latent`)."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mvboot.datasets import Sample
from mvboot.geometry import epipolar_distance, fundamental_matrix
from mvboot.inference.crops import MIN_CONFIDENCE
from mvboot.losses import KeypointNetWeights, heatmap_divergence
from mvboot.networks import DenseNetwork, KeypointTarget, NetworkConfig
from mvboot.training.dense.objective import Terms
from mvboot.training.initial import started
from mvboot.training.keypoints.batches import KeypointData
from mvboot.training.keypoints.consistency import KeypointConsistency
from mvboot.training.keypoints.labels import (
    KeypointLabels,
    keypoint_labels,
    labelled_keypoint_terms,
    predicted_keypoints,
)
from mvboot.training.keypoints.settings import Geometry, KeypointConfig, KeypointSettings
from mvboot.training.keypoints.temperature import cooled
from mvboot.training.latent.objective import latent_terms
from mvboot.training.schedule import Schedule, drawn_at
from mvboot.training.task import Objective, Task, Weighted

PCK = 0.05
"""A keypoint is right within this share of the longer side of the box about its picture's labels"""


class KeypointObjective(Objective):
    """The loss of heat maps, on labels and on unlabelled views."""

    medians = frozenset({"label_px", "epipolar_px", "drift_px"})

    def __init__(self, settings: KeypointSettings, data: KeypointData) -> None:
        self.settings, self.data = settings, data
        self.names = data.names
        distillation = settings.distillation
        self.keep = Schedule(distillation.weight_start, distillation.weight_end)
        self.rise = Schedule(0.0, settings.matching.weight, settings.rise)
        self.consistency = KeypointConsistency(settings.matching)
        self.weights = weights_of(settings.geometry)

    def terms(
        self,
        batch: Mapping[str, Sample],
        network: DenseNetwork,
        teacher: DenseNetwork | None,
        progress: float,
    ) -> Mapping[str, Weighted]:
        """Return L_L of labelled pictures, and all terms of groups of views."""
        found = {}
        labelled, views = batch.get("labelled"), batch.get("views")
        if labelled is not None:
            terms = labelled_keypoint_terms(
                predicted_keypoints(network, labelled.images), labelled, self.names
            )
            found["labelled"] = Weighted(self.settings.labelled, terms)
        if views is None:
            return found
        prediction = predicted_keypoints(network, views.images)
        same = torch.from_numpy(self.data.same_spots(views)).to(views.images.device)
        if self.settings.matches:
            terms = self.consistency.terms(prediction, views, _labels(views, self.names), same)
            found["multiview"] = Weighted(self.rise.at(progress), terms)
        if self.settings.geometry.used:
            terms = latent_terms(prediction, views, self.weights, drawn_at(progress), same)
            found["geometry"] = Weighted(1.0, terms, self.settings.geometry.model_dump())
        if teacher is not None:
            with torch.no_grad():
                taught = predicted_keypoints(teacher, views.images)
            value = heatmap_divergence(prediction.logits, taught.logits).mean()
            found["distilled"] = Weighted(self.keep.at(progress), Terms({"keypoints": value}))
        return found

    @torch.no_grad()
    def held(
        self, network: DenseNetwork, teacher: DenseNetwork | None, sample: Sample
    ) -> Mapping[str, Tensor]:
        """Return errors in px of the original pictures, and whether labels are met (`PCK`).

        ``label_px`` from labels, ``epipolar_px`` from the epipolar lines of sure keypoints in the
        other views, ``drift_px`` from what the teacher says.
        """
        decoded = predicted_keypoints(network, sample.images).decoded()
        places = sample.to_original(decoded.xy)
        found = {"epipolar_px": _epipolar_gaps(places, decoded.confidence, sample)}
        labels = _labels(sample, self.names)
        if labels is not None:
            error, extent = _label_errors(places, sample.to_original(labels.points), labels.weight)
            known = labels.weight > 0
            found["label_px"] = error[known]
            found["pck"] = (error <= PCK * extent[:, None])[known & (extent[:, None] > 0)].double()
        if teacher is not None:
            taught = sample.to_original(predicted_keypoints(teacher, sample.images).decoded().xy)
            found["drift_px"] = torch.linalg.vector_norm(places - taught, dim=-1).flatten()
        return found


def weights_of(geometry: Geometry) -> KeypointNetWeights:
    """Return the weights of KeypointNet's terms that settings state."""
    return KeypointNetWeights(**geometry.model_dump())


def _labels(sample: Sample, names: Sequence[str]) -> KeypointLabels | None:
    """Return the labels of a sample, None where its keypoints are others or it has none."""
    return keypoint_labels(sample, names) if {*names} <= {*sample.keypoint_names} else None


def _label_errors(found: Tensor, labels: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return distances (n, K) and the longer sides (n,) of the boxes about labels; 0 for none."""
    known = (weight > 0)[..., None]
    low = torch.where(known, labels, math.inf).amin(1)
    high = torch.where(known, labels, -math.inf).amax(1)
    extent = (high - low).amax(1).clamp(min=0)
    return torch.linalg.vector_norm(found - labels, dim=-1), extent


def _epipolar_gaps(places: Tensor, confidence: Tensor, sample: Sample) -> Tensor:
    """Return how far sure keypoints are from one another's epipolar lines, px, of all pairs."""
    plain = [
        camera.undistort(own)
        for camera, own in zip(sample.cameras, places.double().cpu(), strict=True)
    ]
    sure = (confidence >= MIN_CONFIDENCE).cpu()
    gaps = [places.new_zeros(0, dtype=torch.float64, device="cpu")]
    for a, b in sample.pairs():
        both = sure[a] & sure[b]
        F = fundamental_matrix(sample.cameras[a], sample.cameras[b])
        gaps.append(epipolar_distance(F, plain[a][both], plain[b][both]))
    return torch.cat(gaps)


def _network(settings: KeypointSettings, data: KeypointData, teacher: Path | None) -> DenseNetwork:
    config = NetworkConfig(
        target=KeypointTarget(names=data.names, blur=settings.blur, depth=settings.geometry.used),
        backbone=settings.backbone,
        stride=settings.stride,
    )
    return started(config, settings.seed, teacher)


KEYPOINTS = Task(
    "sparse keypoints, as labels name them",
    KeypointConfig,
    KeypointData,
    _network,
    lambda settings, network, data: KeypointObjective(settings, data),
    cooled,
)
